"""A driver compiled: bytes of a journal entry in, messages in the bridge's words out.

Compiling happens once per analyzer; the plan holds no state but bounded caches and reads no clock.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import chain
from typing import Any

import msgspec

from lis_bridge.catalogue import replies
from lis_bridge.catalogue.codes import KEPT, LONGEST, CodeBook
from lis_bridge.catalogue.manifest import CellSpec, CellsSpec, Dialect, KindRule, Manifest, MessageSpec, Table
from lis_bridge.catalogue.mapping import Mapper
from lis_bridge.catalogue.moments import moment_reader
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import Fault
from lis_bridge.core.holds import Reason
from lis_bridge.core.results import Control, Image, Kind, Message, Observation, Patient, Query
from lis_bridge.dialects import fixed, hl7v2, lis2a2, pairs, paths
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import Rows, Section, record_of, repeats_of, rows_of
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.unframe import Body, unframe

Lookup = Callable[[Path], str]
Reading = Section | pairs.Reading | fixed.Reading


@dataclass(frozen=True, slots=True)
class Decoded:
    """What stood in some bytes: messages in order, and what was wrong."""

    messages: tuple[Message, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a site says differently from the driver."""

    codes: dict[str, str]
    units: dict[str, str]
    charset: tuple[str, ...] = ()
    dialect: str | None = None
    control_ids: frozenset[str] = frozenset()
    control_prefixes: tuple[str, ...] = ()


NO_OVERRIDES = Overrides({}, {})


class Plan:
    """A manifest over a test catalogue, ready to decode."""

    def __init__(self, manifest: Manifest, tests: TestCatalogue, *, zone: tzinfo, overrides: Overrides = NO_OVERRIDES) -> None:
        self.manifest = manifest
        self.driver = manifest.id
        self.revision = manifest.revision
        chosen = {
            name: dialect for name, dialect in manifest.dialect.items() if overrides.dialect is None or name == overrides.dialect
        }
        self.dialects = tuple(_Dialect(name, dialect, manifest, tests, zone, overrides) for name, dialect in chosen.items())
        self.profiles: tuple[Profile, ...] = tuple(
            dict.fromkeys(Profile.from_dict(framing) for dialect in chosen.values() for framing in dialect.framing)
        )

    def decode(self, raw: bytes, *, complete: bool = True, repair: bool = False) -> Decoded:
        """The messages of a journal entry or capture; bad bytes become faults, never exceptions."""
        found: list[Message] = []
        faults: list[Fault] = []
        for body in unframe(raw, self.profiles, repair=repair):
            faults.extend(body.faults)
            if body.text:
                messages, wrong = self.decode_body(body, complete=complete and body.complete)
                found.extend(messages)
                faults.extend(wrong)
        return Decoded(tuple(found), tuple(faults))

    def acknowledge(self, raw: bytes, now: datetime | None = None) -> bytes | None:
        """The framed application-level reply that a message is owed; None where the framing's own reply is all."""
        for dialect in self.dialects:
            answer = replies.reply(raw, dialect.spec.reply, now)
            if answer is not None:
                return answer
        return None

    def decode_body(self, body: Body, *, complete: bool) -> tuple[list[Message], list[Fault]]:
        """The messages of one unframed body by the first dialect that can read it; a torn last line is left out before its charset matters."""
        raw = body.text if complete else _whole_lines(body.text)
        for dialect in self.dialects:
            text, fault = dialect.text_of(raw)
            readings = dialect.read(text, raw, complete, _shift(body.starts))
            if readings is not None:
                messages = dialect.messages(readings, body, complete)
                return (messages, []) if fault is None else ([_unreadable(message) for message in messages], [fault])
        where = f"bytes {body.starts[0][1] if body.starts else 0}–, {len(body.text)} long"
        return [], [
            Fault("no dialect", where, f"No dialect of {self.driver} reads this; check the driver and the link's framing")
        ]


def _whole_lines(text: bytes) -> bytes:
    """A text that was cut off, without its torn last line; one without lines (fixed width) stays as it is."""
    end = max(text.rfind(b"\r"), text.rfind(b"\n")) + 1
    return text[:end] if end else text


