"""What stands above the results in HL7 v2 and LIS2-A2: the specimen, the patient, dates, the sender, queries.

Where two places could be the specimen's id and say different things, it stays unknown: a result under the wrong tube harms a patient, one
without an id waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lis_bridge.catalogue.scaffold.columns import LOOKS, filled, looks, says
from lis_bridge.catalogue.scaffold.proposal import Field
from lis_bridge.catalogue.scaffold.talk import ORDER, Talk
from lis_bridge.core.sayings import joined, saying
from lis_bridge.dialects.paths import Path, parse

# HL7 v2.3.1 3.3.2 (PID), 7.3.1 (OBR); LIS2-A2 7 (P), 8 (O)
SPECIMEN = {"hl7": ("OBR-3", "OBR-2", "SPM-2", "ORC-3", "ORC-2"), "lis2": ("O-3", "O-4")}
PATIENT = {
    "hl7": (
        ("patient_id", ("PID-3", "PID-2"), ""),
        ("patient_name", ("PID-5",), "word"),
        ("birth", ("PID-7",), "birth"),
        ("sex", ("PID-8",), "sex"),
    ),
    "lis2": (
        ("patient_id", ("P-4", "P-3"), ""),
        ("patient_name", ("P-6",), "word"),
        ("birth", ("P-8",), "birth"),
        ("sex", ("P-9",), "sex"),
    ),
}
DATED = {"hl7": ("OBR-7", "OBR-6", "OBR-22"), "lis2": ("O-8", "O-7")}
SENT = {"hl7": "MSH-7", "lis2": "H-14"}
SENDER = {"hl7": ("MSH-3", "MSH-4"), "lis2": ("H-5",)}
_CONTROL = re.compile(r"QC|CONTROL|CTRL|CTL|CAL|BLANK|BACKGROUND|LEVEL\s*\d|质控|标控|校准", re.IGNORECASE)
_PREFIX = re.compile(rf"(?:{_CONTROL.pattern})[-_ ]*(?![A-Za-z])", re.IGNORECASE)


def head(talk: Talk, key: str) -> Iterator[Field]:
    """The fields of ``[dialect.NAME.message]``."""
    specimen = _specimen(talk, f"{key}.specimen")
    yield specimen
    yield from _patient(talk, key)
    yield from _dates(talk, key)
    model = [place for place in SENDER[talk.kind] if filled(talk.column(parse(place)))]
    if model:
        yield Field(f"{key}.model", model, "guessed", "the sender's place")
    if talk.kind == "hl7":
        yield Field(f"{key}.control_id", ["MSH-10"], "proven", "HL7 2.15.9.10: the message control id, which an ACK must return")


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    column: tuple[str, ...]

    @property
    def share(self) -> str:
        return saying("{} of {}", len(filled(self.column)), len(self.column))


def _specimen(talk: Talk, key: str) -> Field:
    places = [place for place in _places(talk) if filled(place.column)]
    barcodes = _different([place for place in places if looks(place.column, "barcode")])
    if len(barcodes) == 1:
        return Field(key, [str(barcodes[0].path)], "guessed", says(barcodes[0].column, "barcode"))
    if barcodes:
        return _unsettled(key, saying("several places hold barcodes"), barcodes)
    ids = _different([place for place in places if any(map(LOOKS["id"], place.column))])
    if len(ids) == 1 and looks(ids[0].column, "id"):
        return Field(key, [str(ids[0].path)], "guessed", saying("{}; no other place holds any", says(ids[0].column, "id")))
    return _unsettled(
        key,
        saying("several places hold barcodes or running numbers") if len(ids) > 1 else saying("no place holds only ids"),
        ids or places,
    )


def _unsettled(key: str, why: str, places: Sequence[_Place]) -> Field:
    listed = joined(", ", (saying("{} ({} filled)", place.path, place.share) for place in places)) or saying("none")
    return Field(key, None, "unknown", saying("{}; candidates: {}", why, listed))


def _places(talk: Talk) -> Iterator[_Place]:
    for text in SPECIMEN[talk.kind]:
        path = parse(text)
        for part in talk.parts(path.record, path.field):
            yield _Place(part, tuple(order.at(part) for order in talk.orders))


def _different(places: Sequence[_Place]) -> list[_Place]:
    """Places with equal texts count once, the first in the standard's order."""
    kept: dict[tuple[str, ...], _Place] = {}
    for place in places:
        kept.setdefault(place.column, place)
    return list(kept.values())


