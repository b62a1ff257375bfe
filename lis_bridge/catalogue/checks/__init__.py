"""The conformance checks of a driver (DESIGN section 5), one file per group, and the evidence tier that is computed from them.

A check is a function of a ``Subject`` that yields what it finds, nothing when all is well.
"""

from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.running import CHECKS, findings, run
from lis_bridge.catalogue.checks.subject import QUICK, SAMPLED, THOROUGH, Subject
from lis_bridge.catalogue.checks.tiers import Tier, checked

__all__ = ["CHECKS", "QUICK", "SAMPLED", "THOROUGH", "Finding", "Subject", "Tier", "checked", "findings", "run"]
