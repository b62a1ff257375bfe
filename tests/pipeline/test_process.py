"""The process step on a real database: what becomes of journal entries, promise by promise."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import func, select

from lis_bridge import journal, outbox
from lis_bridge.catalogue.derive import Formulas
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.plan import Overrides
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.core.results import Message
from lis_bridge.pipeline import process as process_module
from lis_bridge.pipeline.process import Instrument, Process, Processed
from lis_bridge.pipeline.screening import expectation
from lis_bridge.settings import Destination
from lis_bridge.storage import Store
from lis_bridge.storage.schema.controls import control_result
from lis_bridge.storage.schema.deliveries import delivery_part
from lis_bridge.tubes import views
from lis_bridge.tubes.keys import SpecimenRules

from .clocks import Stopped

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 18, 3, 0, tzinfo=UTC)
LIBRARY = Library.load(resources.drivers())
TESTS = TestCatalogue.load()
FORMULAS = Formulas.load()
DRIVERS = resources.drivers()[-1]


def instrument(driver: str, *, serial: str | None = None, codes: dict[str, str] | None = None) -> Instrument:
    plan = LIBRARY.plan(driver, TESTS, zone=ZONE, overrides=Overrides(codes or {}, {}))
    others = {id: LIBRARY.driver(id).manifest.models for id in LIBRARY.ids() if id != driver}
    return Instrument(plan, expectation(serial, plan.manifest.models, others), f"{driver}-1")


def step(driver: str, window_hours: int = 24, window: float = 2.0, **options: object) -> Process:
    rules = SpecimenRules(re.compile(r"[A-Za-z0-9-]{8,}"), window_hours, ZONE)
    lis = Destination.model_validate({"id": "lis", "link": "mllp://127.0.0.1:2575", "window_seconds": window})
    return Process({"one": instrument(driver, **options)}, [lis], rules, TESTS, FORMULAS, Stopped(NOW))  # type: ignore[arg-type]


def arrives(store: Store, process: Process, raw: bytes, *, complete: bool = True, analyzer: str = "one") -> Processed:
    with store.write() as tx:
        id = journal.append(tx, journal.Entry(analyzer, "", NOW, "mllp", complete, raw))
        entry = journal.get(tx, id)
        assert entry is not None
        return process(tx, entry)


def capture(name: str) -> bytes:
    return (DRIVERS / name.split("--")[0] / "captures" / name).read_bytes()


def hl7(*obx: str, specimen: str = "2603180457", control_id: int = 7, kind: str = "0", name: str = "") -> bytes:
    head = f"MSH|^~\\&|||||20260318095000||ORU^R01|{control_id}|P|2.3.1||||{kind}||ASCII|||\rPID|1||||{name}|||F\r"
    order = f"OBR|1|{specimen}|23|^|N|20260318090551|20260318090531|||1^5||||20260318090531|serum\r"
    rows = "".join(f"OBX|{number}|NM|{row}\r" for number, row in enumerate(obx, 1))
    return b"\x0b" + (head + order + rows).encode("utf-8") + b"\x1c\r"


def potassium(value: str = "4.10", time: str = "20260318094542", rerun: str = "0") -> str:
    return f"K|K|{value}|mmol/L|-|N|||F||{value}|{time}||x|{rerun}|"


def values(store: Store, key: str) -> dict[str | None, str | None]:
    with store.read() as tx:
        tube = views.find(tx, key)
        assert tube is not None
        shown = views.view(tx, tube)
    return {row.observation.test: row.observation.value for row in shown.runs if row.standing == "reported"}


def holds(store: Store) -> list[tuple[str, int]]:
    with store.read() as tx:
        return [(str(hold.reason), hold.results) for hold in views.holds(tx)]


def test_a_line_session_is_one_tube_of_229_results(store: Store) -> None:
    process = step("mindray-bs")
    done = arrives(store, process, capture("mindray-bs--04.hl7"))
    assert done.quarantined is None
    found = values(store, "2603180457")
    assert len(found) == 229
    assert found["TG"] == "1.235785"


def test_values_stay_text(store: Store) -> None:
    arrives(store, step("mindray-bs"), hl7(potassium("4.10")))
    assert values(store, "2603180457") == {"K": "4.10"}


def test_a_retransmission_adds_nothing(store: Store) -> None:
    process = step("mindray-bs")
    first = arrives(store, process, hl7(potassium()))
    again = arrives(store, process, hl7(potassium()))
    assert (first.results, again.results, again.owed) == (1, 0, False)


def test_processing_an_entry_again_doubles_nothing(store: Store) -> None:
    process = step("mindray-bs")
    done = arrives(store, process, hl7(potassium()))
    with store.write() as tx:
        journal.reopen(tx, done.journal_id)
        entry = journal.get(tx, done.journal_id)
        assert entry is not None
        assert process(tx, entry).results == 0
        assert tx.scalar(select(func.count()).select_from(delivery_part)) == 1


def test_a_control_is_kept_apart_and_never_a_patients_result(store: Store) -> None:
    process = step("mindray-bs")
    done = arrives(store, process, capture("mindray-bs--03.hl7"))
    with store.read() as tx:
        assert tx.scalar(select(func.count()).select_from(control_result)) == 12
        assert list(outbox.lines(tx)) == []
    assert (done.results, done.messages) == (0, 12)


def test_an_unknown_code_is_held_and_the_rest_goes_on(store: Store) -> None:
    done = arrives(store, step("mindray-bs"), hl7(potassium(), "XYZ9|XYZ9|7.5|mmol/L|-|N|||F||7.5|20260318094543||x|0|"))
    assert (done.results, done.held) == (1, 1)
    assert holds(store) == [("unknown code", 1)]


def test_what_waited_for_a_code_is_filed_by_a_replay_after_the_mapping_is_mended(store: Store) -> None:
    row = "XYZ9|XYZ9|7.5|mmol/L|-|N|||F||7.5|20260318094543||x|0|"
    done = arrives(store, step("mindray-bs"), hl7(potassium(), row))
    mended = step("mindray-bs", codes={"XYZ9": "Na"})
    with store.write() as tx:
        journal.reopen(tx, done.journal_id)
        entry = journal.get(tx, done.journal_id)
        assert entry is not None
        assert mended(tx, entry).results == 1
    assert values(store, "2603180457") == {"K": "4.10", "Na": "7.5"}
    assert holds(store) == []


def test_a_urine_value_is_not_filed_under_the_serum_test(store: Store) -> None:
    raw = hl7(potassium()).replace(b"|serum\r", "|尿液\r".encode())
    assert arrives(store, step("mindray-bs"), raw).results == 0
    assert holds(store) == [("unknown code", 1)]


def test_a_rerun_before_delivery_replaces(store: Store) -> None:
    process = step("mindray-bs")
    arrives(store, process, hl7(potassium("4.10")))
    arrives(store, process, hl7(potassium("4.30", "20260318101500", "1"), control_id=8))
    assert values(store, "2603180457") == {"K": "4.30"}


def test_without_a_window_the_message_is_ready_with_its_tube_in_one_transaction(store: Store) -> None:
    done = arrives(store, step("mindray-bs", window=0), hl7(potassium("4.10")))
    ((destination, ready),) = done.ready
    assert (destination, done.owed, done.collected) == ("lis", True, False)
    assert b"|4.10|mmol/L|" in ready.message
    with store.read() as tx:
        assert outbox.messages(tx, [ready.owed.id]) == {ready.owed.id: (ready.control_id, ready.message)}
        assert [line.state for line in outbox.lines(tx)] == ["pending"]


def test_with_a_window_nothing_is_ready_and_more_is_waited_for(store: Store) -> None:
    done = arrives(store, step("mindray-bs"), hl7(potassium("4.10")))
    assert (done.ready, done.collected) == ((), True)
    with store.read() as tx:
        assert [line.state for line in outbox.lines(tx)] == ["open"]


def test_a_stat_tube_is_ready_although_others_wait_for_their_window(store: Store) -> None:
    raw = hl7(potassium("4.10")).replace(b"OBR|1|2603180457|23|^|N|", b"OBR|1|2603180457|23|^|Y|")
    ((_, ready),) = arrives(store, step("mindray-bs"), raw).ready
    assert ready.owed.stat


def test_a_rerun_after_it_was_made_ready_is_a_correction(store: Store) -> None:
    process = step("mindray-bs", window=0)
    arrives(store, process, hl7(potassium("4.10")))
    ((_, ready),) = arrives(store, process, hl7(potassium("4.30", "20260318101500", "1"), control_id=8)).ready
    assert b"|4.30|" in ready.message
    assert b"|||C|||" in ready.message


def test_an_entry_read_beforehand_is_filed_as_one_read_in_its_transaction(store: Store) -> None:
    process = step("mindray-bs")
    with store.write() as tx:
        id = journal.append(tx, journal.Entry("one", "", NOW, "mllp", True, hl7(potassium("4.10"))))
        entry = journal.get(tx, id)
        assert entry is not None
    reading = process.read(entry)
    with store.write() as tx:
        assert process(tx, entry, reading).results == 1
    assert values(store, "2603180457") == {"K": "4.10"}


@pytest.mark.parametrize("capture_of", ["mindray-bs", "mindray-cl", "mindray-bc", "sysmex-xn"])
def test_what_is_prepared_gives_the_messages_that_judging_row_by_row_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capture_of: str
) -> None:
    captures = [file.read_bytes() for file in sorted((DRIVERS / capture_of / "captures").iterdir())]
    told = _told(tmp_path / "prepared.db", capture_of, captures * 2)
    prepare = process_module.prepare
    monkeypatch.setattr(process_module, "prepare", lambda *words: replace(prepare(*words), first=None))
    assert told
    assert _told(tmp_path / "judged.db", capture_of, captures * 2) == told


def _told(file: Path, driver: str, captures: list[bytes]) -> list[tuple[str, bytes]]:
    """What the LIS is told of these, by the key of the tube, without the number that each database draws for itself."""
    process = step(driver, window_hours=0, window=0)
    told = []
    with Store.open(f"sqlite:///{file}") as store:
        for raw in captures:
            for _, ready in arrives(store, process, raw).ready:
                told.append((str(ready.owed.tube), ready.message.replace(ready.control_id.encode(), b"")))
    return told


def test_another_value_without_a_new_time_is_held_not_guessed(store: Store) -> None:
    process = step("mindray-bs")
    arrives(store, process, hl7(potassium("4.10")))
    arrives(store, process, hl7(potassium("4.90"), control_id=8))
    assert values(store, "2603180457") == {"K": "4.10"}
    assert holds(store) == [("conflicting value", 1)]


def test_the_same_measurement_under_another_barcode_is_held(store: Store) -> None:
    process = step("mindray-bs")
    arrives(store, process, hl7(potassium()))
    arrives(store, process, hl7(potassium(), specimen="2603180999", control_id=8))
    assert holds(store) == [("possible id correction", 1)]


def test_a_missing_barcode_and_number_is_held(store: Store) -> None:
    raw = hl7(potassium(), specimen="").replace(b"OBR|1||23|", b"OBR|1|||")
    assert arrives(store, step("mindray-bs"), raw).results == 0
    assert holds(store) == [("specimen missing", 1)]


def test_a_running_number_of_long_ago_is_doubtful(store: Store) -> None:
    raw = hl7(potassium(), specimen="").replace(b"20260318", b"20260101")
    arrives(store, step("mindray-bs"), raw)
    assert holds(store) == [("identity doubtful", 1)]


def test_a_cut_off_hl7_message_is_evidence_only(store: Store) -> None:
    raw = hl7(potassium())[:-20]
    done = arrives(store, step("mindray-bs"), raw, complete=False)
    assert (done.results, done.held) == (0, 0)
    with store.read() as tx:
        assert list(views.tubes(tx)) == []


def test_bytes_that_are_no_message_are_quarantined_with_a_remedy(store: Store) -> None:
    done = arrives(store, step("mindray-bs"), b"\x0bhello\x1c\r")
    assert done.quarantined is not None
    with store.read() as tx:
        entry = journal.get(tx, done.journal_id)
    assert entry is not None
    assert entry.state == "quarantined"
    assert entry.detail


def test_another_instruments_serial_is_quarantined_whole(store: Store) -> None:
    process = step("sysmex-xn", serial="11111", window_hours=0)
    assert arrives(store, process, capture("sysmex-xn--02.astm")).quarantined == "another analyzer"


def test_another_familys_model_is_quarantined_whole(store: Store) -> None:
    process = step("mindray-bs")
    raw = hl7(potassium()).replace(b"|23|^|N|", b"|23|Mindray^CL-2000i|N|")
    assert arrives(store, process, raw).quarantined == "another model"


def test_an_analyzer_that_is_configured_no_more_waits_in_quarantine(store: Store) -> None:
    assert arrives(store, step("mindray-bs"), hl7(potassium()), analyzer="gone").quarantined == "unknown analyzer"


def test_derived_values_are_added_and_name_their_formula(store: Store) -> None:
    arrives(store, step("zonci-zl", window_hours=0), capture("zonci-zl--01.txt"))
    with store.read() as tx:
        shown = views.view(tx, next(iter(views.tubes(tx))).id)
    derived = {row.observation.test: row.observation.derived for row in shown.runs if row.observation.derived}
    assert derived
    assert not derived.keys() & {"RBC", "HGB", "FIB", "IEV"}
    assert all(name is not None and name.startswith("zonci-zl ") for name in derived.values())


def test_the_unit_is_converted_and_the_original_kept(store: Store) -> None:
    arrives(store, step("sysmex-xn", window_hours=0), capture("sysmex-xn--01.astm"))
    with store.read() as tx:
        tube = views.find(tx, "NLAB25-00417")
        assert tube is not None
        rows = {row.observation.test: row.observation for row in views.view(tx, tube).runs}
    assert (rows["HGB"].value, rows["HGB"].unit, rows["HGB"].factor) == ("11.5", "g/dL", "10")


def test_one_message_of_many_results_and_many_messages_of_one_are_the_same_tube(store: Store, tmp_path: Path) -> None:
    tests = [test.code for test in TESTS.tests if test.class_ == "chemistry" and test.result_type == "numeric"][:110]
    units = {test.code: test.ucum for test in TESTS.tests}
    rows = [
        f"{code}|{code}|{index}.50|{units[code]}|-|N|||F|||202603180945{index % 60:02d}||x|0|" for index, code in enumerate(tests)
    ]
    codes = {code: code for code in tests}
    arrives(store, step("mindray-bs", codes=codes), hl7(*rows))
    with Store.open(f"sqlite:///{tmp_path}/other.db") as other:
        process = step("mindray-bs", codes=codes)
        for number, row in enumerate(rows):
            arrives(other, process, hl7(row, control_id=number))
        assert values(store, "2603180457") == values(other, "2603180457")
    assert len(values(store, "2603180457")) == 110


def exported(*rows: str, day: str = "20260318") -> bytes:
    return "".join(f"{day}/{row}/\r\n" for row in rows).encode("ascii")


def test_an_export_read_again_after_it_grew_adds_only_what_is_new(store: Store) -> None:
    process = step("zonci-zl-export")
    early, late = ("1/6/12.00", "1/5/"), ("1/5/1.40", "2/6/19.00")
    first = arrives(store, process, exported(*early))
    again = arrives(store, process, exported(*early, *late))
    rest = arrives(store, process, exported(*late))  # as a folder link brings it with appended=on
    assert (first.results, again.results, rest.results) == (1, 2, 0)
    assert holds(store) == []
    assert values(store, "20260318-zonci-zl-export-1-1") == {"ESR-R": "12.00", "PV": "1.40"}
    assert values(store, "20260318-zonci-zl-export-1-2") == {"ESR-R": "19.00"}


def test_another_value_under_a_number_of_an_export_is_held(store: Store) -> None:
    process = step("zonci-zl-export")
    arrives(store, process, exported("1/6/12.00"))
    arrives(store, process, exported("1/6/12.00", "1/6/13.00"))
    assert values(store, "20260318-zonci-zl-export-1-1") == {"ESR-R": "12.00"}
    assert holds(store) == [("conflicting value", 1)]


def test_a_result_file_with_a_damaged_row_is_quarantined_with_its_line(store: Store) -> None:
    done = arrives(store, step("zonci-zl-export"), exported("1/1/17.98") + b"20260318/1/2\r\n" + exported("1/3/5.15"))
    assert done.quarantined == "row damaged"
    with store.read() as tx:
        (line,) = journal.lines(tx, state="quarantined", analyzer=None, before=None, limit=9)
    assert line.detail.startswith("line 2: ")


def test_a_second_laboman_file_of_one_number_is_held(store: Store) -> None:
    process = step("sysmex-laboman-cdf", window_hours=0)
    raw = capture("sysmex-laboman-cdf--01.csv")
    first = arrives(store, process, raw)
    again = arrives(store, process, raw)
    other = arrives(store, process, raw.replace(b"09:41:12,", b"11:20:03,").replace(b",125.00,", b",98.00,"))
    assert (first.results, again.results, other.results) == (20, 0, 0)
    assert values(store, "20250804-sysmex-laboman-cdf-1-14")["HGB"] == "125.00"
    assert [reason for reason, _ in holds(store)] == ["identity doubtful"]


def test_a_yumizens_results_marked_w_wait_as_doubted_and_the_others_go(store: Store) -> None:
    done = arrives(store, step("horiba-yumizen", window_hours=0), capture("horiba-yumizen--02.astm"))
    found = values(store, "YB-25-0417")
    assert (done.results, len(found)) == (9, 9)
    assert (found["PLT"], "WBC" in found) == ("262", False)
    assert holds(store) == [("doubted by the analyzer", 11)]


def yumizen(status: str) -> bytes:
    """One result of an H500, as bare records."""
    records = (
        r"H|\^&|||H500^990YOXH00417^2.2.2.2b|||||||P|LIS2-A2|20250520112340",
        "P|1",
        "O|1|YB-25-0417||^^^DIF|R|20250520112233|||||||||BLOOD||||||||||F",
        f"R|1|^^^WBC^6690-2|7.31|10E3/uL|4.00 - 10.00^REFERENCE_RANGE|N||{status}||DEMO1^^USER|20250520112233",
        "L|1|N",
    )
    return "".join(f"{record}\r" for record in records).encode("ascii")


def test_a_yumizens_doubted_result_is_reported_once_the_analyzer_sends_it_as_final(store: Store) -> None:
    process = step("horiba-yumizen", window_hours=0)
    doubted = arrives(store, process, yumizen("W"))
    assert (doubted.results, holds(store)) == (0, [("doubted by the analyzer", 1)])
    final = arrives(store, process, yumizen("F"))
    assert (final.results, values(store, "YB-25-0417"), holds(store)) == (1, {"WBC": "7.31"}, [])


@pytest.mark.parametrize("name", ["horiba-yumizen--02.astm", "abx-pentra60--02.astm", "pentra-ml--02.astm"])
def test_of_a_horiba_analyzer_the_rows_marked_w_are_doubted_and_no_others(name: str) -> None:
    plan = instrument(name.split("--")[0]).plan
    rows = [row for message in plan.decode(capture(name), repair=True).messages for row in message.observations]
    assert {row.status for row in rows if row.doubted} == {"W"}
    assert "W" not in {row.status for row in rows if not row.doubted}


def test_a_pentra_mls_warnings_wait_as_doubted_beside_what_is_reported(store: Store) -> None:
    done = arrives(store, step("pentra-ml", window_hours=0), capture("pentra-ml--02.astm"))
    assert holds(store) == [("doubted by the analyzer", 6)]
    assert done.results > 0


def test_the_pathological_flag_of_a_sebia_record_reaches_the_lis_with_each_of_its_shares(store: Store) -> None:
    ready = [
        one
        for _, one in arrives(store, step("sebia-phoresis", window_hours=0, window=0), capture("sebia-phoresis--01.txt")).ready
    ]
    flags = [[line.split(b"|")[8] for line in one.message.split(b"\r") if line.startswith(b"OBX|")] for one in ready]
    assert flags == [[b""] * 6, [b"A"] * 6]


@pytest.mark.parametrize("time", ["00010101000000", "99991231235959", "20260318094542+9999"])
def test_a_time_that_is_none_costs_no_result(time: str, store: Store) -> None:
    done = arrives(store, step("mindray-bs"), hl7(potassium(time=time)))
    assert (done.quarantined, done.results) == (None, 1)
    assert values(store, "2603180457") == {"K": "4.10"}


@pytest.mark.parametrize("date", [b"00010101", b"99991231"])
def test_a_running_number_of_no_day_is_doubtful(date: bytes, store: Store) -> None:
    arrives(store, step("mindray-bs"), hl7(potassium(), specimen="").replace(b"20260318", date))
    assert holds(store) == [("identity doubtful", 1)]


def two_days(specimen: str) -> bytes:
    """One patient's orders of two days with one specimen id."""
    records = [r"H|\^&|||CS-800|||||Host||1|20260318090000", "P|1"]
    for place, (day, code, value) in enumerate((("20260317", "GLU-OX", "4.88"), ("20260318", "UREA", "5.10")), 1):
        records += [
            f"O|{place}|^{specimen}^1^{specimen}^N|||R|{day}081052|||||||||1||||||||||O",
            rf"R|1|^^^{code}|{value}|mmol/l|1.00^9.00\^|||F||||{day}084925",
        ]
    return "".join(f"{record}\r" for record in (*records, "L|1|N")).encode()