def _patient(talk: Talk, key: str) -> Iterator[Field]:
    for name, places, look in PATIENT[talk.kind]:
        full = [place for place in places if filled(talk.column(parse(place)))]
        fits = [place for place in full if not look or looks(talk.column(parse(place)), look)]
        if fits:
            column = talk.column(parse(fits[0]))
            yield Field(f"{key}.{name}", fits, "guessed", says(column, look) if look else "the standard's place")
        else:
            why = saying("{} does not look like it", ", ".join(full)) if full else saying("{} is empty", ", ".join(places))
            yield Field(f"{key}.{name}", None, "unknown", why)


def _dates(talk: Talk, key: str) -> Iterator[Field]:
    dated = [place for place in DATED[talk.kind] if looks([order.at(parse(place)) for order in talk.orders], "moment")]
    if dated:
        yield Field(f"{key}.dated", dated, "guessed", "a moment stands there; it dates running numbers")
    else:
        yield Field(
            f"{key}.dated", None, "unknown", saying("no moment in {}; the results' own dates count", ", ".join(DATED[talk.kind]))
        )
    sent = SENT[talk.kind]
    if looks(talk.column(parse(sent)), "moment"):
        yield Field(f"{key}.sent_at", [sent], "guessed", says(talk.column(parse(sent)), "moment"))


def kinds(talk: Talk, key: str) -> Iterator[Field]:
    """``[[dialect.NAME.kinds]]`` for what is seen: queries, control marks of the standard, message types without results."""
    rules = list(_kinds_hl7(talk) if talk.kind == "hl7" else _kinds_lis2(talk))
    for number, (when, is_, certainty, why) in enumerate(rules):
        yield Field(f"{key}.kinds[{number}].when", when, certainty, why)  # type: ignore[arg-type]
        yield Field(f"{key}.kinds[{number}].is", is_, certainty, why)  # type: ignore[arg-type]


_Rule = tuple[dict[str, str], str, str, str]


def _kinds_lis2(talk: Talk) -> Iterator[_Rule]:
    if talk.of("Q"):
        yield {"Q-1": "Q"}, "query", "proven", "a Q record asks for orders (LIS2-A2 11)"
    if any(text.startswith("Q") for text in talk.column(Path("O", 12))):
        yield {"O-12": "Q"}, "qc", "guessed", "O-12 is Q, the standard's action code for control material (LIS2-A2 8.4.12)"


def _kinds_hl7(talk: Talk) -> Iterator[_Rule]:
    if talk.of("QRD"):
        yield {"MSH-9": r"QRY\^.*"}, "query", "proven", "a QRD segment asks for orders"
    if "Q" in talk.column(Path("MSH", 11)):
        yield {"MSH-11": "Q"}, "qc", "guessed", "MSH-11 is Q in some messages, as makers mark control runs"
    types = dict.fromkeys(talk.column(Path("MSH", 9)))
    if types:
        yield (
            {"MSH-9": r"(?!ORU\^|OUL\^).*"},
            "other",
            "guessed",
            saying("only ORU and OUL carry results; seen: {}", ", ".join(types)),
        )


