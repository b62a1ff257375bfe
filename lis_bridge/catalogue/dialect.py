"""One dialect of a driver, compiled: text of one message in, messages in the bridge's words out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from itertools import chain, repeat
from typing import get_args

import msgspec

from lis_bridge.catalogue import commas
from lis_bridge.catalogue.codes import CodeBook
from lis_bridge.catalogue.forms import csv_form, fixed_forms, pairs_form, pictures_form
from lis_bridge.catalogue.heads import Asked, Controls, Head, Kinds, Texts
from lis_bridge.catalogue.manifest.dialect import Dialect
from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.manifest.results import Table
from lis_bridge.catalogue.mapping import Mapper
from lis_bridge.catalogue.overrides import Overrides
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.catalogue.wide import is_wide
from lis_bridge.core.faults import Fault
from lis_bridge.core.results import MOST_DIGITS, Image, Kind, Message, Observation
from lis_bridge.core.starts import Starts
from lis_bridge.dialects import csv_text, fixed, hl7v2, lis2a2, pairs, paths, pictures
from lis_bridge.dialects.records import Places, Rows, Section, record_of, repeats_of, rows_in, rows_of
from lis_bridge.dialects.spans import of_run, wired
from lis_bridge.dialects.stencil import Stencils
from lis_bridge.framing.body import Body, raw_offset

Reading = Section | pairs.Reading | fixed.Reading | csv_text.Reading


class CompiledDialect:
    """One dialect of a driver, compiled."""

    def __init__(
        self, name: str, spec: Dialect, manifest: Manifest, tests: TestCatalogue, zone: tzinfo, overrides: Overrides
    ) -> None:
        self.name = name
        self.spec = spec
        charsets = overrides.charset or spec.charset
        self.wide = is_wide(charsets)
        self._charsets = ("utf-8",) if self.wide else charsets
        codes = CodeBook(
            {**manifest.codes, **overrides.codes},
            {**manifest.units, **overrides.units},
            frozenset(code for group in manifest.ignored for code in group.codes),
            tuple(re.compile(pattern) for group in manifest.ignored for pattern in group.patterns),
            tests,
            by_name=manifest.match == "code or name",
            dismissed=overrides.ignored,
        )
        abnormal = manifest.abnormal_flags.get if manifest.abnormal == "device" else None
        asked = Asked()
        self._tables = tuple(
            _Table(
                table,
                Mapper(
                    table,
                    codes,
                    asked,
                    record=table.record or _RESULT[spec.kind],
                    missing=manifest.missing,
                    zone=zone,
                    abnormal=(lambda flag: abnormal(flag, "")) if abnormal else None,
                    last_wins=manifest.runs.repeated_in_message == "last",
                    doubted=_DOUBTED.get(spec.kind, ()),
                ),
                _RESULT[spec.kind],
                comma=overrides.decimal == ",",
            )
            for table in spec.results
        )
        self._kinds = Kinds(spec.kinds, asked)
        self._head = Head(spec.message, zone, asked, overrides.specimen_pattern)
        self._places = asked.places()
        _refuse_results_as_head(self._places, _RESULT[spec.kind])
        self._stencils = Stencils(self._places)
        self._controls = Controls(manifest, overrides)
        self._pairs = pairs_form(spec, comma=overrides.decimal == ",") if spec.kind == "pairs" else None
        self._forms = fixed_forms(spec) if spec.kind == "fixed" else ()
        self._csv = csv_form(spec) if spec.kind == "csv" else None
        self._pictures = pictures_form(spec.pictures) if spec.pictures else None
        self._match = re.compile(spec.match, re.MULTILINE) if spec.match else None
        self._by_form = {} if self._pictures or spec.kind not in _ORDER else _alone(self._tables)

    def charset_of(self, raw: bytes) -> str | None:
        """The first charset that holds these bytes."""
        for charset in self._charsets:
            try:
                raw.decode(charset)
            except UnicodeDecodeError:
                continue
            return charset
        return None

    def text_of(self, raw: bytes) -> tuple[str, Fault | None]:
        """The text in the first charset that holds it; a fault and replacement characters where none does."""
        for charset in self._charsets:
            try:
                return raw.decode(charset), None
            except UnicodeDecodeError:
                continue
        hint = f"Tried {', '.join(self._charsets)}; set the analyzer's charset"
        return raw.decode(self._charsets[0], "replace"), Fault("unknown encoding", f"message of {len(raw)} bytes", hint)

    def read(self, text: str, raw: bytes, complete: bool, starts: Starts, *, repair: bool = False) -> Sequence[Reading] | None:
        """The readings of a body, or None when this dialect cannot read it; ``starts`` leads from its text to the journal entry.
        Raises DamagedRowError.
        """
        if self._match is not None and not self._match.search(text):
            return None
        if self.spec.kind in _ORDER:
            read = hl7v2.read if self.spec.kind == "hl7" else lis2a2.read
            sections = read(text, raw, complete=complete, starts=starts)
            if self._by_form and sections is not None and len(sections) == 1:
                self._stencils.learn(sections[0])
            return sections
        if self._pairs is not None:
            return [pairs.read(text, raw, self._pairs, complete=complete)]
        if self._csv is not None:
            return csv_text.read(text, raw, *self._csv, complete=complete)
        reading = fixed.read(text, self._forms, complete=complete, repair=repair)
        return None if reading is None else [reading]

    def message(self, text: str, body: Body) -> Message | None:
        """The message of a whole text whose form was met before; None where it must be read record by record."""
        found = self._stencils.found(text, body.text) if self._by_form else None
        if found is None or (self._match is not None and not self._match.search(text)):
            return None
        stencil, flat, lengths = found
        texts = stencil.texts(flat)
        kind = self._kinds(texts) or "patient"
        if kind not in self._by_form:
            return None
        table = self._by_form[kind]
        observations: tuple[Observation, ...] = ()
        images: tuple[Image, ...] = ()
        if table is not None:
            fields = stencil.fields(flat, table.selection.fields)
            del found, flat  # they hold the whole message once more
            spans = of_run(lengths, stencil.before, stencil.size, body.starts)
            rows = rows_in(fields, spans, table.selection, stencil.grammar)
            del fields
            observations, images = table.observations(rows, texts)
        start = body.starts[0][1]
        return self._finished(self._head.message(kind, texts, observations, images, True, True, (start, start + len(body.text))))

    def messages(self, readings: Sequence[Reading], body: Body, complete: bool) -> list[Message]:
        """One message per specimen: readings under the same patient record and specimen id belong together."""
        found: list[list[Message]] = []
        for reading, images in zip(readings, self._images(readings, body, complete), strict=False):
            message = self._message(reading, body, complete, images)
            if found and _continues(reading, found[-1][0], message):
                found[-1].append(message)
            else:
                found.append([message])
        return [self._finished(joined(parts)) for parts in found]

    def _images(self, readings: Sequence[Reading], body: Body, complete: bool) -> Iterable[tuple[Image, ...]]:
        """The pictures of each reading that do not stand among its results."""
        if self.spec.kind in ("fixed", "csv"):
            return [_placed(one.images, body) for one in readings if isinstance(one, fixed.Reading | csv_text.Reading)]
        sections = [reading for reading in readings if isinstance(reading, Section)]
        if self._pictures is None or not sections:
            return repeat(())
        text, order = self.text_of(body.text)[0], _ORDER[self.spec.kind]
        found = list(pictures.read(text, body.text, sections[0].grammar, order, self._pictures, complete=complete))
        return [_placed(images, body) for images in pictures.by_section(found, [order in one.opened for one in sections])]

    def _message(self, reading: Reading, body: Body, complete: bool, images: tuple[Image, ...]) -> Message:
        texts = reading.texts(self._places)
        kind = self._kind(reading, texts)
        complete = complete and reading.closed
        observations: tuple[Observation, ...] = ()
        for table in self._tables:
            if kind in table.kinds:
                rows, pictures = table.map(reading, body, texts)
                observations += rows
                images += pictures
        start = body.starts[0][1] if body.starts else 0
        message = self._head.message(kind, texts, observations, images, complete, reading.closed, (start, start + len(body.text)))
        if isinstance(reading, pairs.Reading | fixed.Reading):
            message = msgspec.structs.replace(message, curves=reading.curves)
        return message

    def _kind(self, reading: Reading, texts: Sequence[str]) -> Kind:
        kind = self._kinds(texts)
        if kind is not None:
            return kind
        return "patient" if not isinstance(reading, Section) or reading.size or reading.opened else "other"

    def _finished(self, message: Message) -> Message:
        if message.kind == "patient" and self._controls.knows(message.specimen):
            message = msgspec.structs.replace(message, kind="qc")
        if message.kind == "patient" and not message.observations and not message.images and not message.specimen:
            message = msgspec.structs.replace(message, kind="other")
        return message


def _refuse_results_as_head(places: Places, record: str) -> None:
    """What stands above the results is never one of them: a place in the results' own record would silently be empty."""
    for path in places.paths:
        if record and path.record == record:
            raise ValueError(f"{path} stands in the results, and is asked for above them, where it is never found; leave it out")


