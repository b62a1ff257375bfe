"""What is composed for a family reads back through that family's own plan as exactly what was put in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources
from lis_bridge.core.faults import DriverError, UsageError
from lis_bridge.core.results import Message, Patient
from lis_bridge.simulate.compose import Composer, table_for, writable
from lis_bridge.simulate.sample import Measured, Sample
from lis_bridge.simulate.sheet import exemplar

ZONE = ZoneInfo("Asia/Shanghai")
LIBRARY = Library.load(resources.drivers())
TESTS = Catalogue.load(resources.catalogue())


def writable_dialects() -> Iterator[tuple[str, str]]:
    """Every dialect on the shelf that a composer takes; what it cannot write must be a DriverError, never a wrong message."""
    sample = Sample("12345678", datetime(2026, 3, 17, tzinfo=ZONE), (Measured("X", "1"),))
    for id in LIBRARY.ids():
        for name in LIBRARY.driver(id).manifest.dialect:
            with contextlib.suppress(DriverError):
                Composer(LIBRARY.driver(id).manifest, name).message(sample)
                yield id, name


DIALECTS = [pytest.param(*found, id="-".join(found)) for found in writable_dialects()]

digits = st.decimals(min_value=0, max_value=100_000, places=3).map(str)
words = st.text(
    st.characters(codec="gb18030", exclude_categories=("C", "Z"), exclude_characters="\\&*+-"), min_size=1, max_size=12
)
"""Texts as people write them, delimiters among them. Left out: the escape characters, and what manifests declare as "no result"."""
plain = st.text("ABCDEFGHabcdefgh0123456789", min_size=1, max_size=10)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=ZONE))


NAMES = ("林远山", "Test Person", "O|Neil~Jones")


def writes_chinese(manifest: Manifest, dialect: str) -> bool:
    return not {"utf-8", "gb18030"}.isdisjoint(manifest.dialect[dialect].charset)


def plan_of(id: str) -> Plan:
    return LIBRARY.plan(id, TESTS, zone=ZONE)


def read_back(id: str, body: bytes, dialect: str) -> Message:
    """The one message that the driver's plan finds in an unframed body."""
    from lis_bridge.framing.unframe import Body

    found, faults = plan_of(id).decode_body(Body(body, ((0, 0),), True, ()), complete=True)
    assert not faults
    assert len(found) == 1
    return found[0]


def measured_as(manifest: Manifest, dialect: str) -> st.SearchStrategy[Measured]:
    """A result with all that this family's records have a place for."""
    spec = manifest.dialect[dialect]
    table = table_for(spec, "patient")
    has_range = bool(table.range or (table.low and table.high))
    texts = words if writes_chinese(manifest, dialect) else plain
    ranges = st.tuples(digits, digits).map(lambda pair: sorted(pair, key=Decimal)) if has_range else st.just(["", ""])
    named = spec.kind == "pairs"
    return st.builds(
        lambda limits, **parts: Measured(low=limits[0], high=limits[1], **parts),
        limits=ranges,
        code=plain.map(lambda text: f"X{text}"),
        value=digits if named else st.one_of(digits, texts),
        name=texts if table.name and not named else st.just(""),
        unit=plain if table.unit and not named else st.just(""),
        flags=st.lists(st.sampled_from(["H", "L"]), max_size=1).map(tuple) if any(map(writable, table.flags)) else st.just(()),
        rerun=st.booleans() if table.rerun is not None else st.none(),
    )


