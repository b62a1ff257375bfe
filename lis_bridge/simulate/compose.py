"""A sample in an analyzer family's own dialect: the inverse of ``catalogue.plan``, made from the same manifest.

Every text goes to the first place that the manifest names for it, so that the family's plan reads back exactly what was put in. What a
standard wants besides (MSH-9, sequence numbers, the terminator) is added; what only a vendor's firmware writes is not.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable

from lis_bridge.catalogue.manifest.dialect import Dialect
from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.manifest.message import ControlSpec
from lis_bridge.catalogue.manifest.results import FlagSource, Table
from lis_bridge.core.faults import DriverError, UsageError
from lis_bridge.core.results import Kind
from lis_bridge.dialects import hl7v2, lis2a2, paths
from lis_bridge.dialects.grammar import Grammar
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import COMMENTS
from lis_bridge.simulate.named import compose_named
from lis_bridge.simulate.sample import Measured, Sample
from lis_bridge.simulate.sheet import Sheet, exemplar, moment_texts

HL7_HEAD = ("MSH", "PID", "PV1", "ORC", "OBR", "SPM")
LIS2_HEAD = ("H", "P", "O")


class Composer:
    """Writes samples as one dialect of a driver; the first that the manifest names unless ``dialect`` says otherwise."""

    def __init__(self, manifest: Manifest, dialect: str | None = None) -> None:
        name = dialect or next(iter(manifest.speaks or manifest.dialect))
        if name not in manifest.dialect:
            raise UsageError(f"{manifest.id} has no dialect {name!r}", hint=f"It has {', '.join(manifest.dialect)}")
        self.manifest = manifest
        self.dialect = manifest.dialect[name]
        if self.dialect.kind not in _WAYS or not _invertible(self.dialect):
            raise DriverError("samples cannot be written in this dialect yet", where=f"{manifest.id}, dialect {name}")

    def message(self, sample: Sample) -> bytes:
        """The message of a sample, not framed, in the dialect's first charset that holds it. Raises UsageError where none does."""
        text = _WAYS[self.dialect.kind](self.dialect, sample)
        for charset in self.dialect.charset:
            with contextlib.suppress(UnicodeEncodeError):
                return text.encode(charset)
        raise UsageError("a text that the wire cannot hold", hint=f"{self.manifest.id} writes {', '.join(self.dialect.charset)}")


def _invertible(dialect: Dialect) -> bool:
    """False where a regular expression cuts the parts of a result out of a longer text that only the device knows."""
    pattern = table_for(dialect, "patient").code_pattern
    cut = re.match(pattern, "CODE") if pattern is not None else None
    plain = pattern is None or (cut is not None and cut[1] == "CODE")
    return plain and (dialect.pairs is None or dialect.pairs.value is None)


def compose_hl7(dialect: Dialect, sample: Sample) -> str:
    """An ORU^R01: MSH, PID, OBR and an OBX for each result."""
    sheet = Sheet(_grammar(hl7v2.grammar_of("MSH|^~\\&|")))
    moment = sample.at.strftime("%Y%m%d%H%M%S")
    given = {"MSH-2": "^~\\&", "MSH-7": moment, "MSH-9": "ORU^R01", "MSH-10": sample.control_id, "MSH-11": "P", "MSH-12": "2.3.1"}
    _mark(sheet, {**given, "PID-1": "1", "OBR-1": "1"})
    lines = _records(dialect, sample, sheet, result="OBX", head=HL7_HEAD)
    return "".join(f"{line}\r" for line in lines)


def compose_lis2(dialect: Dialect, sample: Sample) -> str:
    """H, P, O, an R for each result, L (LIS2-A2 5.2)."""
    sheet = Sheet(_grammar(lis2a2.grammar_of("H|\\^&|")))
    moment = sample.at.strftime("%Y%m%d%H%M%S")
    _mark(sheet, {"H-2": "\\^&", "H-12": "P", "H-13": "E1394-97", "H-14": moment, "P-2": "1", "O-2": "1"})
    lines = _records(dialect, sample, sheet, result="R", head=LIS2_HEAD)
    return "".join(f"{line}\r" for line in (*lines, "L|1|N"))


_WAYS: dict[str, Callable[[Dialect, Sample], str]] = {"hl7": compose_hl7, "lis2": compose_lis2, "pairs": compose_named}


def _grammar(found: Grammar | None) -> Grammar:
    assert found is not None, "the standard's own separators are a grammar"
    return found


