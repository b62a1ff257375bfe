"""A driver against the analyzer's own printout: each mapping, unit and decimal point proved, refuted, or still open.

A mapping is proved where the printout's name means the test that the driver files the value under, and no other code of the tube has the
same figure: else a mix-up of the two would look the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from lis_bridge.catalogue.captures import Capture
from lis_bridge.catalogue.plan import Decoded
from lis_bridge.catalogue.printout import Said
from lis_bridge.catalogue.scaffold.matching import Vocabulary, exact
from lis_bridge.catalogue.tests import Test
from lis_bridge.catalogue.values import number_of
from lis_bridge.core.results import Observation

Verdict = Literal["proved", "refuted", "open"]


@dataclass(frozen=True, slots=True)
class Row:
    """A result as the driver decodes it, and where it stands: ``sample`` counts the messages of the capture from 1."""

    capture: str
    sample: int
    specimen: str
    seen: Observation


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a typed value says of the driver: a verdict for ``mapping``, ``value`` (with its decimal point) and ``unit``, with reasons."""

    said: Said
    row: Row | None
    verdicts: dict[str, Verdict]
    why: str = ""
    meant: tuple[str, ...] = field(default=())

    @property
    def refuted(self) -> bool:
        return "refuted" in self.verdicts.values()


ASPECTS = ("mapping", "value", "unit")


def rows_of(decoded: Iterable[tuple[Capture, Decoded]]) -> Iterator[Row]:
    """Every result of captures, as the driver reads them now, that a printout can show."""
    for capture, found in decoded:
        for number, message in enumerate(found.messages, start=1):
            for seen in message.observations if message.kind != "query" else ():
                yield Row(capture.file.name, number, message.specimen or "", seen)


def judge(said: Sequence[Said], rows: Sequence[Row], words: Vocabulary) -> tuple[Judgement, ...]:
    """A judgement for every typed value. ``words`` must not hold the driver's own spellings: nobody is their own witness."""
    return tuple(_judge(one, rows, words) for one in said)


def _judge(said: Said, rows: Sequence[Row], words: Vocabulary) -> Judgement:
    specimens = {row.specimen for row in rows}
    if not said.specimen and len(specimens) > 1:
        return _open(said, "the captures hold several samples: type the sample's id above its values")
    of_tube = [row for row in rows if not said.specimen or _same_id(said.specimen, row.specimen)]
    if not of_tube:
        return _open(said, f"no capture holds sample {said.specimen}")
    meant = _meant(said.label, words)
    own = [row for row in of_tube if _own_name(said.label, row.seen)]
    candidates = own or [row for row in of_tube if row.seen.test in meant]
    if not candidates:
        return _open(said, _hint(said, of_tube, meant), meant)
    best = next((row for row in candidates if _agrees(said, row.seen, words)), candidates[0])
    return _compare(said, best, of_tube, meant, words)


def _open(said: Said, why: str, meant: tuple[str, ...] = ()) -> Judgement:
    return Judgement(said, None, dict.fromkeys(ASPECTS, "open"), why, meant)


def _same_id(typed: str, sent: str) -> bool:
    return typed == sent or (typed.isdigit() and sent.isdigit() and int(typed) == int(sent))


def _meant(label: str, words: Vocabulary) -> tuple[str, ...]:
    """The tests that a label is a spelling of; of one with several words, those that all known words share, else all that any means."""
    whole = [word.test for word in words.words(label)]
    if whole:
        return tuple(whole)
    parts = [found for part in label.split() if (found := [word.test for word in words.words(part)])]
    shared = [test for test in parts[0] if all(test in part for part in parts)] if parts else []
    return tuple(shared or dict.fromkeys(test for part in parts for test in part))


def _own_name(label: str, seen: Observation) -> bool:
    names = {exact(text) for text in (seen.code, seen.name) if text}
    return exact(label) in names or any(exact(part) in names for part in label.split())


def _hint(said: Said, rows: Iterable[Row], meant: tuple[str, ...]) -> str:
    number = number_of(said.value)[0]
    same = [row.seen.code for row in rows if number is not None and row.seen.number == number]
    if same:
        return f"the driver files nothing so; the same figure stands under code {', '.join(same)}"
    return "no result of the sample is named so" if meant else "neither the device nor the catalogue knows this name"


def _agrees(said: Said, seen: Observation, words: Vocabulary) -> bool:
    return _value(said, seen, words.tests.test(seen.test or ""), words)[0] == "proved"


