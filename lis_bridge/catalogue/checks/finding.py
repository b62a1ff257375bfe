"""What a check found wrong: where it stands and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from lis_bridge.catalogue.manifest.validating import ManifestError


@dataclass(frozen=True, slots=True)
class Finding:
    """``where`` is file:line, or a capture's name; ``key`` the key of the manifest or the device's code; ``hint`` the remedy."""

    check: str
    where: str
    key: str
    what: str
    hint: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.where}: {key}{self.what} ({self.hint})"


def of_manifest(error: ManifestError) -> Finding:
    """What is wrong with a manifest, as a finding."""
    return Finding("schema", error.where, error.key, error.what, error.hint)