def query(talk: Talk, key: str) -> Iterator[Field]:
    """Where a query names the specimen."""
    parts = talk.parts("Q", 3) if talk.kind == "lis2" else talk.parts("QRD", 8)
    full = [path for path in parts if looks(talk.column(path), "barcode")]
    if not (talk.of("Q") or talk.of("QRD")):
        return
    if len(full) == 1:
        yield Field(f"{key}.query", {"specimen": [str(full[0])]}, "guessed", says(talk.column(full[0]), "barcode"))
    else:
        yield Field(
            f"{key}.query", None, "unknown", saying("none, or several, of {} look like a barcode", ", ".join(map(str, parts)))
        )


def differing(talk: Talk) -> tuple[str, ...]:
    """Head fields that tell messages apart by one or two letters or digits: there a mark of control material may stand."""
    found = []
    for record in ("MSH", "H", ORDER[talk.kind]):
        widest = max((len(one.fields) for one in talk.of(record)), default=0)
        for number in range(2, widest):
            texts = sorted(set(talk.column(Path(record, number))))
            if 1 < len(texts) <= 3 and all(len(text) <= 2 for text in texts):
                found.append(f"{Path(record, number)} ({', '.join(text or 'empty' for text in texts)})")
    return tuple(found)


def controls(talk: Talk, specimen: Field | None) -> Iterator[Field]:
    """``[controls]`` where some of the ids begin like a control's or calibrator's name: no patient's result, whatever else it is."""
    if specimen is None or not specimen.value:
        return
    path = parse(specimen.value[0])
    begins = {found[0] for order in talk.orders if (found := _PREFIX.match(order.at(path)))}
    if begins:
        yield Field(
            "controls.prefixes",
            sorted(begins),
            "guessed",
            saying("ids in {} begin so, as controls and calibrators are named", path),
        )


def control_like(talk: Talk) -> tuple[str, ...]:
    """Places above the results where a text looks like the name of a control."""
    found = {
        f"{record.kind}-{number}"
        for record in talk.records
        if record.kind in ("P", "PID", "O", "OBR", "SPM")
        for number, text in enumerate(record.fields)
        if _CONTROL.search(text)
    }
    return tuple(sorted(found))


def model(talk: Talk) -> str:
    """What the sender calls itself, where every message agrees."""
    said = {
        " ".join(filter(None, (record.at(parse(place)) for place in SENDER[talk.kind])))
        for record in talk.of(SENDER[talk.kind][0][:-2])
    }
    return " ".join(re.split(r"[\^~\\&@\s]+", said.pop())) if len(said) == 1 else ""


def identify(talk: Talk, kind: str) -> tuple[dict[str, object], str] | None:
    """What names the sender in every message, as ``[[identify]]`` says it; None where nothing does."""
    return _by_msh(talk) if kind == "hl7" else _by_header(talk)


def _by_msh(talk: Talk) -> tuple[dict[str, object], str] | None:
    said = [record.fields[3:5] for record in talk.of("MSH")]
    if not said or not any(said[0]) or any(one != said[0] for one in said):
        return None
    fields = r"\|".join(re.escape(text) for text in said[0])
    return {"present": [rf"MSH\|[^|]*\|{fields}\|"]}, f"MSH-3/4 {'|'.join(said[0])}"


def _by_header(talk: Talk) -> tuple[dict[str, object], str] | None:
    headers = talk.of("H")
    for path in talk.parts("H", 5):
        texts = {record.at(path) for record in headers}
        if len(texts) == 1 and re.search(r"[^\W\d_]{2}", text := next(iter(texts))):
            mark = headers[0].grammar
            field, part = (rf"[^{re.escape(mark.field)}]*", rf"[^{re.escape(mark.field + mark.component)}]*")
            above = re.escape(mark.component).join([part] * (path.component - 1)) + (
                re.escape(mark.component) if path.component > 1 else ""
            )
            bar = re.escape(mark.field)
            return {"present": [rf"H{bar}{field}{bar}{field}{bar}{field}{bar}{above}\s*{re.escape(text)}\s*"]}, saying(
                "{} says {}", path, text
            )
    return None
