"""A device's code to the laboratory's test: by spelling, unit, kind of value and plausible range.

A wrong silent match would harm a patient, so every doubt ends in "unknown" with the candidates named: two tests that both fit, a code and a
name that say different tests, a unit or a magnitude that the test cannot have, a bare number, a short code without a unit.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median

from lis_bridge.catalogue.scaffold.proposal import Match, Seen
from lis_bridge.catalogue.tests import Test, TestCatalogue
from lis_bridge.catalogue.units import DIMENSIONLESS
from lis_bridge.catalogue.values import number_of
from lis_bridge.core.sayings import joined, saying

SHORT = 2
"""A label of so few characters says too little without a unit that fits."""
FOLDED = 4
"""Characters that a label needs before its punctuation may be overlooked: CP is not C-P."""
APART = Decimal(10)
"""How many times beyond the test's own limits the usual value may lie, and still be believed."""

CONTEXT = 3
"""Matches of one class that make a capture's kind of work known."""
SEVERAL = "several tests fit"

_SAME = (("黏", "粘"), ("百分比", "百分数"), ("百分率", "百分数"))

_LOINC = re.compile(r"\d{1,5}-\d")
_PUNCTUATION = re.compile(r"[\s\-_./()\[\],'*:]+")


@dataclass(frozen=True, slots=True)
class Word:
    """What a spelling is known to mean, and by whom."""

    test: str
    why: str


class Vocabulary:
    """Every spelling that the catalogue and the drivers on the shelf know for a test."""

    def __init__(self, tests: TestCatalogue, drivers: Mapping[str, Mapping[str, str]]) -> None:
        self.tests = tests
        self._exact: dict[str, dict[str, str]] = defaultdict(dict)
        self._folded: dict[str, dict[str, str]] = defaultdict(dict)
        self._learn_drivers(drivers)
        for test in tests.tests:
            for text, what in (
                (test.code, saying("the catalogue's code")),
                (test.name_zh, saying("the catalogue's Chinese name")),
                (test.name_en, saying("the catalogue's English name")),
                (test.loinc, saying("the catalogue's LOINC code")),
            ):
                if text:
                    self._learn(text, test.code, what)

    def _learn_drivers(self, drivers: Mapping[str, Mapping[str, str]]) -> None:
        users: dict[tuple[str, str], set[str]] = defaultdict(set)
        for driver, codes in drivers.items():
            for code, test in codes.items():
                # A number is a channel of one device and says nothing of another's.
                if not re.fullmatch(r"[\W\d]*", code):
                    users[exact(code), test].add(driver)
        for (spelling, test), by in users.items():
            self._learn(spelling, test, _spelt(by))

    def _learn(self, text: str, test: str, why: str) -> None:
        self._exact[exact(text)].setdefault(test, why)
        self._folded[folded(text)].setdefault(test, why)

    def words(self, label: str) -> tuple[Word, ...]:
        """What a label may mean; none for a bare number."""
        if not label or (re.fullmatch(r"[\W\d]*", label) and not _LOINC.fullmatch(label)):
            return ()
        found = self._exact.get(exact(label)) or (self._folded.get(folded(label), {}) if len(folded(label)) >= FOLDED else {})
        return tuple(Word(test, why) for test, why in found.items())


def exact(text: str) -> str:
    """A spelling with full-width letters, letter case and Chinese words that are written in several ways evened out."""
    even = unicodedata.normalize("NFKC", text).strip().casefold()
    for written, usual in _SAME:
        even = even.replace(written, usual)
    return even


def folded(text: str) -> str:
    """A spelling without its punctuation as well."""
    return _PUNCTUATION.sub("", exact(text))


def match_all(seen: Sequence[Seen], words: Vocabulary) -> tuple[Match, ...]:
    """A match for every code, each seen in the light of the others: what kind of laboratory work the capture is decides between
    tests of one name (sodium of a blood gas, of serum), or makes a lone match doubtful.
    """
    found = [match(one, words) for one in seen]
    work = Counter(test.class_ for one in found if (test := words.tests.test(one.test or "")) is not None)
    found = [_settled(one, work, words.tests) for one in found]
    units = any(one.unit for one in seen)
    return tuple(_not_shared([_believed(one, work, units, words.tests) for one in found]))


def match(seen: Seen, words: Vocabulary) -> Match:
    """One code by itself."""
    by_code, by_name = words.words(seen.code), words.words(seen.name)
    known = {word.test: word.why for word in (*by_name, *by_code)}
    if by_code and by_name and not {word.test for word in by_code} & {word.test for word in by_name}:
        return _unknown(seen, "code and name say different tests", known)
    if by_code and by_name and not _LOINC.fullmatch(seen.code):
        both = {word.test for word in by_code} & {word.test for word in by_name}
        known = {test: why for test, why in known.items() if test in both}
    refused = {code: _objection(seen, words.tests.test(code), words.tests) for code in known}
    fitting = [code for code, objection in refused.items() if not objection]
    if not known:
        return _unknown(seen, "no driver and no test of the catalogue is spelled so", {})
    if not fitting:
        return _unknown(seen, joined("; ", (saying("{}: {}", code, objection) for code, objection in refused.items())), known)
    if len(fitting) > 1:
        return _unknown(seen, SEVERAL, {code: known[code] for code in fitting})
    return Match(seen, fitting[0], "guessed", joined(", ", (known[fitting[0]], *_supports(seen))))