def _unreadable(message: Message) -> Message:
    """The message of a text whose charset is unknown: every value in it is held."""
    problem = Reason.UNKNOWN_ENCODING.value
    rows = tuple(msgspec.structs.replace(row, problem=problem) if row.is_result else row for row in message.observations)
    return msgspec.structs.replace(message, observations=rows)


class _Dialect:
    """One dialect of a driver, compiled."""

    def __init__(
        self, name: str, spec: Dialect, manifest: Manifest, tests: TestCatalogue, zone: tzinfo, overrides: Overrides
    ) -> None:
        self.name = name
        self.spec = spec
        self._charsets = overrides.charset or spec.charset
        codes = CodeBook(
            {**manifest.codes, **overrides.codes},
            {**manifest.units, **overrides.units},
            frozenset(code for group in manifest.ignored for code in group.codes),
            tuple(re.compile(pattern) for group in manifest.ignored for pattern in group.patterns),
            tests,
            by_name=manifest.match == "code or name",
        )
        missing = re.compile("|".join(f"(?:{pattern})" for pattern in manifest.missing)) if manifest.missing else None
        abnormal = manifest.abnormal_flags.get if manifest.abnormal == "device" else None
        self._tables = tuple(
            _Table(
                table,
                Mapper(
                    table,
                    codes,
                    record=table.record or _RESULT[spec.kind],
                    missing=missing,
                    zone=zone,
                    abnormal=(lambda flag: abnormal(flag, "")) if abnormal else None,
                    last_wins=manifest.runs.repeated_in_message == "last",
                ),
                _RESULT[spec.kind],
            )
            for table in spec.results
        )
        self._kinds = _Kinds(spec.kinds)
        self._head = _Head(spec.message, zone)
        self._controls = _Controls(manifest, overrides)
        self._pairs = _pairs_form(spec) if spec.kind == "pairs" else None
        self._forms = _fixed_forms(spec) if spec.kind == "fixed" else ()

    def text_of(self, raw: bytes) -> tuple[str, Fault | None]:
        """The text in the first charset that holds it; a fault and replacement characters where none does."""
        for charset in self._charsets:
            try:
                return raw.decode(charset), None
            except UnicodeDecodeError:
                continue
        hint = f"Tried {', '.join(self._charsets)}; set the analyzer's charset"
        return raw.decode(self._charsets[0], "replace"), Fault("unknown encoding", f"message of {len(raw)} bytes", hint)

    def read(self, text: str, raw: bytes, complete: bool, at: int = 0) -> Sequence[Reading] | None:
        """The readings of a body, or None when this dialect cannot read it; sections count their spans from ``at``."""
        if self.spec.kind == "hl7":
            return hl7v2.read(text, raw, complete=complete, at=at)
        if self.spec.kind == "lis2":
            return lis2a2.read(text, raw, complete=complete, at=at)
        if self._pairs is not None:
            return [pairs.read(text, raw, self._pairs, complete=complete)]
        reading = fixed.read(text, self._forms, complete=complete)
        return None if reading is None else [reading]

    def messages(self, readings: Sequence[Reading], body: Body, complete: bool) -> list[Message]:
        """One message per specimen: readings under the same patient record and specimen id belong together."""
        found: list[list[Message]] = []
        for reading in readings:
            message = self._message(reading, body, complete)
            if found and _continues(reading, found[-1][0], message):
                found[-1].append(message)
            else:
                found.append([message])
        return [self._finished(_joined(parts)) for parts in found]

    def _message(self, reading: Reading, body: Body, complete: bool) -> Message:
        kind = self._kind(reading)
        observations: tuple[Observation, ...] = ()
        images: tuple[Image, ...] = ()
        for table in self._tables:
            if kind in table.kinds:
                rows, pictures = table.map(reading, body)
                observations += rows
                images += pictures
        start = body.starts[0][1] if body.starts else 0
        message = self._head.message(kind, reading, observations, images, complete, (start, start + len(body.text)))
        if isinstance(reading, pairs.Reading):
            message = msgspec.structs.replace(message, curves=reading.curves)
        return message

    def _kind(self, reading: Reading) -> Kind:
        kind = self._kinds(reading.lookup)
        if kind is not None:
            return kind
        return "patient" if not isinstance(reading, Section) or reading.size or reading.opened else "other"

    def _finished(self, message: Message) -> Message:
        if message.kind == "patient" and self._controls.knows(message.specimen):
            message = msgspec.structs.replace(message, kind="qc")
        if message.kind == "patient" and not message.observations and not message.images and not message.specimen:
            message = msgspec.structs.replace(message, kind="other")
        return message


