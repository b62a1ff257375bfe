"""Where the parts of a result stand in HL7 v2 and LIS2-A2, by the standards' places and what stands there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lis_bridge.catalogue.scaffold.columns import LOOKS, filled, is_number, looks, says
from lis_bridge.catalogue.scaffold.proposal import Field, Seen
from lis_bridge.catalogue.scaffold.talk import RESULT, Order, Record, Talk
from lis_bridge.catalogue.values import limits_of
from lis_bridge.core.sayings import saying
from lis_bridge.dialects.paths import Path, parse

PLACES = {
    # HL7 v2.3.1 7.3.2: OBX-5, -6, -7, -8, -11, -14; LIS2-A2 9
    "hl7": {"value": 5, "unit": 6, "range": 7, "flags": 8, "status": 11, "observed_at": 14},
    "lis2": {"value": 4, "unit": 5, "range": 6, "flags": 7, "status": 9, "observed_at": 13},
}
CODE = 3
"""OBX-3 and R-3 alike."""
ASPECTS = {"F": "", "I": "I", "P": "P", "G": "G"}
"""Abbott's words for the kinds of one result: final figure, interpretation, raw signal, graphics."""
MATERIAL = {"hl7": ("SPM-4", "OBR-15"), "lis2": ("O-16",)}
"""HL7 v2.3.1 7.3.1.15, LIS2-A2 8.4.16."""
_PREFERRED = {"hl7": (1, 2, 4, 5), "lis2": (4, 5, 1, 2, 3)}
_PICTURES = frozenset({"ED", "RP"})
_MARK = re.compile(r"\*{2,}(?:\.\*+)?|-{2,}(?:\.-+)?|#{2,}")


@dataclass(frozen=True, slots=True)
class Codes:
    """Where code and name of a result stand; ``by_name`` where the code is a bare number and the name says what it is."""

    code: tuple[Path, ...]
    name: tuple[Path, ...]
    by_name: bool
    aspect: Path | None


def codes_of(talk: Talk) -> Codes:
    """The places of code, name and aspect: the standard's component first, of those that nearly every row fills and that tell rows apart."""
    rows = [row for row in talk.results if row.at(Path(row.kind, 2)) not in _PICTURES]
    record = RESULT[talk.kind]
    parts = sorted(talk.parts(record, CODE), key=lambda path: _rank(talk.kind, path))
    places = [*parts, *([Path("OBX", 4)] if talk.kind == "hl7" else [])]
    columns = {path: [row.at(path) for row in rows] for path in (*places, Path(record, CODE))}
    full = [path for path in places if _mostly(columns[path], bool)]
    telling = [path for path in full if len(set(columns[path])) > 1]
    code = next(iter(telling or full), Path(record, CODE))
    names = [path for path in places if path != code and _mostly(columns[path], LOOKS["word"]) and len(set(columns[path])) > 1]
    spare = [path for path in (*names, Path(record, CODE)) if path != code]
    bare = any(text.isdigit() for text in columns[code])
    found = (code,) if all(columns[code]) else (code, *spare[:1])
    return Codes(found, tuple(names[:1]), bare and bool(names), _aspect(columns, parts, code))


def _rank(kind: str, path: Path) -> int:
    preferred = _PREFERRED[kind]
    return preferred.index(path.component) if path.component in preferred else len(preferred) + path.component


def _mostly(column: Sequence[str], holds: Callable[[str], bool]) -> bool:
    """Four of five texts are so."""
    return sum(map(holds, column)) * 5 >= len(column) * 4 > 0


def _aspect(columns: Mapping[Path, Sequence[str]], parts: Sequence[Path], code: Path) -> Path | None:
    """The component that holds nothing but Abbott's letters."""
    lettered = (path for path in parts if path != code and len(set(columns[path])) > 1 and set(columns[path]) <= set(ASPECTS))
    return next(lettered, None)


def table(talk: Talk, codes: Codes, key: str) -> Iterator[Field]:
    """The fields of ``[[dialect.NAME.results]]``."""
    yield Field(f"{key}.code", _texts(codes.code), "guessed", _why_code(talk, codes))
    if codes.name:
        yield Field(f"{key}.name", _texts(codes.name), "guessed", says(talk.column(codes.name[0]), "word"))
    if codes.aspect is not None:
        yield Field(
            f"{key}.aspect",
            str(codes.aspect),
            "guessed",
            "only F, I, P, G stand there, as Abbott marks figure, interpretation and signal",
        )
        yield Field(f"{key}.aspects", ASPECTS, "guessed", "F is the figure; confirm the words")
    yield from _material(talk, key)
    for name, number in PLACES[talk.kind].items():
        yield _place(talk, key, name, Path(RESULT[talk.kind], number))
    if talk.kind == "hl7" and (pictures := _PICTURES & set(talk.column(Path("OBX", 2)))):
        yield Field(f"{key}.type", "OBX-2", "proven", saying("OBX-2 says {}", ", ".join(sorted(pictures))))
        yield Field(f"{key}.images", sorted(pictures), "proven", "encapsulated data, no result")


