"""Which specimen ids are control material at this site (``[analyzer.controls]``, promise 6)."""

from __future__ import annotations

from collections.abc import Collection


def is_control(specimen: str | None, ids: Collection[str], prefixes: tuple[str, ...]) -> bool:
    """True for an id on the site's list, blanks around it aside; a site without a list has no controls."""
    bare = (specimen or "").strip()
    return bool(bare) and (bare in ids or (bool(prefixes) and bare.startswith(prefixes)))