_RESULT = {"hl7": "OBX", "lis2": "R", "pairs": "", "fixed": "", "csv": ""}
_ORDER = {"hl7": "OBR", "lis2": "O"}
_DOUBTED = {"lis2": ("W",)}
"""Statuses that mean a questionable validity by the dialect's standard (LIS2-A2 9.9); HL7's W (table 0085) withdraws a result as wrong."""


class _Table:
    """A compiled table with its way to rows."""

    def __init__(self, table: Table, mapper: Mapper, result: str, *, comma: bool) -> None:
        self.kinds: frozenset[str] = frozenset(table.kinds) or frozenset({"patient", "qc"})
        self.selection = mapper.selection
        self._mapper = mapper
        self._observed_once = table.observed_once
        self._record = table.record if table.record and table.record != result else None
        self._each = paths.parse(table.each) if table.each else None
        self._commas = commas.places(table, mapper.selection) if comma else None

    @property
    def by_form(self) -> bool:
        """Whether the rows are the run's records and nothing beside them."""
        return self._each is None and self._record is None and not self.selection.comments

    def map(self, reading: Reading, body: Body, texts: Texts) -> tuple[tuple[Observation, ...], tuple[Image, ...]]:
        """The observations and images of a reading; ``texts`` stand above its rows."""
        return self.observations(self._rows(reading, body.starts), texts)

    def observations(self, rows: Rows, texts: Texts) -> tuple[tuple[Observation, ...], tuple[Image, ...]]:
        """The observations and images of rows."""
        if not rows.size:
            return (), ()
        if self._commas is not None:
            commas.with_points(rows, *self._commas)
        observations, images = self._mapper.map(rows, texts)
        return (_observed_at_once(observations) if self._observed_once else observations), images

    def _rows(self, reading: Reading, starts: Starts) -> Rows:
        if not isinstance(reading, Section):
            rows = reading.rows
        elif self._each is not None:
            rows = repeats_of(reading, self._each, self.selection.paths)
        elif self._record is not None:
            rows = record_of(reading, self._record, self.selection.paths)
        else:
            return rows_of(reading, self.selection)
        return rows.numbered(self.selection, wired(rows.spans, starts))