@pytest.mark.parametrize(("id", "dialect"), DIALECTS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_is_put_in_is_read_back(id: str, dialect: str, data: st.DataObject) -> None:
    manifest = LIBRARY.driver(id).manifest
    results = data.draw(st.lists(measured_as(manifest, dialect), min_size=1, max_size=6, unique_by=lambda one: one.code))
    sample = Sample(
        data.draw(plain.map(lambda text: f"B{text}")),
        data.draw(moments),
        tuple(results),
        patient=Patient(
            id=data.draw(plain), name=data.draw(st.sampled_from(NAMES if writes_chinese(manifest, dialect) else NAMES[1:]))
        ),
        stat=manifest.dialect[dialect].message.stat is not None and data.draw(st.booleans()),
    )
    found = read_back(id, Composer(manifest, dialect).message(sample), dialect)
    assert found.kind == "patient"
    assert found.specimen == sample.id
    assert found.stat == sample.stat
    spec, person = manifest.dialect[dialect].message, found.patient or Patient()
    assert sample.patient is not None
    assert person.id == (sample.patient.id if spec.patient_id else None)
    assert person.name == (sample.patient.name if spec.patient_name else None)
    assert sorted(said(found)) == sorted(put(sample, manifest, dialect))


def said(message: Message) -> list[tuple[object, ...]]:
    """The texts of every observation, as the plan read them."""
    return [
        (seen.code, seen.value, seen.unit or "", seen.low or "", seen.high or "", seen.flags, seen.rerun, seen.observed_at)
        for seen in message.observations
    ]


def put(sample: Sample, manifest: Manifest, dialect: str) -> list[tuple[object, ...]]:
    """The same of what was put in."""
    table = table_for(manifest.dialect[dialect], "patient")
    at = sample.at.isoformat() if table.observed_at else None
    return [
        (one.code, one.value, one.unit, one.low, one.high, one.flags, one.rerun if not _silent(table, one) else None, at)
        for one in sample.results
    ]


def _silent(table: object, one: Measured) -> bool:
    """A first run that the family has no mark for."""
    rerun = getattr(table, "rerun", None)
    return rerun is None or (one.rerun is False and not rerun.first)


def test_points_of_a_viscosity_curve_are_written_into_one_field() -> None:
    manifest = LIBRARY.driver("zonci-zl").manifest
    results = tuple(Measured(f"全血粘度@{rate}", value) for rate, value in (("1.00", "18.84"), ("200.00", "4.07")))
    body = Composer(manifest).message(Sample("240099817", datetime(2026, 3, 17, 9, 5, tzinfo=ZONE), results))
    assert "全血粘度:(1.00,18.84)(200.00,4.07);\r\n" in body.decode("gb18030")
    assert [(seen.code, seen.value) for seen in read_back("zonci-zl", body, "text").observations] == [
        (one.code, one.value) for one in results
    ]


@pytest.mark.parametrize("id", ["mindray-bs", "mindray-bc", "mindray-cl", "sysmex-xn"])
def test_a_control_is_read_as_a_control(id: str) -> None:
    manifest = LIBRARY.driver(id).manifest
    for dialect in manifest.dialect:
        sample = Sample("QC-1", datetime(2026, 3, 17, 9, 5, tzinfo=ZONE), (Measured("X1", "5.20", name="control"),), kind="qc")
        found = read_back(id, Composer(manifest, dialect).message(sample), dialect)
        assert found.kind == "qc"
        assert [(seen.code, seen.value) for seen in found.observations] == [("X1", "5.20")]


def test_each_control_result_of_a_bs_opens_its_own_obr() -> None:
    manifest = LIBRARY.driver("mindray-bs").manifest
    results = (Measured("ALT", "41.2", name="ALT"), Measured("AST", "38.0", name="AST"))
    body = Composer(manifest).message(Sample("12", datetime(2026, 3, 17, 9, 5, tzinfo=ZONE), results, kind="qc"))
    assert body.count(b"\rOBR|") == 2
    assert b"OBX" not in body
    assert [seen.value for seen in read_back("mindray-bs", body, "hl7").observations] == ["41.2", "38.0"]


def test_every_result_keeps_its_own_time() -> None:
    manifest = LIBRARY.driver("mindray-bs").manifest
    first = datetime(2026, 3, 17, 9, 5, tzinfo=ZONE)
    times = [first + timedelta(seconds=9 * step) for step in range(3)]
    results = tuple(Measured(f"X{number}", "1.0", observed_at=at) for number, at in enumerate(times))
    found = read_back("mindray-bs", Composer(manifest).message(Sample("12345678", first, results)), "hl7")
    assert [seen.observed_at for seen in found.observations] == [at.isoformat() for at in times]


@pytest.mark.parametrize(
    ("pattern", "text"), [(r"ORU\^R01.*", "ORU^R01"), ("0?", "0"), ("0000[3-9]|0001[01]", "00003"), (".*", "")]
)
def test_an_exemplar_matches_its_pattern(pattern: str, text: str) -> None:
    assert exemplar(pattern) == text


def test_a_pattern_without_an_exemplar_is_a_driver_error() -> None:
    with pytest.raises(DriverError, match="no text"):
        exemplar(r"(?=x)y")


@pytest.mark.parametrize("id", ["mindray-bs", "mindray-bc", "mindray-cl", "sysmex-xn", "zonci-zl"])
def test_the_first_families_can_all_be_written(id: str) -> None:
    assert {name for driver, name in writable_dialects() if driver == id} == set(LIBRARY.driver(id).manifest.dialect)


def test_a_fixed_width_dialect_is_refused_with_its_place() -> None:
    with pytest.raises(DriverError, match="hitachi-7170"):
        Composer(LIBRARY.driver("hitachi-7170").manifest)


def test_a_text_that_no_charset_of_the_family_holds_is_refused() -> None:
    manifest = LIBRARY.driver("sysmex-xn").manifest
    narrow = manifest.dialect["astm"].model_copy(update={"charset": ("ascii",)})
    composer = Composer(manifest.model_copy(update={"dialect": {"astm": narrow}}))
    with pytest.raises(UsageError, match="cannot hold"):
        composer.message(Sample("12345678", datetime(2026, 3, 17, tzinfo=ZONE), (Measured("X", "阴性"),)))


def test_an_unknown_dialect_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="hl7"):
        Composer(LIBRARY.driver("mindray-bs").manifest, "text")
