"""What a specimen's results share, compiled: the kind of message, the specimen, the patient, control material, what a query asks.

All places are gathered from a reading in one go; whoever needs a text knows its number among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from typing import Any

from lis_bridge.catalogue.codes import KEPT, LONGEST
from lis_bridge.catalogue.manifest import KindRule, Manifest, MessageSpec
from lis_bridge.catalogue.moments import moment_reader
from lis_bridge.catalogue.overrides import Overrides
from lis_bridge.core.results import Control, Image, Kind, Message, Observation, Patient, Query
from lis_bridge.dialects import paths
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import Places

Choice = tuple[int, ...]
"""Numbers of places of which the first that is not empty counts."""
Texts = Sequence[str]


class Asked:
    """Numbers every place that somebody asks for."""

    def __init__(self) -> None:
        self._numbers: dict[Path, int] = {}

    def numbers(self, asked: Iterable[Path]) -> Choice:
        """The numbers of these places."""
        return tuple(self._numbers.setdefault(path, len(self._numbers)) for path in asked)

    def choice(self, texts: Iterable[str]) -> Choice:
        """The numbers of places as a manifest writes them."""
        return self.numbers(paths.parse_all(texts))

    def places(self) -> Places:
        """All places that were asked for, by their numbers."""
        return Places(self._numbers)


class Kinds:
    """The kind rules, compiled; what they say of the same texts is kept."""

    def __init__(self, rules: Sequence[KindRule], asked: Asked) -> None:
        self._places = asked.choice(dict.fromkeys(path for rule in rules for path in rule.when))
        places = {path: at for at, path in enumerate(dict.fromkeys(path for rule in rules for path in rule.when))}
        self._rules = [(rule.is_, [(places[path], re.compile(pattern)) for path, pattern in rule.when.items()]) for rule in rules]
        self._kept: dict[tuple[str, ...], Kind | None] = {}

    def __call__(self, texts: Texts) -> Kind | None:
        """The kind by the first rule that holds."""
        key = tuple([texts[number] for number in self._places])
        if key in self._kept:
            return self._kept[key]
        kind = next((kind for kind, tests in self._rules if all(test.fullmatch(key[at]) for at, test in tests)), None)
        if sum(map(len, key)) <= LONGEST:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = kind
        return kind


class Controls:
    """Specimen ids that mean control material, by the driver and by the site (promise 6)."""

    def __init__(self, manifest: Manifest, overrides: Overrides) -> None:
        marks = manifest.controls
        self._ids = overrides.control_ids | (frozenset(marks.ids) if marks else frozenset())
        self._prefixes = overrides.control_prefixes + (marks.prefixes if marks else ())

    def knows(self, specimen: str | None) -> bool:
        return specimen is not None and (specimen in self._ids or (bool(self._prefixes) and specimen.startswith(self._prefixes)))


class Head:
    """What a specimen's results share, compiled."""

    def __init__(self, spec: MessageSpec, zone: tzinfo, asked: Asked, specimen_pattern: re.Pattern[str] | None = None) -> None:
        self._spec = spec
        self._anonymous = frozenset(spec.anonymous)
        self._specimen = asked.choice(spec.specimen)
        own = re.compile(spec.specimen_pattern) if spec.specimen_pattern else None
        if own is not None and not own.groups:
            raise ValueError(f"specimen_pattern {spec.specimen_pattern!r} has no group for the id")
        self._specimen_pattern = specimen_pattern or own
        self._patient_id, self._name = asked.choice(spec.patient_id), asked.choice(spec.patient_name)
        self._birth, self._sex, self._age = asked.choice(spec.birth), asked.choice(spec.sex), asked.choice(spec.age)
        self._stat = asked.choice([spec.stat.path] if spec.stat else ())
        self._urgent = frozenset(spec.stat.values if spec.stat else ())
        self._series, self._model, self._serial = asked.choice(spec.series), asked.choice(spec.model), asked.choice(spec.serial)
        self._control_id = asked.choice(spec.control_id)
        self._dated, self._sent = (
            tuple((asked.numbers(moment_paths(item)), moment_reader(item, zone)) for item in items)
            for items in (spec.dated, spec.sent_at)
        )
        self._control = {name: asked.choice(value) for name, value in spec.control or ()} if spec.control else None
        self._query = {name: asked.choice(value) for name, value in spec.query} if spec.query else None

    def message(
        self,
        kind: Kind,
        texts: Texts,
        observations: tuple[Observation, ...],
        images: tuple[Image, ...],
        complete: bool,
        closed: bool,
        span: tuple[int, int],
    ) -> Message:
        """The message over texts by their numbers."""
        query = self._asked(texts) if kind == "query" else None
        specimen = query.start if query is not None and query.by == "specimen" else self._id(texts)
        if kind == "qc" and not self._spec.qc_specimen:
            specimen = None
        dated = _moment(self._dated, texts)
        return Message(
            kind=kind,
            specimen=None if query is not None and query.by != "specimen" else specimen,
            patient=self._patient(texts) if kind in ("patient", "qc") else None,
            complete=complete,
            observations=observations,
            images=images,
            stat=(_first(self._stat, texts) or "") in self._urgent,
            series=_first(self._series, texts) or "",
            dated=dated[:10] if dated else None,
            model=_first(self._model, texts),
            serial=_first(self._serial, texts),
            control_id=_first(self._control_id, texts),
            sent_at=_moment(self._sent, texts),
            control=self._material(texts) if kind == "qc" else None,
            query=query,
            closed=closed,
            span=span,
        )

    def _id(self, texts: Texts) -> str | None:
        """The specimen's id, cut out of a composite text where the manifest says how."""
        text = _first(self._specimen, texts)
        if text in self._spec.unread:
            return None
        found = self._specimen_pattern.fullmatch(text) if self._specimen_pattern is not None and text else None
        return found[1] if found is not None else text

    def _patient(self, texts: Texts) -> Patient | None:
        number, name = _person(self._patient_id, texts), self._named(texts)
        if number in self._anonymous:
            number = None
        if not number and not name:
            return None
        return Patient(number, name, _person(self._birth, texts), _person(self._sex, texts), _person(self._age, texts))

    def _named(self, texts: Texts) -> str | None:
        name = _person(self._name, texts)
        if name and self._spec.name_as_sent:
            return (_first(self._name, texts) or "").rstrip("^")
        if name and self._spec.name_given_first:
            family, _, given = (_first(self._name, texts) or "").partition("^")
            return " ".join(f"{given} {family}".replace("^", " ").split())
        return name

    def _material(self, texts: Texts) -> Control | None:
        if self._control is None:
            return None
        parts = {name: _first(choice, texts) for name, choice in self._control.items()}
        return Control(**parts) if any(parts.values()) else None

    def _asked(self, texts: Texts) -> Query:
        if self._query is None:
            return Query("specimen")
        asked = {name: _first(choice, texts) for name, choice in self._query.items()}
        if asked["specimen"]:
            return Query("specimen", asked["specimen"], id=asked["id"])
        if asked["start"] or asked["end"]:
            return Query("range", asked["start"], asked["end"], asked["id"])
        return Query("time", asked["from_time"], asked["to_time"], asked["id"])


def moment_paths(item: Any) -> tuple[Path, ...]:
    return paths.parse_all((item,) if isinstance(item, str) else tuple(filter(None, (item.date, item.time))))


def _first(choice: Choice, texts: Texts) -> str | None:
    for number in choice:
        if texts[number]:
            return texts[number]
    return None


def _person(choice: Choice, texts: Texts) -> str | None:
    """A name or id; components that stand together are joined by one blank."""
    text = _first(choice, texts)
    if text is None or text.isalnum():
        return text
    return " ".join(text.replace("^", " ").split()) or None


def _moment(choice: Sequence[tuple[Choice, Callable[[str], str | None]]], texts: Texts) -> str | None:
    for numbers, read in choice:
        found = read(" ".join([texts[number] for number in numbers]).strip())
        if found:
            return found
    return None
