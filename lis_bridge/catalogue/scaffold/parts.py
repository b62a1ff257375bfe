"""What each dialect's proposal hands to the whole: its fields, codes and questions."""

from __future__ import annotations

from dataclasses import dataclass

from lis_bridge.catalogue.scaffold.proposal import Field, Seen


@dataclass(frozen=True, slots=True)
class Part:
    """``model`` is what the sender calls itself, ``sender`` an ``[[identify]]`` table and why, ``missing`` are marks for "no result" as regular
    expressions.
    """

    fields: tuple[Field, ...]
    seen: tuple[Seen, ...]
    questions: tuple[str, ...] = ()
    by_name: bool = False
    missing: tuple[str, ...] = ()
    queries: bool = False
    model: str = ""
    sender: tuple[dict[str, object], str] | None = None
