"""Every short cut of the hot path against the plain way, on whole messages: equal observations on every input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from random import Random
from typing import Any
from unittest.mock import patch

import hl7
import pytest

from benches import subjects
from benches.messages import mllp
from lis_bridge.catalogue import menus
from lis_bridge.catalogue import values as numeric
from lis_bridge.catalogue.captures import captures_of
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.plan import Plan
from lis_bridge.core import resources
from lis_bridge.dialects import records, sections
from lis_bridge.dialects.grammar import nth
from lis_bridge.dialects.stencil import Stencils
from lis_bridge.framing import bare_stored
from tests.properties import messages

MESSAGES = 4000
CAPTURES = 15
UNFRAME = import_module("lis_bridge.framing.unframe")  # the package has a function of that name
LIBRARY = Library.load(resources.drivers())
CAPTURED = [id for id in LIBRARY.ids() if any(captures_of(LIBRARY.driver(id).folder))]


@contextmanager
def the_plain_way() -> Iterator[None]:
    """No known form, stretch, grid, shared components, gate over values, kept menu, or clean transmission: line by line and row by row."""

    def one_by_one(column: list[str], separator: str) -> Callable[[int], list[str]]:
        return lambda number: [nth(text, separator, number) for text in column]

    nothing: Any = lambda *_: None  # noqa: E731
    with (
        patch.object(Stencils, "found", nothing),
        patch.object(sections, "_stretch", nothing),
        patch.object(records, "grid_of", nothing),
        patch.object(records, "padded_grid", nothing),
        patch.object(records, "components", one_by_one),
        patch.object(numeric, "plain_numbers", nothing),
        patch.object(numeric, "digits", lambda values: [None] * len(values)),
        patch.object(menus, "LONGEST", -1),
        patch.object(UNFRAME, "unframe_clean", nothing),
        patch.object(bare_stored, "_is_clean", nothing),
    ):
        yield


@contextmanager
def known_forms(seen: Counter[str]) -> Iterator[None]:
    """Counts the messages whose form was met before."""
    find = Stencils.found

    def found(self: Stencils, text: str, raw: bytes) -> Any:
        stencil = find(self, text, raw)
        seen["by form"] += stencil is not None
        return stencil

    with patch.object(Stencils, "found", found):
        yield


def differing(fast: Plan, plain: Plan, raws: Iterable[bytes], *, repair: bool = False) -> tuple[list[bytes], Counter[str]]:
    """The bytes that are not read alike, and what stood in all."""
    found, seen = [], Counter[str]()
    for raw in raws:
        with known_forms(seen):
            read = fast.decode(raw, repair=repair)
        seen["messages"] += len(read.messages)
        seen["results"] += sum(len(message.observations) for message in read.messages)
        with the_plain_way():
            if plain.decode(raw, repair=repair) != read:
                found.append(raw)
    return found, seen


def plans(driver: str) -> tuple[Plan, Plan]:
    """Two plans that share no cache."""
    return tuple(LIBRARY.plan(driver, subjects.catalogue(), zone=subjects.ZONE) for _ in range(2))  # type: ignore[return-value]


def standard() -> tuple[Plan, Plan]:
    return subjects.standard_plan(20), subjects.standard_plan.__wrapped__(20)


@pytest.mark.parametrize("seed", range(4))
def test_hl7_is_read_alike(seed: int) -> None:
    rng = Random(seed)
    raws = (mllp(messages.spoiled(messages.hl7(rng).encode(rng.choice(("utf-8", "gb18030"))), rng)) for _ in range(MESSAGES // 4))
    found, seen = differing(*standard(), raws)
    assert found == []
    assert seen["results"] > MESSAGES // 2


@pytest.mark.parametrize("seed", range(4))
def test_hl7_of_an_analyzer_is_read_alike(seed: int) -> None:
    rng = Random(100 + seed)
    raws = (messages.spoiled(mllp(messages.hl7(rng).encode()), rng) for _ in range(MESSAGES // 4))
    found, seen = differing(*plans(subjects.HL7_DRIVER), raws)
    assert found == []
    assert seen["results"] > MESSAGES // 2


@pytest.mark.parametrize("seed", range(4))
def test_lis2_is_read_alike_bare_and_framed(seed: int) -> None:
    rng = Random(200 + seed)
    raws = (messages.spoiled(messages.wired(rng), rng) for _ in range(MESSAGES // 4))
    found, seen = differing(*plans(subjects.LIS2_DRIVER), raws)
    assert found == []
    assert seen["results"] > MESSAGES // 2


@pytest.mark.parametrize("seed", range(4))
def test_what_resembles_a_message_whose_form_is_known_is_read_alike(seed: int) -> None:
    rng = Random(300 + seed)
    for two, write in (
        (standard(), lambda: mllp(messages.hl7(rng, tidy=True).encode(rng.choice(("utf-8", "gb18030"))))),
        (plans(subjects.HL7_DRIVER), lambda: mllp(messages.hl7(rng, tidy=True).encode())),
        (plans(subjects.LIS2_DRIVER), lambda: messages.wired(rng, tidy=True)),
    ):
        again = ((raw, raw, messages.spoiled(raw, rng)) for raw in (write() for _ in range(MESSAGES // 40)))
        found, seen = differing(*two, (raw for raws in again for raw in raws))
        assert found == []
        assert seen["by form"] > MESSAGES // 40


@pytest.mark.parametrize("driver", CAPTURED)
def test_captures_of_every_driver_are_read_alike_whole_and_spoiled(driver: str) -> None:
    rng = Random(driver)
    captures = [capture.raw for capture in captures_of(LIBRARY.driver(driver).folder)]
    raws = [raw for raw in captures if len(raw) < 100_000] or captures[:1]
    spoiled = (messages.spoiled(raws[at % len(raws)], rng) if at >= len(raws) else raws[at] for at in range(len(raws) + CAPTURES))
    both, texts = plans(driver), list(spoiled)
    found, seen = differing(*both, texts, repair=True)
    assert found == []
    assert seen["messages"]
    assert differing(*both, [raw for raw in texts for _ in range(2)])[0] == []


def test_values_of_hl7_are_those_that_python_hl7_reads() -> None:
    rng, (plan, _) = Random(7), standard()
    for _ in range(MESSAGES // 4):
        text = messages.hl7(rng)
        rows = [row for message in plan.decode(mllp(text.encode())).messages for row in message.observations]
        theirs = [(field(segment, 3), field(segment, 5)) for segment in hl7.parse(text).segments("OBX")]
        assert [row.raw for row in rows] == [value.strip() for _, value in theirs]
        escape = text[6]
        coded = [(row.code, code.split(text[4])[0]) for row, (code, _) in zip(rows, theirs, strict=True) if escape not in code]
        assert [ours for ours, _ in coded] == [code for _, code in coded]


def field(segment: hl7.Segment, number: int) -> str:
    return str(segment[number]) if number < len(segment) else ""
