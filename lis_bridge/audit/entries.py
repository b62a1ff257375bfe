"""What one line of the audit log says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

Via = Literal["console", "API", "command line", "service"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, ``actor``, did ``action`` to ``subject`` (``tube 2026…``, ``hold 12``) at ``at`` (aware); ``detail`` is what else matters.

    No names, ids or values of patients: the subject leads to them.
    """

    at: datetime
    actor: str
    via: Via
    action: str
    subject: str = ""
    address: str = ""
    detail: Mapping[str, Any] = {}


class Line(msgspec.Struct, frozen=True):
    """A stored entry; ``at`` is ISO 8601 in UTC, ``detail`` JSON with sorted keys, ``digest`` hexadecimal."""

    id: int
    at: str
    actor: str
    via: str
    address: str
    action: str
    subject: str
    detail: str
    digest: str
