"""Whether a group of blocks or lines still is whole after one of them was refused.

A device that is told, or that repeats by itself, sends the part again: all but a few bytes alike. Anything else means that it is missing.
"""

from __future__ import annotations

from typing import NamedTuple

ALIKE = 16
"""A damaged part may differ from its repetition in one of so many bytes, and in four at most."""


class Damage(NamedTuple):
    """``pending``: the refused part that has not come again; ``torn``: one never did."""

    pending: bytes = b""
    torn: bool = False

    def after(self, raw: bytes, *, sound: bool) -> Damage:
        """The damage once the next part has come."""
        torn = self.torn or (bool(self.pending) and not _alike(self.pending, raw))
        return Damage(b"" if sound else raw, torn)

    @property
    def whole(self) -> bool:
        """True when nothing is missing."""
        return not self.pending and not self.torn


def _alike(one: bytes, other: bytes) -> bool:
    differing = sum(a != b for a, b in zip(one, other, strict=False))
    return len(one) == len(other) and differing <= min(4, len(one) // ALIKE)
