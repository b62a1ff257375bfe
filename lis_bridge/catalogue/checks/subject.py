"""The driver under check with all that the checks ask for; what is costly is made once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from lis_bridge.catalogue.captures import Capture, captures_of
from lis_bridge.catalogue.library import Driver, Library
from lis_bridge.catalogue.plan import Decoded, Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.framing.profile import Profile

ZONE = ZoneInfo("Asia/Shanghai")

QUICK, SAMPLED, THOROUGH = 25, 400, 0
"""Damaged copies of each capture that are looked at: enough to compute a tier for a list, what ``make test`` does, all (0)."""
BYTES = 1_000_000
"""Bytes of all damaged copies of one capture together in ``make test``: a long capture has fewer copies."""


@dataclass(frozen=True)
class Subject:
    """A driver, its library and the test catalogue; ``effort`` is one of QUICK, SAMPLED and THOROUGH."""

    driver: Driver
    library: Library
    tests: TestCatalogue
    effort: int = SAMPLED

    @cached_property
    def plan(self) -> Plan:
        return self.library.plan(self.driver.id, self.tests, zone=ZONE)

    @cached_property
    def captures(self) -> tuple[Capture, ...]:
        return tuple(captures_of(self.driver.folder))

    @cached_property
    def decoded(self) -> tuple[tuple[Capture, Decoded], ...]:
        """Every capture as ``lis-bridge decode`` reads it."""
        return tuple((capture, self.plan.decode(capture.raw, repair=True)) for capture in self.captures)

    @property
    def group(self) -> frozenset[str]:
        """The driver and its declared lookalikes."""
        return frozenset({self.driver.id, *self.driver.manifest.lookalikes})

    @property
    def guarded(self) -> tuple[Profile, ...]:
        """The framings that declare a checksum."""
        return tuple(profile for profile in self.plan.profiles if is_guarded(profile))

    @property
    def reads_nothing(self) -> bool:
        """True for a driver of a family of which nothing is known: by its own word it claims no capture and has no place for a result."""
        manifest = self.driver.manifest
        places = any(dialect.results for dialect in manifest.dialect.values())
        return bool(manifest.low_confidence) and not (places or manifest.identify or manifest.codes)

    @property
    def over_network(self) -> bool:
        """True where every framing is MLLP and the usual link is no serial line: TCP has a checksum of its own."""
        serial = self.driver.manifest.link.get("default", "").startswith("serial")
        return not serial and all(profile.kind == "mllp" for profile in self.plan.profiles)

    def sampled(self, size: int, *, share: int = 1) -> Iterable[int]:
        """Offsets below ``size``, evenly: as many as the effort and the bytes to be read allow, or a ``share``-th where looking at one is costly."""
        if not self.effort or not size:
            return range(size)
        copies = max(1, min(self.effort, BYTES * self.effort // SAMPLED // size) // share)
        return range(0, size, -(-size // copies))


def is_guarded(profile: Profile) -> bool:
    """True for a framing in which a damaged byte shows (LIS1-A 6.3.3; block and line checks; CRC of numbered blocks). A count of lines does not."""
    if profile.kind == "lis1a":
        return profile.checksum != "none"
    return profile.kind == "numbered" or profile.check not in ("", "lines")