def _material(talk: Talk, key: str) -> Iterator[Field]:
    """Where the kind of specimen stands: the commonest is the usual one, and results of any other are held until its codes are named."""
    for text in MATERIAL[talk.kind]:
        path = next(iter(talk.parts(*parse(text)[:2])), parse(text))
        said = Counter(filled([order.at(path) for order in talk.orders]))
        if said:
            usual, times = said.most_common(1)[0]
            others = ", ".join(word for word in said if word != usual) or "no other"
            why = saying("the kind of specimen; {} {} times, {} besides, which would need codes of its own", usual, times, others)
            yield Field(f"{key}.material", {"path": str(path), "usual": [usual]}, "guessed", why)
            return


def _value(talk: Talk) -> tuple[Path, list[Path]]:
    """Where the value stands, and the parts of its field that hold something else (flags); the whole field where nothing tells them apart."""
    whole = Path(RESULT[talk.kind], PLACES[talk.kind]["value"])
    first, *others = talk.parts(whole.record, whole.field)
    full = [path for path in others if filled(talk.column(path))]
    told = all(row.at(first) for row in talk.results if row.at(whole))
    if not full or not told or any(is_number(text) for path in full for text in filled(talk.column(path))):
        return whole, []
    return first, full


_LOOK = {"range": "range", "flags": "flag", "status": "status", "observed_at": "moment"}


def _place(talk: Talk, key: str, name: str, path: Path) -> Field:
    column = talk.column(path)
    found = filled(column)
    where = f"{key}.{name}"
    if name == "value":
        path, besides = _value(talk)
        numbers = sum(map(is_number, filled(talk.column(path))))
        flags = saying("; beside it {}", ", ".join(map(str, besides))) if besides else ""
        return Field(
            where, [str(path)], "guessed", saying("the standard's place; {} of {} read as numbers{}", numbers, len(found), flags)
        )
    besides = _value(talk)[1] if name == "flags" else []
    if besides:
        return Field(
            where, [str(place) for place in (path, *besides)], "guessed", "the standard's place, and what stands beside the value"
        )
    if not found:
        return Field(where, None, "unknown", saying("{} is empty in all {} rows", path, len(column)))
    look = _LOOK.get(name)
    if look is None or looks(column, look):
        return Field(
            where,
            [str(path)],
            "guessed",
            says(column, look) if look else saying("the standard's place; {} of {} filled", len(found), len(column)),
        )
    fitting = sum(LOOKS[look](text) for text in found)
    if name in ("range", "flags") or fitting * 2 > len(found):
        return Field(where, [str(path)], "guessed", saying("the standard's place; {} of {} look so", fitting, len(found)))
    return Field(
        where, None, "unknown", saying("{} is the standard's place, but only {} of {} look so", path, fitting, len(found))
    )


def _why_code(talk: Talk, codes: Codes) -> str:
    texts = filled(talk.column(codes.code[0]))
    id = "{} different texts in {} rows; bare numbers, so the name decides" if codes.by_name else "{} different texts in {} rows"
    return saying(id, len(set(texts)), len(talk.results))


def _texts(paths: Sequence[Path]) -> list[str]:
    return [str(path) for path in paths]


def seen_codes(talk: Talk, codes: Codes) -> list[Seen]:
    """Every code with what stood beside it; raw signals, interpretations and pictures aside."""
    found: dict[tuple[str, str, str], list[tuple[int, str, str]]] = {}
    places = {name: Path(RESULT[talk.kind], number) for name, number in PLACES[talk.kind].items()} | {"value": _value(talk)[0]}
    for number, order in enumerate(talk.orders):
        for row in _figures(order, codes):
            code = next(filter(None, map(row.at, codes.code)), "")
            name = next(filter(None, map(row.at, codes.name)), "")
            unit = row.at(places["unit"])
            found.setdefault((code, name, unit), []).append((number, row.at(places["value"]), row.at(places["range"])))
    return [_seen(key, rows) for key, rows in found.items()]


def _figures(order: Order, codes: Codes) -> Iterator[Record]:
    for row in order.results:
        if row.at(Path(row.kind, 2)) in _PICTURES:
            continue
        if codes.aspect is None or not ASPECTS.get(row.at(codes.aspect), ""):
            yield row


def _seen(key: tuple[str, str, str], rows: Sequence[tuple[int, str, str]]) -> Seen:
    low, high = next((limits_of(range_) for _, _, range_ in rows if range_), (None, None))
    values = tuple(value for _, value, _ in rows if value)
    return Seen(*key, values, low or "", high or "", frozenset(number for number, _, _ in rows))


def missing_marks(seen: Sequence[Seen]) -> tuple[str, ...]:
    """Rows of stars or dashes in codes that have figures elsewhere, as regular expressions."""
    marks = {value for one in seen if any(map(is_number, one.values)) for value in one.values if _MARK.fullmatch(value)}
    return tuple(sorted({re.escape(mark[0]) + "+" + (rf"(\.{re.escape(mark[0])}+)?" if "." in mark else "") for mark in marks}))


def repeated(talk: Talk, codes: Codes) -> bool:
    """True where a code stands twice in one order."""
    return any(
        max(Counter(next(filter(None, map(row.at, codes.code)), "") for row in _figures(order, codes)).values(), default=0) > 1
        for order in talk.orders
    )
