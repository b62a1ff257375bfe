"""The proposal for HL7 v2 and LIS2-A2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from lis_bridge.catalogue.scaffold import heads, results
from lis_bridge.catalogue.scaffold.parts import Part
from lis_bridge.catalogue.scaffold.proposal import Field
from lis_bridge.catalogue.scaffold.recognise import Framed
from lis_bridge.catalogue.scaffold.talk import Talk, talk_of
from lis_bridge.core.sayings import saying


def propose(kind: Literal["hl7", "lis2"], found: tuple[Framed, ...]) -> Part:
    """All that the records of the captures say."""
    talk = talk_of(kind, [text for one in found for text in one.texts])
    key = f"dialect.{kind}"
    codes = results.codes_of(talk) if talk.results else None
    head = list(heads.head(talk, f"{key}.message"))
    fields = [*head, *heads.query(talk, f"{key}.message"), *heads.kinds(talk, key), *heads.controls(talk, head[0])]
    seen = results.seen_codes(talk, codes) if codes else []
    if codes:
        fields += results.table(talk, codes, f"{key}.results[0]")
    else:
        fields += _standard(kind, f"{key}.results[0]")
    if kind == "hl7":
        why = "HL7 v2 wants an ACK for every message; what this analyzer waits for was not seen"
        fields += [Field(f"{key}.reply.style", "ack", "guessed", why)]
    return Part(
        tuple(fields),
        tuple(seen),
        tuple(_questions(talk, codes)),
        by_name=codes is not None and codes.by_name,
        missing=results.missing_marks(seen),
        queries=bool(talk.of("Q") or talk.of("QRD")),
        model=heads.model(talk),
        sender=heads.identify(talk, kind),
    )


def _standard(kind: str, key: str) -> list[Field]:
    record = "OBX" if kind == "hl7" else "R"
    why = "no result was seen; the standard's place"
    return [
        Field(f"{key}.code", [f"{record}-3"], "guessed", why),
        Field(f"{key}.value", [f"{record}-{5 if kind == 'hl7' else 4}"], "guessed", why),
    ]


def _questions(talk: Talk, codes: results.Codes | None) -> Iterator[str]:
    if codes is None:
        yield "No result stands in the captures: record a measured specimen"
        return
    if results.repeated(talk, codes):
        yield "A code stands twice in one order: rerun, other dilution or another aspect? The bridge holds two values that differ"
    marks = heads.differing(talk)
    if marks:
        yield saying("Nothing seen marks control material; run a control, capture it, and compare {}", ", ".join(marks))
    else:
        yield "Nothing seen marks control material; run a control, capture it, and compare"
    if places := heads.control_like(talk):
        yield saying("Something named like a control stands in {}: say in kinds or controls what it is", ", ".join(places))