def _compare(said: Said, row: Row, of_tube: Sequence[Row], meant: tuple[str, ...], words: Vocabulary) -> Judgement:
    test = words.tests.test(row.seen.test or "")
    value, why_value = _value(said, row.seen, test, words)
    unit, why_unit = _unit(said, row.seen, test, words)
    mapping, why_mapping = _mapping(said, row, of_tube, meant, value)
    why = "; ".join(filter(None, (why_mapping, why_value, why_unit)))
    return Judgement(said, row, {"mapping": mapping, "value": value, "unit": unit}, why, meant)


def _mapping(said: Said, row: Row, of_tube: Sequence[Row], meant: tuple[str, ...], value: Verdict) -> tuple[Verdict, str]:
    test = row.seen.test
    if not meant:
        return "open", f"say which test it is: {said.label} NAME = {said.value}"
    if test is None:
        return "open", f'the driver does not map it: [codes] "{row.seen.key}" = "{" or ".join(meant)}"'
    if test not in meant:
        return "refuted", f"filed as {test}, the name means {', '.join(meant)}"
    if value != "proved":
        return "open", ""
    twins = {other.seen.code for other in of_tube if other.seen.code != row.seen.code and other.seen.number == row.seen.number}
    if twins and row.seen.number is not None:
        return "open", f"{', '.join(sorted(twins))} has the same figure; type another sample as well"
    return ("open", f"the name means {', '.join(meant)}") if len(meant) > 1 else ("proved", "")


def _value(said: Said, seen: Observation, test: Test | None, words: Vocabulary) -> tuple[Verdict, str]:
    """Whether the figure is the printed one, in either unit, to the printed decimals."""
    typed, comparator = number_of(said.value)
    if typed is None or seen.number is None:
        same = exact(said.value) == exact(seen.value or seen.raw)
        return ("proved", "") if same else ("refuted", f"the wire says {seen.value or seen.raw}")
    if comparator != seen.comparator:
        return "refuted", f"the wire says {seen.value}"
    if any(_rounds_to(figure, typed) for figure in _figures(said, seen, test, words)):
        return "proved", ""
    apart = _power(seen.number, typed)
    if apart:
        return "refuted", f"the decimal point is {abs(apart)} places off: the wire says {seen.value}"
    return "refuted", f"the wire says {seen.value}"


def _figures(said: Said, seen: Observation, test: Test | None, words: Vocabulary) -> list[Decimal]:
    """The driver's figure as sent and, where both units are known, in the printed unit."""
    number = seen.number or Decimal(0)
    printed = words.tests.unit(said.unit, test) if test is not None and said.unit else None
    if printed is None or seen.ucum is None:
        return [number]
    return [number, number * Decimal(seen.factor or 1) / Decimal(printed.factor or 1)]


def _rounds_to(number: Decimal, typed: Decimal) -> bool:
    """Equal, or within half a unit of the printed figure's last place."""
    exponent = typed.as_tuple().exponent
    half = Decimal(5).scaleb(int(exponent) - 1)
    return abs(number - typed) <= half and (bool(typed) or not number)


def _power(number: Decimal, typed: Decimal) -> int:
    """The power of ten that parts two figures; 0 where none does."""
    return next(
        (power for power in (*range(-6, 0), *range(1, 7)) if typed and number and _rounds_to(number.scaleb(power), typed)), 0
    )


def _unit(said: Said, seen: Observation, test: Test | None, words: Vocabulary) -> tuple[Verdict, str]:
    """The printed unit against the driver's. Two units of one test differ rightly where the figures differ as well."""
    if not said.unit or test is None:
        return "open", "" if said.unit else "no unit was typed"
    printed = words.tests.unit(said.unit, test)
    if printed is None:
        return "open", f"{said.unit} means nothing certain for {test.code}"
    if seen.ucum is None:
        return "open", f'the driver has no unit: [units] "{seen.key}" = "{said.unit}"'
    typed, number = number_of(said.value)[0], seen.number
    if typed is None or number is None:
        return "open", ""
    typed_factor, factor = Decimal(printed.factor or 1), Decimal(seen.factor or 1)
    if _rounds_to(number * factor / typed_factor, typed):
        return "proved", "" if typed_factor == factor else f"converted: the wire has {seen.unit or seen.ucum}"
    if _rounds_to(number, typed):
        return "refuted", f"the driver reads {seen.unit or seen.ucum}, the printout says {said.unit}"
    return "open", ""