def _mark(sheet: Sheet, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        sheet.mark(paths.parse(path), text)


def _records(dialect: Dialect, sample: Sample, sheet: Sheet, *, result: str, head: tuple[str, ...]) -> list[str]:
    """The lines above the results, then the results; a table over a higher record (QC in OBR or O) opens one for each result."""
    _kind(sheet, dialect, sample.kind)
    _head(sheet, dialect, sample)
    table = table_for(dialect, sample.kind)
    each = paths.parse(table.each) if table.each else None
    opener = each.record if each is not None else table.record
    rows = [_row(sheet, table, each, measured, sample, result, number) for number, measured in enumerate(sample.results, 1)]
    order = sorted(sheet.records(), key=lambda record: head.index(record) if record in head else len(head))
    if opener is not None and opener != result:
        return [*(sheet.line(record) for record in order if record != opener), *(sheet.line(opener, over=row) for row in rows)]
    lines = [sheet.line(record) for record in order]
    return lines + [row.line(result) for row in rows]


def table_for(dialect: Dialect, kind: Kind) -> Table:
    """The table that reads results of this kind. Raises DriverError where there is none."""
    found = next((table for table in dialect.results if not table.kinds or kind in table.kinds), None)
    if found is None:
        raise DriverError(f"no table reads results of kind {kind!r}", hint="The manifest's results say which kinds they are for")
    return found


def _kind(sheet: Sheet, dialect: Dialect, kind: Kind) -> None:
    """Writes what the first rule for this kind asks for; without one, the kind shows in the specimen id alone."""
    rule = next((rule for rule in dialect.kinds if rule.is_ == kind), None)
    for place, pattern in rule.when.items() if rule is not None else ():
        path = paths.parse(place)
        text = exemplar(pattern, sheet.at(path))
        if text:
            sheet.mark(path, text)


def _head(sheet: Sheet, dialect: Dialect, sample: Sample) -> None:
    spec, person = dialect.message, sample.patient
    for path, text in moment_texts(spec.sent_at, sample.at) + moment_texts(spec.dated, sample.at):
        sheet.put(path, text)
    if person is not None:
        for choice, said in (
            (spec.patient_id, person.id),
            (spec.patient_name, person.name),
            (spec.birth, person.birth),
            (spec.sex, person.sex),
            (spec.age, person.age),
        ):
            put_first(sheet, choice, said or "")
    put_first(sheet, spec.model, sample.model)
    put_first(sheet, spec.serial, sample.serial)
    put_first(sheet, spec.control_id, sample.control_id)
    if sample.stat and spec.stat is not None:
        sheet.put(paths.parse(spec.stat.path), spec.stat.values[0])
    if sample.kind != "qc":
        put_first(sheet, spec.specimen, sample.id)
    else:
        _control(sheet, dialect, sample)


def _control(sheet: Sheet, dialect: Dialect, sample: Sample) -> None:
    control = dialect.message.control or ControlSpec()
    put_first(sheet, control.number, sample.id)
    if dialect.message.qc_specimen:
        put_first(sheet, dialect.message.specimen, sample.id)


def put_first(sheet: Sheet, choice: Iterable[str], text: str) -> None:
    """Writes a text at the first of the places that the manifest names, if it names one."""
    for place in choice:
        sheet.put(paths.parse(place), text)
        return


def _row(sheet: Sheet, table: Table, each: Path | None, measured: Measured, sample: Sample, result: str, number: int) -> Sheet:
    """One result as a record of its own; what the manifest places above the results goes into the message's sheet."""
    row = Sheet(sheet.grammar)
    own = each.record if each is not None else table.record or result
    _mark(row, {"OBX-1": str(number), "OBX-2": _type(measured.value)} if result == "OBX" else {"R-2": str(number)})
    for path, text in _texts(table, measured, sample):
        if path.record == "@" and each is not None:
            path = Path(each.record, each.field, path.component)
        (row if path.record == own else sheet).put(path, text)
    for place, pattern in table.only.items():
        path = paths.parse(place)
        target = row if path.record == own else sheet
        target.mark(path, exemplar(pattern, target.at(path)))
    return row


def _texts(table: Table, measured: Measured, sample: Sample) -> list[tuple[Path, str]]:
    said = [
        (table.code, measured.code),
        (table.name, measured.name),
        (table.value, measured.value),
        (table.unit, measured.unit),
        (table.status, measured.status),
        (table.run, measured.run),
        (table.range, range_text(measured)),
        (table.low, measured.low if not table.range else ""),
        (table.high, measured.high if not table.range else ""),
    ]
    found = [(paths.parse(choice[0]), text) for choice, text in said if choice]
    found += moment_texts(table.observed_at, measured.observed_at or sample.at)
    if table.rerun is not None and measured.rerun is not None:
        marks = table.rerun.again if measured.rerun else table.rerun.first
        found.append((paths.parse(table.rerun.path), marks[0] if marks else ""))
    if table.aspect is not None:
        main = next((text for text, aspect in table.aspects.items() if not aspect), "")
        found.append((paths.parse(table.aspect), main))
    if table.material is not None:
        found.append((paths.parse(table.material.path), table.material.usual[0]))
    return found + _flags(table.flags, measured.flags)


def range_text(measured: Measured) -> str:
    """The reference range in one field: ``3.5-5.1``, ``<5.1``, ``>3.5``, or nothing."""
    if measured.low and measured.high:
        return f"{measured.low}-{measured.high}"
    if measured.high:
        return f"<{measured.high}"
    return f">{measured.low}" if measured.low else ""


def writable(source: FlagSource) -> bool:
    """True for a field that holds the device's own flags: no value that is a flag besides, no digits to translate, no comment record."""
    return not source.besides and not source.map and paths.parse(source.path).record not in COMMENTS


def _flags(sources: tuple[FlagSource, ...], flags: tuple[str, ...]) -> list[tuple[Path, str]]:
    """The first flag in the first field for flags, the others in the first that can hold several."""
    found: list[tuple[Path, str]] = []
    rest = list(flags)
    for source in sources:
        if rest and writable(source):
            count = len(rest) if source.split else 1
            found.append((paths.parse(source.path), (source.split or "").join(rest[:count])))
            rest = rest[count:]
    if rest:
        raise UsageError(f"{len(flags)} flags cannot be written", hint="This family's records have fewer places for flags")
    return found


def _type(value: str) -> str:
    """OBX-2: NM for plain numbers, ST for the rest (HL7 2.3.1, 7.3.2.2)."""
    return "NM" if value.replace(".", "", 1).isascii() and value.replace(".", "", 1).isdigit() else "ST"
