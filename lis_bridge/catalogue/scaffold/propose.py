"""Captures to a proposal: bytes in, a value out, nothing written and nothing read besides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from lis_bridge.catalogue.library import Evidence
from lis_bridge.catalogue.manifest.driver import Identify
from lis_bridge.catalogue.scaffold import delimited, named, places, recordwise
from lis_bridge.catalogue.scaffold.matching import Vocabulary, match_all
from lis_bridge.catalogue.scaffold.parts import Part
from lis_bridge.catalogue.scaffold.proposal import Field, Match, Proposal
from lis_bridge.catalogue.scaffold.quoting import quoted
from lis_bridge.catalogue.scaffold.recognise import Framed, recognise
from lis_bridge.catalogue.units import DIMENSIONLESS
from lis_bridge.core.faults import DriverError
from lis_bridge.core.sayings import joined, saying

WEIGHT = 5
"""Of the proposed evidence: as much as a family's own that names its model."""

_DIALECTS: dict[str, Callable[[tuple[Framed, ...]], Part]] = {
    "hl7": lambda found: recordwise.propose("hl7", found),
    "lis2": lambda found: recordwise.propose("lis2", found),
    "pairs": named.propose,
    "fixed": places.propose,
    "csv": delimited.propose,
}
NAMES = {"hl7": "hl7", "lis2": "lis2", "pairs": "text", "fixed": "text", "csv": "text"}
"""What the proposed dialect is called in the manifest, by its kind."""


def propose(
    id: str, captures: Sequence[bytes], words: Vocabulary, others: Mapping[str, Sequence[bytes]] | None = None
) -> Proposal:
    """What the captures say of driver ``id``; ``others`` are other drivers' captures, which its evidence must not claim.

    Raises DriverError where no capture can be read.
    """
    framed = [recognise(raw) for raw in captures]
    found = [one for one in framed if one is not None]
    if not found:
        hint = "Is it the whole capture? Control characters must be there as bytes, not as <STX>"
        raise DriverError("no framing or dialect is recognised", where=f"{len(captures)} captures", hint=hint)
    kind = Counter(one.dialect for one in found).most_common(1)[0][0]
    same = tuple(one for one in found if one.dialect == kind)
    part = _DIALECTS[kind](same)
    codes = match_all(part.seen, words)
    fields = (
        *_who(id, part, codes, words),
        *_how(kind, same),
        *part.fields,
        *_evidence(part, others or {}),
        *_units(codes, words),
    )
    return Proposal(id, kind, fields, codes, (*_left_out(framed, kind), *part.questions))


def _who(id: str, part: Part, codes: Sequence[Match], words: Vocabulary) -> Iterator[Field]:
    yield Field("id", id, "proven", "as you named it")
    yield Field("name", id, "unknown", "say what people call it")
    yield Field("manufacturer", "unknown", "unknown", "see the type plate")
    if part.model:
        yield Field("models", [part.model], "guessed", "as the wire says; the type plate knows better")
    else:
        yield Field("models", ["unknown"], "unknown", "see the type plate")
    work = Counter(test.class_ for one in codes if (test := words.tests.test(one.test or "")) is not None)
    class_, times = next(iter(work.most_common(1)), ("unknown", 0))
    yield Field("class", class_, "guessed" if times else "unknown", saying("{} of {} codes are such tests", times, len(codes)))
    yield Field("revision", 1, "proven", "the first")
    direction = "results and query" if part.queries else "results"
    yield Field(
        "direction",
        direction,
        "proven" if part.queries else "guessed",
        "queries stand in the capture" if part.queries else "no query was seen",
    )
    yield Field(
        "low_confidence",
        "proposed from captures; no person has confirmed it",
        "proven",
        "delete it when all is confirmed and proved",
    )
    if part.missing:
        yield Field("missing", list(part.missing), "guessed", "rows of marks where the same code has figures elsewhere")
    if part.by_name:
        yield Field(
            "match", "code or name", "guessed", "codes are bare numbers, which sites can change; the name says what is measured"
        )


def _how(kind: str, found: Sequence[Framed]) -> Iterator[Field]:
    key = f"dialect.{NAMES[kind]}"
    why = found[0].dialect_why
    yield Field(f"{key}.kind", kind, "proven" if kind in ("hl7", "lis2") else "guessed", why)
    framings = [dict(items) for items in dict.fromkeys(tuple(one.framing.items()) for one in found)]
    certain = "proven" if all(one.certainty == "proven" for one in found) else "guessed"
    yield Field(f"{key}.framing", framings, certain, joined("; ", dict.fromkeys(one.why for one in found)))  # type: ignore[arg-type]
    charsets = [name for name in ("utf-16-le", "utf-8", "gb18030", "latin-1") if name in {one.charset for one in found}]
    said = "the bytes read so" if charsets else "plain ASCII only was seen: capture a Chinese name"
    yield Field(f"{key}.charset", charsets or ["utf-8", "gb18030"], "guessed", said)


def _evidence(part: Part, others: Mapping[str, Sequence[bytes]]) -> Iterator[Field]:
    if part.sender is None:
        yield Field("identify[0].present", None, "unknown", "nothing in the capture names its sender in every message")
        return
    table, why = part.sender
    rule = Evidence(Identify(present=tuple(table["present"]), why=why))  # type: ignore[arg-type]
    claimed = [driver for driver, raws in others.items() if any(rule.holds_in(raw) for raw in raws)]
    if claimed:
        yield Field(
            "identify[0].present",
            None,
            "unknown",
            saying("{}: so do captures of {}; is it one of them, or extends it?", why, ", ".join(claimed)),
        )
        return
    told = saying("{}; no capture of {} other drivers has it", why, len(others))
    yield Field("identify[0].present", table["present"], "guessed", told)
    yield Field("identify[0].why", why, "guessed", "what lis-bridge driver identify will say")
    yield Field("identify[0].weight", WEIGHT, "guessed", "as a named model")


def _units(codes: Sequence[Match], words: Vocabulary) -> Iterator[Field]:
    for one in {match.seen.code: match for match in codes}.values():
        test = words.tests.test(one.test or "")
        if test is not None and not one.seen.unit and test.ucum not in DIMENSIONLESS:
            why = saying(
                "the wire has no unit for {}; the catalogue's is {}: what does the screen show?", one.seen.code, test.ucum
            )
            yield Field(f"units.{quoted(one.seen.code)}", None, "unknown", why)


def _left_out(framed: Sequence[Framed | None], kind: str) -> Iterator[str]:
    for number, one in enumerate(framed, start=1):
        if one is None:
            yield saying("Capture {} holds nothing that is recognised", number)
        elif one.dialect != kind:
            yield saying("Capture {} speaks another dialect ({}), of which nothing is proposed", number, one.dialect)


def left_side(match: Match, by_name: bool) -> str:
    """What stands in ``[codes]``: the name where a bare number is the code and names decide."""
    return match.seen.name if by_name and match.seen.name and re.fullmatch(r"\d+", match.seen.code) else match.seen.code
