"""HL7 v2 escaping (v2.5.1 2.7) and what to do with characters that a character set cannot hold: nothing is lost in silence.

Delimiters become ``\\F\\ \\S\\ \\T\\ \\R\\ \\E\\``; control characters, which would end a segment or the MLLP block, and characters that cannot
be encoded become ``\\Xdd..\\`` (2.7.6). UTF-8 and GB18030 hold every character; only halves of surrogate pairs, which stand for bytes
that could not be decoded, need the latter.
"""

from __future__ import annotations

import codecs
import re

SPECIAL = re.compile(r"[|^~\\&\x00-\x1f\x7f]")
"""What may not stand in a value as it is; a gate over many values joined."""

_ESCAPES = {delimiter: f"\\{letter}\\" for delimiter, letter in zip("|^&~\\", "FSTRE", strict=True)}
_UNDECODED = range(0xDC80, 0xDD00)
"""Python's stand-ins for single bytes that were not of the character set (PEP 383)."""


def escaped(text: str) -> str:
    """A value as it may stand in a field."""
    return SPECIAL.sub(_escape, text) if SPECIAL.search(text) else text


def configured(text: str) -> str:
    """A name from the configuration: it may have components (HD, v2.5.1 2.A.33), nothing else."""
    return re.sub(r"[|~\\\x00-\x1f\x7f]", _escape, text)


def encoded(text: str, charset: str) -> bytes:
    """The message's bytes; characters that the set cannot hold stand as ``\\Xdd..\\``."""
    return text.encode(charset, "hl7-hexadecimal")


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return _ESCAPES.get(character) or f"\\X{ord(character):02X}\\"


def _hexadecimal(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    escapes = (_escape_code(ord(character)) for character in error.object[error.start : error.end])
    return "".join(escapes), error.end


def _escape_code(code: int) -> str:
    return f"\\X{code - 0xDC00:02X}\\" if code in _UNDECODED else f"\\X{code:04X}\\"


codecs.register_error("hl7-hexadecimal", _hexadecimal)
