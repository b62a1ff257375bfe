"""The text of one message without persons: first their places, then wherever else the same words stand, then the dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from lis_bridge.catalogue.anonymise import positions
from lis_bridge.catalogue.anonymise.dates import Calendar
from lis_bridge.catalogue.anonymise.places import Span, labelled, recorded, standing
from lis_bridge.catalogue.anonymise.stand_ins import StandIns
from lis_bridge.catalogue.forms import fixed_forms
from lis_bridge.catalogue.manifest.dialect import Dialect
from lis_bridge.catalogue.plan import Plan, whole_lines
from lis_bridge.dialects import fixed
from lis_bridge.framing import Body

NAMES_NOBODY = 5
"""Digits of a specimen number: so many or fewer are a running number, which begins again every day and stays."""


class MessageText:
    """One message's text on its way; ``size`` bytes of it are whole lines."""

    def __init__(self, body: Body, plan: Plan | None, people: Callable[[str], StandIns]) -> None:
        whole = body.text if body.complete else whole_lines(body.text)
        self.size = len(whole)
        self._charset, self._text = _decoded(whole, _charsets(plan))
        self._messages = plan.decode_body(body, complete=body.complete)[0] if plan else []
        self._plan = plan
        self._fixed = _fixed_dialect(plan, self._text)
        self.stand_ins = people(self._charset)

    def without_persons(self, calendar: Calendar) -> bytes:
        """Persons first, so that an id that looks like a date is no date any more."""
        text = _replaced(self._text, self._spans(self._text), self.stand_ins.of)
        for value in sorted(self._values(), key=len, reverse=True):
            text = _replaced(text, standing(text, value), self.stand_ins.of)
        settled: tuple[Span, ...] = ()
        if self._fixed is not None:
            text, settled = positions.moved(text, self._fixed, calendar.days)
        return calendar.move(text, settled).encode(self._charset)

    def _spans(self, text: str) -> Iterable[Span]:
        controls = bool(self._messages) and not any(message.kind in ("patient", "query") for message in self._messages)
        if self._fixed is not None and controls:
            return ()
        if self._fixed is not None:
            return (span for span in positions.persons(text, self._fixed) if names_somebody(text[slice(*span)].strip()))
        found = recorded(text, controls=controls)
        return found if found is not None else labelled(text, *self._labels())

    def _labels(self) -> tuple[tuple[str, ...], str]:
        """The labels that the driver knows of persons, and its separator."""
        spoken = [one for one in (self._plan.manifest.dialect.values() if self._plan else ()) if one.pairs is not None]
        if not spoken or spoken[0].pairs is None:
            return (), ":"
        message, pairs = spoken[0].message, spoken[0].pairs
        others = (name for name in pairs.info if not any(clock in name.casefold() for clock in _CLOCKS))
        return (*message.specimen, *message.patient_id, *message.patient_name, *others), pairs.separator

    def _values(self) -> Iterator[str]:
        """What the driver read of persons, and what was replaced at its place: wherever else it stands, it is replaced too."""
        for message in self._messages:
            patient = message.patient
            for value in (patient.id, patient.name) if patient else ():
                if value and (len(value) > 1 or not value.isascii()):
                    yield value
            if message.kind in ("patient", "query") and message.specimen and names_somebody(message.specimen):
                yield message.specimen
        yield from (text for text in self.stand_ins.made if names_somebody(text) or not text.isascii())


_CLOCKS = ("时间", "日期", "time", "date", "序号", "seq")


def names_somebody(specimen: str) -> bool:
    """True for a barcode; a running number is used again every day."""
    return sum(map(str.isalnum, specimen)) > NAMES_NOBODY or any(map(str.isalpha, specimen))


def _fixed_dialect(plan: Plan | None, text: str) -> Dialect | None:
    """The dialect of fixed width that reads the text, if one does."""
    spoken = plan.manifest.dialect.values() if plan else ()
    return next((one for one in spoken if one.fixed is not None and fixed.read(text, fixed_forms(one)) is not None), None)


def _replaced(text: str, spans: Iterable[Span], other: Callable[[str], str]) -> str:
    parts, at = [], 0
    for start, stop in sorted(spans):
        if start >= at:
            parts += [text[at:start], other(text[start:stop])]
            at = stop
    return "".join([*parts, text[at:]])


def _charsets(plan: Plan | None) -> tuple[str, ...]:
    spoken = plan.manifest.dialect.values() if plan else ()
    return (*dict.fromkeys(charset for dialect in spoken for charset in dialect.charset), "utf-8", "gb18030", "latin-1")


def _decoded(raw: bytes, charsets: Sequence[str]) -> tuple[str, str]:
    """The text by the first charset that gives back the very bytes."""
    for charset in charsets:
        try:
            text = raw.decode(charset)
            if text.encode(charset) == raw:
                return charset, text
        except UnicodeError:
            continue
    return "latin-1", raw.decode("latin-1")