_RESULT = {"hl7": "OBX", "lis2": "R", "pairs": "", "fixed": ""}


class _Table:
    """A compiled table with its way to rows."""

    def __init__(self, table: Table, mapper: Mapper, result: str) -> None:
        self.kinds: frozenset[str] = frozenset(table.kinds) or frozenset({"patient", "qc"})
        self._mapper = mapper
        self._record = table.record if table.record and table.record != result else None
        self._each = paths.parse(table.each) if table.each else None
        self._counted = self._record is None and self._each is None  # a run's spans count from where the text stands

    def map(self, reading: Reading, body: Body) -> tuple[tuple[Observation, ...], tuple[Image, ...]]:
        rows = self._rows(reading)
        if not rows.size:
            return (), ()
        if not self._counted or len(body.starts) > 1 or not isinstance(reading, Section):
            rows.spans = _wire_spans(rows.spans, body.starts)
        return self._mapper.map(rows, reading.lookup)

    def _rows(self, reading: Reading) -> Rows:
        if not isinstance(reading, Section):
            return reading.rows
        if self._each is not None:
            return repeats_of(reading, self._each, self._mapper.wanted)
        if self._record is not None:
            return record_of(reading, self._record, self._mapper.wanted)
        return rows_of(reading, self._mapper.wanted, self._mapper.put_off)


def _shift(starts: Sequence[tuple[int, int]]) -> int:
    """How far the text stands into the journal entry, where it stands there in one run."""
    return starts[0][1] - starts[0][0] if len(starts) == 1 else 0