def test_one_number_of_two_days_behind_one_patient_record_is_two_tubes(store: Store) -> None:
    arrives(store, step("dirui-cs"), two_days("31"))
    with store.read() as tx:
        found = {tube.key: tube.results for tube in views.tubes(tx)}
    assert found == {"20260317-dirui-cs-1-31": 1, "20260318-dirui-cs-1-31": 1}


def test_a_barcode_of_two_days_behind_one_patient_record_is_one_message() -> None:
    plan = LIBRARY.plan("dirui-cs", TESTS, zone=ZONE)
    assert [len(plan.decode(two_days(id)).messages) for id in ("0000031", "260317000012")] == [2, 1]


def test_two_levels_of_one_control_message_are_two_controls(store: Store) -> None:
    first = capture("dirui-cs-hl7--02.hl7").decode("utf-16-le").partition("\x1c")[0]
    order = first.split("\r")[1]
    second = order.replace("Level 1", "Level 2").replace("45771", "45772")
    assert second != order
    both = first.replace(order, "\r".join((order, second))) + "\x1c\r"
    arrives(store, step("dirui-cs-hl7"), both.encode("utf-16-le"))
    with store.read() as tx:
        kept = [msgspec.msgpack.decode(content, type=Message) for content in tx.scalars(select(control_result.c.content))]
    assert [one.control and (one.control.name, one.control.lot) for one in kept] == [("Level 1", "45771"), ("Level 2", "45772")]
