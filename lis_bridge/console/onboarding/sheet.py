"""A draft for eyes: what was captured, what of it is understood, and the proposal row by row with how certain it is and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from lis_bridge.catalogue.scaffold.manifest_text import toml
from lis_bridge.catalogue.scaffold.proposal import Certainty, Match, Proposal
from lis_bridge.catalogue.scaffold.recognise import Framed, recognise
from lis_bridge.console.onboarding.bench import Bench, decided, row_of
from lis_bridge.console.onboarding.drafts import Draft
from lis_bridge.console.queries.line import Piece
from lis_bridge.console.words import N_
from lis_bridge.core.faults import DriverError
from lis_bridge.core.sayings import joined
from lis_bridge.framing import Profile, unframe
from lis_bridge.framing.legible import parted

SHOWN_BYTES = 12_000
SAMPLES = 3
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class CaptureSeen(msgspec.Struct, frozen=True):
    """One capture: how its bytes are cut, and the first of them line by line. Counts are 0 where nothing is recognised."""

    name: str
    bytes: int
    dialect: str
    why: str
    frames: int
    messages: int
    records: int
    lines: Sequence[Sequence[Piece]]
    left_out: int


class FieldRow(msgspec.Struct, frozen=True):
    """One key of the manifest; ``value`` as TOML writes it, empty where it is unknown."""

    key: str
    value: str
    certainty: Certainty
    why: str


class CodeRow(msgspec.Struct, frozen=True):
    """One code of the device; ``mark`` is ``person`` where somebody decided it, ``unit`` what the wire says, ``own_unit`` what was chosen."""

    row: str
    code: str
    name: str
    samples: Sequence[str]
    unit: str
    own_unit: str
    test: str
    mark: str
    why: str
    candidates: Sequence[str]
    ignored: bool


class Known(msgspec.Struct, frozen=True):
    """A driver on the shelf that claims the bytes, and why."""

    driver: str
    why: str


class Sheet(msgspec.Struct, frozen=True):
    """Everything; ``trouble`` says why there is no proposal."""

    captures: Sequence[CaptureSeen]
    known: Sequence[Known]
    fields: Sequence[FieldRow]
    codes: Sequence[CodeRow]
    questions: Sequence[str]
    trouble: str
    trouble_hint: str
    proven: int
    guessed: int
    unknown: int


def sheet(draft: Draft, captures: Sequence[bytes], bench: Bench) -> Sheet:
    """The draft as it now is."""
    framed = [recognise(raw) for raw in captures]
    seen = [_capture(name, raw, one) for name, raw, one in zip(draft.captures, captures, framed, strict=True)]
    known = list(dict.fromkeys((one.driver, one.why) for raw in captures for one in bench.library.identify(raw)))
    try:
        found, trouble = bench.proposed(draft, captures), None
    except DriverError as wrong:
        found, trouble = Proposal(draft.driver, "", ()), wrong
    proposal = decided(draft, found)
    # In the order of the proposal, open ones first: a row keeps its place when it is decided.
    order = sorted(range(len(found.codes)), key=lambda at: ("unknown", "guessed", "proven").index(found.codes[at].certainty))
    codes = [_code(draft, proposal.codes[at]) for at in order]
    fields = [FieldRow(one.key, "" if one.value is None else toml(one.value), one.certainty, one.why) for one in proposal.fields]
    marks = Counter(row.mark for row in codes) + Counter(row.certainty for row in fields)
    return Sheet(
        seen,
        [Known(driver, why) for driver, why in known],
        fields,
        codes,
        proposal.questions,
        trouble.what if trouble else "",
        trouble.hint if trouble else "",
        marks["proven"],
        marks["guessed"] + marks["person"],
        marks["unknown"],
    )


def _capture(name: str, raw: bytes, framed: Framed | None) -> CaptureSeen:
    shown = raw[:SHOWN_BYTES]
    lines = [[Piece(named, text) for named, text in parted(line)] for line in _LINE.findall(shown)]
    if framed is None:
        return CaptureSeen(
            name, len(raw), "", N_("neither framing nor dialect is recognised"), 0, 0, 0, lines, len(raw) - len(shown)
        )
    bodies = [body for body in unframe(raw, Profile.from_dict(framed.framing), repair=True) if body.text]
    return CaptureSeen(
        name,
        len(raw),
        framed.dialect,
        joined("; ", (framed.why, framed.dialect_why)),
        sum(len(body.starts) for body in bodies),
        len(bodies),
        sum(1 for text in framed.texts for line in re.split(r"[\r\n]+", text) if line.strip()),
        lines,
        len(raw) - len(shown),
    )


def _code(draft: Draft, match: Match) -> CodeRow:
    row = row_of(match)
    is_decided = row in draft.ignored or row in draft.chosen
    return CodeRow(
        row,
        match.seen.code,
        match.seen.name,
        match.seen.values[:SAMPLES],
        match.seen.unit,
        draft.units.get(row, ""),
        match.test or "",
        "person" if is_decided else match.certainty,
        match.why,
        match.candidates,
        row in draft.ignored,
    )
