"""Reading the LIS's acknowledgement (HL7 v2.5.1 2.13.1): a tolerant reader with a strict mind.

It finds MSA wherever it stands, takes any line end and either letter case, and decodes words as best it can. But a message counts
as delivered only when the answer says so, and (mode ``strict``) says it of this message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Mode = Literal["strict", "no-id", "none"]
"""strict: MSA-2 names our message. no-id: MSA-2 may be empty. none: any acknowledgement counts that is no refusal."""

CODES = frozenset({"AA", "AE", "AR", "CA", "CE", "CR"})
"""HL7 table 0008."""
ACCEPTED = frozenset({"AA", "CA"})
SILENCE = frozenset({"timeout", "closed", "malformed"})
"""Not an answer to this message: the socket is of no use any more."""

_LINE = re.compile(r"[\r\n]+")
_QUOTED = 80


@dataclass(frozen=True, slots=True)
class Verdict:
    """A code of table 0008 or a word of ``SILENCE``, with the LIS's words or what is wrong with its answer."""

    code: str
    text: str = ""

    @property
    def answered(self) -> bool:
        """True when the LIS has decided about the message."""
        return self.code in CODES


def read(block: bytes, control_id: str, mode: Mode = "strict", charset: str = "UTF-8") -> Verdict:
    """What the content of one MLLP block says about the message ``control_id``."""
    segments = [line.strip() for line in _LINE.split(_decoded(block, charset)) if line.strip()]
    verdict = _read(segments, control_id, mode)
    if mode == "none" and not verdict.answered:
        return Verdict("AA", f"taken for one: {verdict.text}")
    return verdict


def _read(segments: list[str], control_id: str, mode: Mode) -> Verdict:
    header = next((segment for segment in segments if segment[:3] == "MSH" and len(segment) > 3), None)
    separator = header[3] if header else "|"
    fields = next((segment.split(separator) for segment in segments if segment[:3] == "MSA"), None)
    if header is None or fields is None:
        return Verdict("malformed", "no MSH" if header is None else "no MSA")
    fields += [""] * (4 - len(fields))
    code, id = fields[1].strip().upper(), fields[2].strip()
    if code not in CODES:
        return Verdict("malformed", f"MSA-1 is {code[:_QUOTED]!r}")
    if mode != "none" and id != control_id and not (mode == "no-id" and not id):
        return Verdict("malformed", f"MSA-2 is {id[:_QUOTED]!r}, not {control_id}" if id else "MSA-2 is empty")
    return Verdict(code, _words(fields[3], segments, separator))


def _words(text: str, segments: list[str], separator: str) -> str:
    """MSA-3, and what ERR says besides: in 2.5.1 the words stand there (ERR-7, ERR-8)."""
    errors = (segment.split(separator, 1)[1] for segment in segments if segment[:3] == "ERR" and separator in segment)
    parts = [text.strip(), *(re.sub(rf"{re.escape(separator)}+", " ", error).strip() for error in errors)]
    return " ".join(part for part in parts if part)


def _decoded(block: bytes, charset: str) -> str:
    for name in (charset, "UTF-8", "GB18030"):
        try:
            return block.decode(name)
        except UnicodeDecodeError:
            continue
    return block.decode("latin-1")
