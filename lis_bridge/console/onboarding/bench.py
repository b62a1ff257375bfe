"""From a draft to a driver, by the very code of ``lis-bridge driver new`` and ``driver check``: propose, take over what a person decided, check, save."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from lis_bridge.catalogue.anonymise import anonymised
from lis_bridge.catalogue.checks import Finding, Subject, Tier, checked
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.package import pack
from lis_bridge.catalogue.scaffold.matching import Vocabulary
from lis_bridge.catalogue.scaffold.proposal import Field, Match, Proposal
from lis_bridge.catalogue.scaffold.propose import left_side, propose
from lis_bridge.catalogue.scaffold.shelf import captured, vocabulary
from lis_bridge.catalogue.scaffold.write import write
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.console.onboarding.drafts import Draft

REMEMBERED = 8
"""Proposals that are kept while somebody works on them."""


@dataclass
class Bench:
    """``shelves`` are the folders of all drivers, the site's own in front; drafts are saved in ``into``."""

    library: Library
    tests: TestCatalogue
    zone: ZoneInfo
    shelves: Sequence[Path]
    into: Path
    scratch: Path
    _proposed: dict[str, Proposal] = field(default_factory=dict)

    @cached_property
    def words(self) -> Vocabulary:
        """How the drivers on the shelf spell the catalogue's tests."""
        return vocabulary(self.library, self.tests)

    @cached_property
    def others(self) -> dict[str, tuple[bytes, ...]]:
        """Captures that a new driver must not claim."""
        return captured(self.library)

    def proposed(self, draft: Draft, captures: Sequence[bytes]) -> Proposal:
        """What the captures say. Raises DriverError where nothing is recognised."""
        key = sha256(b"".join(sha256(raw).digest() for raw in captures) + draft.driver.encode()).hexdigest()
        if key not in self._proposed:
            if len(self._proposed) >= REMEMBERED:
                self._proposed.pop(next(iter(self._proposed)), None)
            self._proposed[key] = propose(draft.driver, captures, self.words, self.others)
        return self._proposed[key]

    def proposal(self, draft: Draft, captures: Sequence[bytes]) -> Proposal:
        """The same, with what a person decided in place of it."""
        return decided(draft, self.proposed(draft, captures))

    def rows(self, draft: Draft, captures: Sequence[bytes]) -> frozenset[str]:
        """The names of its rows."""
        return frozenset(map(row_of, self.proposed(draft, captures).codes))

    def check(self, draft: Draft, captures: Sequence[bytes]) -> tuple[Tier, list[Finding]]:
        """What ``lis-bridge driver check`` will say of it once it is saved. Raises DriverError where the manifest does not load."""
        with self._written(draft, captures) as folder:
            library = Library.load([folder.parent, *(shelf for shelf in self.shelves if not (shelf / draft.driver).exists())])
            tier, found = checked(Subject(library.driver(draft.driver), library, self.tests))
            return tier, [replace(one, where=one.where.removeprefix(f"{folder.parent}/")) for one in found]

    def save(self, draft: Draft, captures: Sequence[bytes]) -> Path:
        """The folder of the driver, in the site's own. Raises UsageError where there is one of that id, DriverError as above."""
        return write(self.proposal(draft, captures), captures, self.into, self.tests, self.zone, anonymised=draft.anonymised)

    def packed(self, draft: Draft, captures: Sequence[bytes]) -> bytes:
        """The draft as one file, as ``lis-bridge driver pack`` makes it. Raises DriverError."""
        with self._written(draft, captures) as folder:
            return pack(folder, draft.driver, 1, None)

    def anonymised(self, draft: Draft, captures: Sequence[bytes]) -> tuple[list[bytes], tuple[str, ...]]:
        """The captures about nobody, as the proposed driver reads them, and what a person should still look at. Raises BridgeError."""
        secret = secrets.token_bytes(32)
        with self._written(draft, captures) as folder:
            plan = Library.load([folder.parent]).plan(draft.driver, self.tests, zone=self.zone)
            found = [anonymised(raw, plan, secret) for raw in captures]
        return [one.raw for one in found], tuple(line for one in found for line in one.left)

    @contextmanager
    def _written(self, draft: Draft, captures: Sequence[bytes]) -> Iterator[Path]:
        """The draft's folder, where no library looks."""
        self.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=self.scratch) as name:
            proposal = self.proposal(draft, captures)
            yield write(proposal, captures, Path(name), self.tests, self.zone, anonymised=draft.anonymised)


def row_of(match: Match) -> str:
    """What a row of the proposal is called: codes may stand under several names."""
    return f"{match.seen.code}|{match.seen.name}"


def decided(draft: Draft, proposal: Proposal) -> Proposal:
    """The proposal with the tests, units and names that a person chose."""
    codes = tuple(_chosen(draft, match) for match in proposal.codes)
    changed = {one.key: one for one in (*_named(draft), *_units(draft, codes))}
    kept = [changed.pop(one.key, one) for one in proposal.fields]
    return replace(proposal, fields=(*kept, *changed.values(), *_ignored(draft, proposal)), codes=codes)


def _chosen(draft: Draft, match: Match) -> Match:
    row = row_of(match)
    if row in draft.ignored:
        return replace(match, test=None, certainty="guessed", why=f"no result, says {draft.by}", candidates=())
    test = draft.chosen.get(row)
    if test is None:
        return match
    said = f"confirmed by {draft.by}; {match.why}" if test == match.test else f"chosen by {draft.by}"
    return replace(match, test=test, certainty="guessed", why=said)


def _named(draft: Draft) -> Iterator[Field]:
    for key, value in (("name", draft.name), ("manufacturer", draft.manufacturer)):
        if value:
            yield Field(key, value, "guessed", f"as {draft.by} typed it")


def _units(draft: Draft, codes: Sequence[Match]) -> Iterator[Field]:
    for match in codes:
        unit = draft.units.get(row_of(match))
        if unit and match.test:
            key = f"units.{json.dumps(match.seen.code, ensure_ascii=False)}"
            yield Field(key, unit, "guessed", f"chosen by {draft.by}")


def _ignored(draft: Draft, proposal: Proposal) -> Iterator[Field]:
    by_name = any(one.key == "match" and one.value == "code or name" for one in proposal.fields)
    codes = [left_side(match, by_name) for match in proposal.codes if row_of(match) in draft.ignored]
    if codes:
        yield Field("ignored[0].codes", codes, "guessed", f"no results, says {draft.by}")
        yield Field("ignored[0].reason", f"no results, says {draft.by}", "guessed", "as decided in the console")
