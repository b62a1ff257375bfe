"""What a specimen's results share, compiled: the kind of message, the specimen, the patient, control material, what a query asks.

All places are gathered from a reading in one go; whoever needs a text knows its number among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from operator import itemgetter
from typing import Any

from lis_bridge.catalogue.codes import KEPT, LONGEST, Memo
from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.manifest.message import KindRule, MessageSpec
from lis_bridge.catalogue.moments import moment_reader
from lis_bridge.catalogue.overrides import Overrides
from lis_bridge.core import moments
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


class Chosen:
    """For each of several choices the first text that is not empty, or the empty text."""

    def __init__(self, choices: Iterable[Choice]) -> None:
        # A choice among no places takes the empty text that stands behind all texts.
        listed = [choice or (-1,) for choice in choices]
        self._first = itemgetter(*(choice[0] for choice in listed))
        self._others = tuple((at, choice[1:]) for at, choice in enumerate(listed) if choice[1:])

    def of(self, texts: Texts) -> list[str]:
        """The texts in the order of the choices."""
        found = list(self._first(texts))
        for at, others in self._others:
            if not found[at]:
                found[at] = next(filter(None, [texts[number] for number in others]), "")
        return found


class Kinds:
    """The kind rules, compiled; what they say of the same texts is kept."""

    def __init__(self, rules: Sequence[KindRule], asked: Asked) -> None:
        self._places = asked.choice(dict.fromkeys(path for rule in rules for path in rule.when))
        places = {path: at for at, path in enumerate(dict.fromkeys(path for rule in rules for path in rule.when))}
        self._rules = [(rule.is_, [(places[path], re.compile(pattern)) for path, pattern in rule.when.items()]) for rule in rules]
        # The empty text behind all texts makes it a tuple of any number of places.
        self._key = itemgetter(*self._places, -1, -1)
        self._kept: dict[tuple[str, ...], Kind | None] = {}

    def __call__(self, texts: Texts) -> Kind | None:
        """The kind by the first rule that holds."""
        key = self._key(texts)
        try:
            return self._kept[key]
        except KeyError:
            return self._found(key)

    def _found(self, key: tuple[str, ...]) -> Kind | None:
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
        self._chosen = Chosen(
            asked.choice(texts)
            for texts in (
                spec.specimen, spec.patient_id, spec.patient_name, spec.birth, spec.sex, spec.age,
                [spec.stat.path] if spec.stat else (), spec.series, spec.model, spec.serial, spec.control_id,
            )
        )  # fmt: skip
        own = re.compile(spec.specimen_pattern) if spec.specimen_pattern else None
        if own is not None and not own.groups:
            raise ValueError(f"specimen_pattern {spec.specimen_pattern!r} has no group for the id")
        self._specimen_pattern = specimen_pattern or own
        self._urgent = frozenset(spec.stat.values if spec.stat else ())
        self._zone = zone
        self._dated, self._sent = (
            tuple((asked.numbers(moment_paths(item)), Memo(moment_reader(item, zone))) for item in items)
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
        id, number, name, birth, sex, age, stat, series, model, serial, control_id = self._chosen.of(texts)
        query = self._asked(texts) if kind == "query" else None
        specimen = query.start if query is not None and query.by == "specimen" else self._id(id)
        if kind == "qc" and not self._spec.qc_specimen:
            specimen = None
        dated = _moment(self._dated, texts)
        # By position, as naming seventeen fields costs four times as much.
        return Message(
            kind,
            None if query is not None and query.by != "specimen" else specimen,
            self._patient(number, name, birth, sex, age) if kind in ("patient", "qc") else None,
            complete,
            observations,
            images,
            (),
            stat in self._urgent,
            series,
            moments.day_at(dated, self._zone) if dated else None,
            model or None,
            serial or None,
            control_id or None,
            _moment(self._sent, texts),
            self._material(texts) if kind == "qc" else None,
            query,
            closed,
            span,
        )

    def _id(self, text: str) -> str | None:
        """The specimen's id, cut out of a composite text where the manifest says how."""
        if not text or text in self._spec.unread:
            return None
        found = self._specimen_pattern.fullmatch(text) if self._specimen_pattern is not None else None
        return found[1] if found is not None else text

    def _patient(self, number: str, sent: str, birth: str, sex: str, age: str) -> Patient | None:
        id, name = _person(number), self._named(sent)
        if id in self._anonymous:
            id = None
        if not id and not name:
            return None
        return Patient(id, name, _person(birth), _person(sex), _person(age))

    def _named(self, sent: str) -> str | None:
        name = _person(sent)
        if name and self._spec.name_as_sent:
            return sent.rstrip("^")
        if name and self._spec.name_given_first:
            family, _, given = sent.partition("^")
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


def _person(text: str) -> str | None:
    """A name or id; components that stand together are joined by one blank."""
    if text.isalnum():
        return text
    return " ".join(text.replace("^", " ").split()) or None if text else None


def _moment(choice: Sequence[tuple[Choice, Memo]], texts: Texts) -> str | None:
    for numbers, read in choice:
        text = texts[numbers[0]] if len(numbers) == 1 else " ".join([texts[number] for number in numbers]).strip()
        if text and (found := read[text]):
            return str(found)
    return None
