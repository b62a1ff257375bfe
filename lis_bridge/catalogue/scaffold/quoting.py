"""Texts of an analyzer as TOML writes them."""

from __future__ import annotations

import json


def quoted(text: str) -> str:
    """A basic string (TOML 1.0): JSON's escapes, and DEL, which JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
