"""The evidence tier, computed from what is there (DESIGN section 5).

========== ====================================================================================================================
draft      a check finds something, the manifest says ``low_confidence``, or there is no capture
documented captures that were written from a document or another project's test message
bench      captures with the layout of real ones
site       read against an analyzer's own printouts: ``evidence.toml`` holds a proof of this revision
========== ====================================================================================================================
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.running import findings
from lis_bridge.catalogue.checks.subject import Subject

Tier = Literal["draft", "documented", "bench", "site"]
PROOFS = "evidence.toml"
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
    if is_proven(subject.driver.folder, manifest.revision):
        return "site"
    return "bench" if any(_REAL.search(capture.origin) for capture in subject.captures) else "documented"


def is_proven(folder: Path, revision: int) -> bool:
    """True where a proof against an analyzer's printouts holds for this revision."""
    try:
        table: dict[str, Any] = tomllib.loads((folder / PROOFS).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return False
    return any(proof.get("revision") == revision for proof in table.get("proof", ()) if isinstance(proof, dict))