def _alone(tables: Iterable[_Table]) -> dict[str, _Table | None]:
    """The table of each kind of message that has no other, None where a kind has no table at all; without kinds that are not read by form."""
    kinds: dict[str, _Table | None] = dict.fromkeys(get_args(Kind))
    twice = set()
    for table in tables:
        for kind in table.kinds:
            if kinds[kind] is not None or not table.by_form:
                twice.add(kind)
            kinds[kind] = table
    return {kind: table for kind, table in kinds.items() if kind not in twice}


def _observed_at_once(rows: tuple[Observation, ...]) -> tuple[Observation, ...]:
    """The rows, where one of them carries the time of all."""
    at = next((row.observed_at for row in rows if row.observed_at is not None), None)
    return tuple(row if row.observed_at is not None else msgspec.structs.replace(row, observed_at=at) for row in rows)


def _placed(images: Sequence[Image], body: Body) -> tuple[Image, ...]:
    """Pictures with their spans in the journal entry."""
    spans = wired([image.span for image in images], body.starts) if images else []
    return tuple(msgspec.structs.replace(image, span=span) for image, span in zip(images, spans, strict=True))


def left_out(readings: Sequence[Reading], body: Body) -> list[Fault]:
    """The lines that a repair left out, by their places in the journal entry."""
    places = [at for reading in readings if isinstance(reading, fixed.Reading) for at in reading.damaged]
    hint = "The line was left out of the repaired log; compare it with the analyzer"
    return [Fault("line damaged", f"byte {raw_offset(body.starts, at)}", hint) for at in places]


def _continues(reading: Reading, before: Message, message: Message) -> bool:
    """True when a reading goes on with the specimen of the message before it: a running number is another specimen's on another day,
    and controls go by their material.
    """
    return (
        isinstance(reading, Section)
        and not reading.opened & _TOP
        and before.kind == message.kind
        and before.specimen == message.specimen
        and (message.dated in (None, before.dated) or not _may_be_number(message.specimen))
        and before.control == message.control
        and before.closed == message.closed
        and message.kind != "query"
    )


_TOP = frozenset({"PID", "P", "Q"})


def _may_be_number(specimen: str | None) -> bool:
    """Whether an id may be a running number (``tubes.keys`` knows for certain): a barcode means one specimen on every day."""
    return specimen is not None and sum(map(str.isdigit, specimen.lstrip("0"))) <= MOST_DIGITS


def joined(parts: list[Message]) -> Message:
    """One message of the parts that continue each other."""
    if len(parts) == 1:
        return parts[0]
    return msgspec.structs.replace(
        parts[0],
        observations=tuple(chain.from_iterable(part.observations for part in parts)),
        images=tuple(chain.from_iterable(part.images for part in parts)),
        stat=any(part.stat for part in parts),
    )