def _unknown(seen: Seen, why: str, known: Iterable[str]) -> Match:
    return Match(seen, None, "unknown", why, tuple(known))


def _supports(seen: Seen) -> list[str]:
    return [saying("unit {} fits", seen.unit) if seen.unit else saying("the wire has no unit")]


def _objection(seen: Seen, test: Test | None, tests: TestCatalogue) -> str:
    """Why a test cannot be meant; empty where nothing speaks against it."""
    if test is None:
        return saying("not in the catalogue")
    unit = tests.unit(seen.unit, test) if seen.unit else None
    numbers = [number for value in seen.values if (number := number_of(value)[0]) is not None]
    if seen.unit and unit is None:
        return saying("it is not measured in {}", seen.unit)
    if not seen.unit and len(exact(seen.code if not seen.name else seen.name)) <= SHORT:
        return saying("so short a code says too little without a unit")
    if test.result_type == "numeric" and seen.values and not numbers:
        return saying("it is a number, and none is sent")
    if test.result_type == "numeric" and len(numbers) * 2 < len(seen.values):
        return saying("it is a number, and most of what is sent is none")
    if numbers and min(numbers) < 0 and not any(Decimal(limit) < 0 for limit in (test.low_m, test.low_f) if limit):
        return saying("a figure below nought is sent, perhaps an error's number")
    factor = Decimal(unit.factor) if unit and unit.factor else Decimal(1)
    if numbers and (unit or test.ucum in DIMENSIONLESS) and not _plausible(Decimal(median(numbers)) * factor, test):
        return saying("{} {} is far from its usual range", median(numbers), seen.unit)
    return ""


def _plausible(value: Decimal, test: Test) -> bool:
    """Whether a median value lies near enough to the test's usual range."""
    lows = [Decimal(limit) for limit in (test.low_m, test.low_f) if limit]
    highs = [Decimal(limit) for limit in (test.high_m, test.high_f) if limit]
    below = bool(lows) and min(lows) > 0 and value < min(lows) / APART
    above = bool(highs) and max(highs) > 0 and value > max(highs) * APART
    return not below and not above


def _settled(one: Match, work: Counter[str], tests: TestCatalogue) -> Match:
    """Of several tests that fit, the one of the class that the capture is full of, where no other candidate's class is seen at all."""
    fitting = [test for code in one.candidates if (test := tests.test(code)) is not None]
    usual, times = next(iter(work.most_common(1)), ("", 0))
    seen = [test for test in fitting if work[test.class_]]
    if one.why != SEVERAL or times < CONTEXT or len(seen) != 1 or seen[0].class_ != usual:
        return one
    others = ", ".join(code for code in one.candidates if code != seen[0].code)
    return replace(
        one,
        test=seen[0].code,
        certainty="guessed",
        why=saying("{} like {} others of the capture, which rules out {}", usual, times, others),
    )


def _believed(one: Match, work: Counter[str], units: bool, tests: TestCatalogue) -> Match:
    """A match, taken back where the rest of the capture speaks against it."""
    test = tests.test(one.test or "")
    if test is None:
        return one
    named = (other for other in tests.tests if work[other.class_] and other.class_ != test.class_ and _namesake(other, test))
    rivals = [other.code for other in named if not _objection(one.seen, other, tests)]
    if rivals:
        return _unknown(
            one.seen, saying("{} of {} or the like of {}", test.code, test.class_, ", ".join(rivals)), (test.code, *rivals)
        )
    if not one.seen.unit and test.ucum not in DIMENSIONLESS:
        if units:
            return _unknown(one.seen, "other codes have a unit, this one has none", (test.code,))
        usual, times = work.most_common(1)[0]
        if usual != test.class_ and times >= CONTEXT:
            return _unknown(one.seen, saying("{} without a unit among {}", test.class_, usual), (test.code,))
    return one


def _namesake(other: Test, test: Test) -> bool:
    """``BG-Na`` beside ``Na``: the catalogue tells specimens apart by what stands before the dash."""
    return exact(other.code).endswith("-" + exact(test.code)) or exact(test.code).endswith("-" + exact(other.code))


def _not_shared(found: Sequence[Match]) -> list[Match]:
    """Two codes of one message for one test: at most one is it, and nothing says which."""
    holders: dict[str, list[Match]] = defaultdict(list)
    for one in found:
        holders[one.test or ""].append(one)
    return [
        _unknown(one.seen, saying("{} of the same message matches {} as well", rival.seen.code, one.test), (one.test,))
        if one.test and (rival := _rival(one, holders[one.test])) is not None
        else one
        for one in found
    ]


def _rival(one: Match, others: Sequence[Match]) -> Match | None:
    return next((other for other in others if other.seen.code != one.seen.code and other.seen.messages & one.seen.messages), None)


def _spelt(by: set[str]) -> str:
    return saying("one driver spells it so") if len(by) == 1 else saying("{} drivers spell it so", len(by))
