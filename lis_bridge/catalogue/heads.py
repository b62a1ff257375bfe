"""What a specimen's results share, compiled: the kind of message, the specimen, the patient, control material, what a query asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from typing import Any, Protocol

from lis_bridge.catalogue.codes import KEPT, LONGEST
from lis_bridge.catalogue.manifest import KindRule, Manifest, MessageSpec
from lis_bridge.catalogue.moments import moment_reader
from lis_bridge.catalogue.overrides import Overrides
from lis_bridge.core.results import Control, Image, Kind, Message, Observation, Patient, Query
from lis_bridge.dialects import paths
from lis_bridge.dialects.paths import Path

Lookup = Callable[[Path], str]


class Heading(Protocol):
    """A reading as far as its head is concerned."""

    @property
    def closed(self) -> bool: ...
    def lookup(self, path: Path) -> str: ...


class Kinds:
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

    def __init__(self, spec: MessageSpec, zone: tzinfo, specimen_pattern: re.Pattern[str] | None = None) -> None:
        self._spec = spec
        self._specimen = _paths(spec.specimen)
        own = re.compile(spec.specimen_pattern) if spec.specimen_pattern else None
        if own is not None and not own.groups:
            raise ValueError(f"specimen_pattern {spec.specimen_pattern!r} has no group for the id")
        self._specimen_pattern = specimen_pattern or own
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
        self._dated = tuple((moment_paths(item), moment_reader(item, zone)) for item in spec.dated)
        self._sent = tuple((moment_paths(item), moment_reader(item, zone)) for item in spec.sent_at)
        self._control = {name: _paths(value) for name, value in spec.control or ()} if spec.control else None
        self._query = spec.query

    def message(
        self,
        kind: Kind,
        reading: Heading,
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
        if text in self._spec.unread:
            return None
        found = self._specimen_pattern.fullmatch(text) if self._specimen_pattern is not None and text else None
        return found[1] if found is not None else text

    def _patient(self, lookup: Lookup) -> Patient | None:
        parts = {name: _person(choice, lookup) for name, choice in self._person}
        if parts["name"] and self._spec.name_as_sent:
            parts["name"] = (_first(self._name, lookup) or "").rstrip("^")
        elif parts["name"] and self._spec.name_given_first:
            family, _, given = (_first(self._name, lookup) or "").partition("^")
            parts["name"] = " ".join(f"{given} {family}".replace("^", " ").split())
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


def moment_paths(item: Any) -> tuple[Path, ...]:
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
