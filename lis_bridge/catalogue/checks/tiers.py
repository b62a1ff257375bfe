"""The evidence tier, computed from what is there (DESIGN section 5).

========== ====================================================================================================================
draft      a check finds something, the manifest says ``low_confidence``, or there is no capture
documented captures that were written from a document or another project's test message
bench      captures with the layout of real ones
site       read against an analyzer's own printouts: a proof of this revision that still stands
========== ====================================================================================================================
"""

from __future__ import annotations

import re
from typing import Literal

from lis_bridge.catalogue import evidence
from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.running import findings
from lis_bridge.catalogue.checks.subject import Subject
from lis_bridge.catalogue.proving import rows_of
from lis_bridge.core.faults import DriverError

Tier = Literal["draft", "documented", "bench", "site"]
PROVED = frozenset({"mapping", "value"})
_REAL = re.compile(r"\breal\b")


def checked(subject: Subject) -> tuple[Tier, list[Finding]]:
    """The tier of a driver with what its checks find."""
    found = findings(subject)
    return "draft" if found else ranked(subject), found


def ranked(subject: Subject) -> Tier:
    """The tier of a driver that passes its checks."""
    manifest = subject.driver.manifest
    if manifest.low_confidence or not subject.captures:
        return "draft"
    if is_proven(subject):
        return "site"
    return "bench" if any(_REAL.search(capture.origin) for capture in subject.captures) else "documented"


def is_proven(subject: Subject) -> bool:
    """True where a printout proved a mapping and its value in this revision, and the driver still files that code so.

    Evidence that cannot be read proves nothing.
    """
    try:
        found = evidence.proofs(subject.driver.folder)
    except DriverError:
        return False
    present = [proof for proof in found if proof.revision == subject.driver.manifest.revision and set(proof.proved) >= PROVED]
    return bool(present) and bool(evidence.standing(present, rows_of(subject.decoded)))
