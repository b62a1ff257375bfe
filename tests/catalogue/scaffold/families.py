"""Every family taken away from the shelf, and proposed again from its captures alone."""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import cache
from zoneinfo import ZoneInfo

from lis_bridge.catalogue.captures import Capture, captures_of
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.scaffold.manifest_text import manifest_text
from lis_bridge.catalogue.scaffold.proposal import Proposal
from lis_bridge.catalogue.scaffold.propose import propose
from lis_bridge.catalogue.scaffold.shelf import captured, vocabulary
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources

LIBRARY = Library.load(resources.drivers())
TESTS = TestCatalogue.load(resources.catalogue())
ZONE = ZoneInfo("Asia/Shanghai")


def kin(id: str) -> frozenset[str]:
    """The family and all that share its tables by ``extends``: none of them may be a witness."""
    roots = {one: LIBRARY.driver(one).manifest.extends or one for one in LIBRARY.ids()}
    return frozenset(one for one in LIBRARY.ids() if roots[one] == roots[id])


@cache
def captures(id: str) -> tuple[Capture, ...]:
    return tuple(captures_of(LIBRARY.driver(id).folder))


FAMILIES = tuple(family for family in LIBRARY.ids() if captures(family))


@cache
def proposal(id: str) -> Proposal:
    raws = [capture.raw for capture in captures(id)]
    return propose(
        id,
        raws,
        vocabulary(LIBRARY, TESTS, without=kin(id)),
        captured(LIBRARY, without=(*kin(id), *LIBRARY.driver(id).manifest.lookalikes)),
    )


@cache
def manifest(id: str) -> Manifest:
    return Manifest.model_validate(tomllib.loads(manifest_text(proposal(id))))


@cache
def real(id: str) -> Plan:
    return LIBRARY.plan(id, TESTS, zone=ZONE)


def meanings(id: str) -> dict[tuple[str, str], set[str | None]]:
    """What the real driver files each (code, name) of its captures under; None for what it ignores or does not know."""
    found: dict[tuple[str, str], set[str | None]] = {}
    for capture in captures(id):
        for message in real(id).decode(capture.raw, repair=True).messages:
            for seen in message.observations:
                found.setdefault((seen.code, seen.name or ""), set()).add(seen.test)
                found.setdefault((seen.code, ""), set()).add(seen.test)
                found.setdefault(("", seen.name or ""), set()).add(seen.test)
    return found


def guesses(id: str) -> Counter[str]:
    """Codes by what became of them: ``right``, ``wrong``, ``left open``, and ``rightly left open`` where the real driver maps none either."""
    truth = meanings(id)
    count: Counter[str] = Counter()
    for one in proposal(id).codes:
        real_tests = (
            truth.get((one.seen.code, one.seen.name)) or truth.get((one.seen.code, "")) or truth.get(("", one.seen.name)) or set()
        )
        if one.test is None:
            count["left open" if real_tests - {None} else "rightly left open"] += 1
        else:
            count["right" if one.test in real_tests else "wrong"] += 1
    return count


def filed(id: str) -> Counter[str]:
    """Values of patients that the proposal decodes: ``right`` or ``wrong`` against the real driver, or ``held``."""
    plan = Plan(manifest(id), TESTS, zone=ZONE)
    count: Counter[str] = Counter()
    for capture in captures(id):
        truth = {
            (message.specimen, seen.value, seen.test)
            for message in real(id).decode(capture.raw, repair=True).messages
            if message.kind == "patient"
            for seen in message.observations
        }
        for message in plan.decode(capture.raw, repair=True).messages:
            for seen in message.observations if message.kind == "patient" else ():
                if seen.value is None:
                    continue
                if message.specimen is None or seen.test is None or seen.problem is not None:
                    count["held"] += 1
                else:
                    count["right" if (message.specimen, seen.value, seen.test) in truth else "wrong"] += 1
    return count
