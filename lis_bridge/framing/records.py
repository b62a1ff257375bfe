"""The little that framing must know of LIS2-A2 records: where a message begins (H) and that it has its end (L)."""

from __future__ import annotations

import re
from typing import NamedTuple

_BEGIN = re.compile(rb"[Hh][^A-Za-z0-9\s](?:[^A-Za-z0-9\s]{2}|[^A-Za-z0-9\s]?\Z)")
HEADER = re.compile(rb"[\r\n](?=[Hh][^A-Za-z0-9\s])")


def begins_message(text: bytes) -> bool:
    """Whether the text starts with an H record: behind the letter stand the separators (E1394-91 6.4.2), as far as the text goes."""
    return _BEGIN.match(text) is not None


class Ending(NamedTuple):
    """The last record of a text that grows by frames: its first two bytes, and whether a CR has closed it."""

    head: bytes = b""
    closed: bool = True

    def after(self, text: bytes, closes: bool) -> Ending:
        """The ending once ``text`` has come; ``closes`` where its frame ends in ETX, which ends a record with or without CR."""
        body = text.rstrip(b"\r\n")
        if not body:
            return Ending(self.head, self.closed or closes or bool(text))
        cut = max(body.rfind(b"\r"), body.rfind(b"\n"))
        before = b"" if self.closed else self.head
        head = body[cut + 1 : cut + 3] if cut >= 0 else (before + body)[:2]
        return Ending(head, closes or len(body) < len(text))

    @property
    def terminated(self) -> bool:
        """True when the last record is a closed L record, the message's terminator."""
        return self.closed and self.head[:1] in (b"L", b"l") and not self.head[1:2].isalnum()