def _wire_spans(spans: list[tuple[int, int]], starts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of the text as spans of the journal entry; ``starts`` maps text offsets to raw offsets, one pair per contiguous run."""
    if len(starts) < 2:
        shift = _shift(starts)
        return [(start + shift, end + shift) for start, end in spans] if shift else spans
    texts = [text for text, _ in starts]
    first = bisect_right(texts, spans[0][0]) - 1
    beyond = first + len(spans)
    # As most analyzers send: every record in a frame of its own.
    if texts[first:beyond] == [start for start, _ in spans] and (beyond == len(texts) or spans[-1][1] <= texts[beyond]):
        return [(raw, raw + end - start) for (start, end), (_, raw) in zip(spans, starts[first:beyond], strict=True)]
    shifts = [raw - text for text, raw in starts]
    found = []
    for start, end in spans:
        first = bisect_right(texts, start) - 1
        found.append((start + shifts[first], end + shifts[max(first, bisect_left(texts, end) - 1)]))
    return found


class _Kinds:
    """The kind rules, compiled; what they say of the same texts is kept."""

    def __init__(self, rules: Sequence[KindRule]) -> None:
        self._rules = [
            (rule.is_, [(paths.parse(path), re.compile(pattern)) for path, pattern in rule.when.items()]) for rule in rules
        ]
        self._paths = tuple(dict.fromkeys(path for _, tests in self._rules for path, _ in tests))
        self._kept: dict[tuple[str, ...], Kind | None] = {}

    def __call__(self, lookup: Lookup) -> Kind | None:
        """The kind by the first rule that holds."""
        texts = tuple([lookup(path).strip() for path in self._paths])
        if texts in self._kept:
            return self._kept[texts]
        kind = self._read(dict(zip(self._paths, texts, strict=True)))
        if sum(map(len, texts)) <= LONGEST:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[texts] = kind
        return kind

    def _read(self, texts: dict[Path, str]) -> Kind | None:
        return next((kind for kind, tests in self._rules if all(test.fullmatch(texts[path]) for path, test in tests)), None)


class _Controls:
    """Specimen ids that mean control material, by the driver and by the site (promise 6)."""

    def __init__(self, manifest: Manifest, overrides: Overrides) -> None:
        marks = manifest.controls
        self._ids = overrides.control_ids | (frozenset(marks.ids) if marks else frozenset())
        self._prefixes = overrides.control_prefixes + (marks.prefixes if marks else ())

    def knows(self, specimen: str | None) -> bool:
        return specimen is not None and (specimen in self._ids or (bool(self._prefixes) and specimen.startswith(self._prefixes)))


class _Head:
    """What a specimen's results share, compiled."""

    def __init__(self, spec: MessageSpec, zone: tzinfo) -> None:
        self._spec = spec
        self._specimen = _paths(spec.specimen)
        self._specimen_pattern = re.compile(spec.specimen_pattern) if spec.specimen_pattern else None
        self._person = tuple(
            (name, _paths(getattr(spec, source)))
            for name, source in (
                ("id", "patient_id"),
                ("name", "patient_name"),
                ("birth", "birth"),
                ("sex", "sex"),
                ("age", "age"),
            )
        )
        self._name = _paths(spec.patient_name)
        self._stat = (paths.parse(spec.stat.path), frozenset(spec.stat.values)) if spec.stat else None
        self._series, self._model, self._serial = _paths(spec.series), _paths(spec.model), _paths(spec.serial)
        self._control_id = _paths(spec.control_id)
        self._dated = tuple((_moment_paths(item), moment_reader(item, zone)) for item in spec.dated)
        self._sent = tuple((_moment_paths(item), moment_reader(item, zone)) for item in spec.sent_at)
        self._control = {name: _paths(value) for name, value in spec.control or ()} if spec.control else None
        self._query = spec.query

    def message(
        self,
        kind: Kind,
        reading: Reading,
        observations: tuple[Observation, ...],
        images: tuple[Image, ...],
        complete: bool,
        span: tuple[int, int],
    ) -> Message:
        lookup = reading.lookup
        query = self._asked(lookup) if kind == "query" else None
        specimen = query.start if query is not None and query.by == "specimen" else self._id(lookup)
        if kind == "qc" and not self._spec.qc_specimen:
            specimen = None
        dated = _moment(self._dated, lookup)
        return Message(
            kind=kind,
            specimen=None if query is not None and query.by != "specimen" else specimen,
            patient=self._patient(lookup) if kind in ("patient", "qc") else None,
            complete=complete,
            observations=observations,
            images=images,
            stat=self._stat is not None and lookup(self._stat[0]).strip() in self._stat[1],
            series=_first(self._series, lookup) or "",
            dated=dated[:10] if dated else None,
            model=_first(self._model, lookup),
            serial=_first(self._serial, lookup),
            control_id=_first(self._control_id, lookup),
            sent_at=_moment(self._sent, lookup),
            control=self._material(lookup) if kind == "qc" else None,
            query=query,
            closed=reading.closed,
            span=span,
        )

    def _id(self, lookup: Lookup) -> str | None:
        """The specimen's id, cut out of a composite text where the manifest says how."""
        text = _first(self._specimen, lookup)
        found = self._specimen_pattern.fullmatch(text) if self._specimen_pattern is not None and text else None
        return found[1] if found is not None else text

    def _patient(self, lookup: Lookup) -> Patient | None:
        parts = {name: _person(choice, lookup) for name, choice in self._person}
        if parts["name"] and self._spec.name_as_sent:
            parts["name"] = (_first(self._name, lookup) or "").rstrip("^")
        if parts["id"] in self._spec.anonymous:
            parts["id"] = None
        return Patient(**parts) if parts["id"] or parts["name"] else None

    def _material(self, lookup: Lookup) -> Control | None:
        if self._control is None:
            return None
        parts = {name: _first(choice, lookup) for name, choice in self._control.items()}
        return Control(**parts) if any(parts.values()) else None

    def _asked(self, lookup: Lookup) -> Query:
        spec = self._query
        if spec is None:
            return Query("specimen")
        asked = {name: _first(_paths(value), lookup) for name, value in spec}
        if asked["specimen"]:
            return Query("specimen", asked["specimen"], id=asked["id"])
        if asked["start"] or asked["end"]:
            return Query("range", asked["start"], asked["end"], asked["id"])
        return Query("time", asked["from_time"], asked["to_time"], asked["id"])


def _paths(texts: Iterable[str]) -> tuple[Path, ...]:
    return tuple(paths.parse(text) for text in texts)


def _moment_paths(item: Any) -> tuple[Path, ...]:
    return _paths((item,) if isinstance(item, str) else tuple(filter(None, (item.date, item.time))))


def _first(choice: tuple[Path, ...], lookup: Lookup) -> str | None:
    for path in choice:
        text = lookup(path).strip()
        if text:
            return text
    return None


def _person(choice: tuple[Path, ...], lookup: Lookup) -> str | None:
    """A name or id; components that stand together are joined by one blank."""
    text = _first(choice, lookup)
    return " ".join(text.replace("^", " ").split()) or None if text else None


def _moment(choice: Sequence[tuple[tuple[Path, ...], Callable[[str], str | None]]], lookup: Lookup) -> str | None:
    for places, read in choice:
        found = read(" ".join(map(lookup, places)).strip())
        if found:
            return found
    return None


def _continues(reading: Reading, before: Message, message: Message) -> bool:
    """True when a reading goes on with the specimen of the message before it."""
    return (
        isinstance(reading, Section)
        and not reading.opened & _TOP
        and before.kind == message.kind
        and before.specimen == message.specimen
        and before.closed == message.closed
        and message.kind != "query"
    )


_TOP = frozenset({"PID", "P", "Q"})


def _joined(parts: list[Message]) -> Message:
    """One message of the parts that continue each other."""
    if len(parts) == 1:
        return parts[0]
    return msgspec.structs.replace(
        parts[0],
        observations=tuple(chain.from_iterable(part.observations for part in parts)),
        images=tuple(chain.from_iterable(part.images for part in parts)),
        stat=any(part.stat for part in parts),
    )


def _pairs_form(spec: Dialect) -> pairs.Form:
    said = spec.pairs
    if said is None:
        raise ValueError("a dialect of kind pairs needs a table [dialect.NAME.pairs]")
    message = spec.message
    heads: set[str] = set(said.info)
    for field in ("specimen", "patient_id", "patient_name", "birth", "sex", "age", "series", "model", "serial"):
        heads.update(getattr(message, field))
    times = (*message.dated, *message.sent_at, *(moment for table in spec.results for moment in table.observed_at))
    for item in times:
        heads.update(str(path) for path in _moment_paths(item))
    points = {
        name: pairs.Points(point.code, point.x, point.y, re.compile(point.missing) if point.missing else None)
        for name, point in said.points.items()
    }
    value = re.compile(said.value) if said.value else None
    return pairs.Form(said.separator, said.cut == "last", frozenset(heads), value, points, said.numeric_only)


def _fixed_forms(spec: Dialect) -> tuple[fixed.Form, ...]:
    if spec.fixed is None:
        raise ValueError("a dialect of kind fixed needs a table [dialect.NAME.fixed]")
    return tuple(
        fixed.Form(
            re.compile(form.match),
            form.fields,
            form.constants,
            tuple(map(_cell_form, form.cell)),
            _cells_form(form.cells) if form.cells else None,
            fixed.Found(re.compile(form.rows.pattern), form.rows.words) if form.rows else None,
        )
        for form in spec.fixed.form
    )


def _cell_form(spec: CellSpec) -> fixed.Cell:
    missing = re.compile(spec.missing) if spec.missing else None
    return fixed.Cell(spec.code, spec.at, spec.width, spec.decimals, spec.flag, missing)


def _cells_form(spec: CellsSpec) -> fixed.Cells:
    decimals = tuple((re.compile(code), places) for code, places in spec.decimals.items())
    return fixed.Cells(spec.start, spec.width, spec.code, spec.value, spec.flag, spec.end, decimals)
