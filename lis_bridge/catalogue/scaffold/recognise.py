"""Which framing and dialect a capture speaks, by the real framers: a guess is believed when they read the bytes with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lis_bridge.catalogue.scaffold.proposal import Certainty
from lis_bridge.core.sayings import saying
from lis_bridge.dialects import hl7v2, lis2a2
from lis_bridge.framing.body import Body
from lis_bridge.framing.checks import RULES
from lis_bridge.framing.frames import sum8
from lis_bridge.framing.numbered import next_block
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.unframe import unframe

DELIMITERS = (",", ";", "\t", "|", "/")
SEPARATORS = (":", "：", "=", "\t")
ENOUGH = 2
"""Blocks that must carry a check before it counts as proven: one alone may fit by accident."""

_FRAME = re.compile(rb"\x02([0-9][^\x02\x03\x17]*)([\x03\x17])([0-9A-Fa-f]{2})", re.DOTALL)
_RECORDS = re.compile(rb"(?:\A|[\r\n\x02\x05])[0-9]?H[^A-Za-z0-9\s][^\r\n]{2}")
_NAME = re.compile(r"\s*[^\W\d_][^:：=\t|]{0,40}?\s*")


@dataclass(frozen=True, slots=True)
class Framed:
    """A capture's framing as a manifest writes it, how certain, and the texts that it holds."""

    framing: dict[str, Any]
    certainty: Certainty
    why: str
    texts: tuple[str, ...]
    charset: str
    dialect: str
    dialect_why: str
    separator: str = ""


def recognise(raw: bytes) -> Framed | None:
    """The first way of reading that fits; None where the bytes hold no text."""
    for propose in (_mllp, _lis1a, _snibe, _enveloped, _bare_records, _numbered, _block, _ended, _lines):
        found = propose(raw)
        if found is None:
            continue
        framing, certainty, why = found
        bodies = [body.text for body in _read(raw, framing) if body.text]
        if bodies:
            return _framed(framing, certainty, why, bodies)
    return None


def charset_of(bodies: Sequence[bytes]) -> str:
    """``ascii`` where all are; else what reads most of them, UTF-8 before GB18030; ``latin-1`` where neither reads half."""
    if all(map(bytes.isascii, bodies)):
        return "ascii"
    told = [body for body in bodies if not body.isascii()]
    read = {charset: len(_decoded(told, charset)) for charset in ("utf-8", "gb18030")}
    best = max(read, key=lambda charset: read[charset])
    return best if read[best] * 2 >= len(told) else "latin-1"


def _decoded(bodies: Sequence[bytes], charset: str) -> list[str]:
    """The texts of those that the charset reads; a torn message ends inside a letter."""
    texts = []
    for body in bodies:
        try:
            texts.append(body.decode(charset))
        except UnicodeDecodeError:
            continue
    return texts


def separator_of(texts: Sequence[str]) -> str:
    """What parts names from values on most lines; empty where the text has no such lines."""
    lines = [line for text in texts for line in re.split(r"[\r\n]+", text) if line.strip()]
    for separator in SEPARATORS:
        named = [line for line in lines if separator in line and _NAME.fullmatch(line.partition(separator)[0])]
        if len(named) >= 3 and len(named) * 3 >= len(lines) * 2:
            return separator
    return ""


def delimiter_of(texts: Sequence[str]) -> str:
    """What parts all lines into the same number of cells, three at least; empty where nothing does. Four lines of five must agree."""
    lines = [line for text in texts for line in re.split(r"[\r\n]+", text) if line.strip()]
    for delimiter in DELIMITERS:
        counts = Counter(line.count(delimiter) for line in lines)
        usual, times = next(iter(counts.most_common(1)), (0, 0))
        if len(lines) >= 2 and usual >= 2 and times * 5 >= len(lines) * 4:
            return delimiter
    return ""


_Found = tuple[dict[str, Any], Certainty, str]


def _read(raw: bytes, framing: dict[str, Any]) -> list[Body]:
    return unframe(raw, Profile.from_dict(framing), repair=True)


def _framed(framing: dict[str, Any], certainty: Certainty, why: str, bodies: Sequence[bytes]) -> Framed:
    charset = "utf-16-le" if framing.get("wide") else charset_of(bodies)
    texts = tuple(_decoded(bodies, charset))
    if all(hl7v2.grammar_of(text.lstrip()) for text in texts):
        return Framed(framing, certainty, why, texts, charset, "hl7", "every message begins with MSH and declares its separators")
    if all(lis2a2.grammar_of(text.lstrip()) for text in texts):
        return Framed(
            framing, certainty, why, texts, charset, "lis2", "every message begins with an H record that declares its separators"
        )
    separator = separator_of(texts)
    if separator:
        why_pairs = saying("most lines are a name, {!r} and a value", separator)
        return Framed(framing, certainty, why, texts, charset, "pairs", why_pairs, separator)
    delimiter = delimiter_of(texts)
    if delimiter:
        return Framed(
            framing, certainty, why, texts, charset, "csv", saying("rows of cells parted by {!r}", delimiter), delimiter
        )
    return Framed(framing, certainty, why, texts, charset, "fixed", "neither records nor named lines: places decide")


def _mllp(raw: bytes) -> _Found | None:
    if re.search(rb"\x0b\x00M\x00S\x00H\x00", raw):
        return {"kind": "mllp", "wide": True}, "proven", "VT and MSH in UTF-16"
    count = len(re.findall(rb"\x0b\s*MSH[^A-Za-z0-9\s]", raw))
    if count:
        ended = raw.count(b"\x1c")
        return {"kind": "mllp"}, "proven" if ended else "guessed", saying("VT before MSH {} times, FS {} times", count, ended)
    if re.search(rb"(?:\A|[\r\n])MSH[^A-Za-z0-9\s]", raw):
        return {"kind": "mllp"}, "guessed", "HL7 without VT and FS, as a logger leaves it; on the line it is nearly always MLLP"
    return None


def _lis1a(raw: bytes) -> _Found | None:
    frames = [(found[1], found[2], found[3]) for found in _FRAME.finditer(raw)]
    if not frames or not _RECORDS.search(raw):
        return None
    sums = {
        "including": sum(sum8(text + end) == int(said, 16) for text, end, said in frames),
        "excluding": sum(sum8(text) == int(said, 16) for text, end, said in frames),
    }
    rule = max(sums, key=lambda name: sums[name])
    framing: dict[str, Any] = {"kind": "lis1a"}
    if rule != "including":
        framing["checksum"] = rule
    if not sums[rule]:
        return {**framing, "checksum": "none"}, "guessed", saying("{} frames, of which no checksum holds", len(frames))
    framing |= _ending(frames)
    if sums[rule] == len(frames):
        # A frame that a logger damaged makes a gap in the numbers, which must never be overlooked.
        framing |= _numbering(raw, framing)
    why = saying("{} of {} frame checksums hold, {} ETX", sums[rule], len(frames), rule)
    whole = sums[rule] == len(frames) and framing.get("numbers") != "any"
    return framing, "proven" if whole else "guessed", why


def _ending(frames: Sequence[tuple[bytes, bytes, bytes]]) -> dict[str, Any]:
    """Devices that send no L record end a message with EOT."""
    texts = b"\r".join(text[1:] for text, _, _ in frames)
    return {} if re.search(rb"(?:\A|[\r\n])L[^A-Za-z0-9\s]", texts) else {"terminator": "EOT"}


def _numbering(raw: bytes, framing: dict[str, Any]) -> dict[str, Any]:
    """The strictest way of counting frames that reads as much as not looking at the numbers does."""
    best = _sound(raw, framing | {"numbers": "any"})
    if _sound(raw, framing) == best:
        return {}
    return next({"numbers": way} for way in ("1-8", "0-9", "any") if _sound(raw, framing | {"numbers": way}) == best)


def _sound(raw: bytes, framing: dict[str, Any]) -> int:
    return sum(body.complete and bool(body.text) for body in unframe(raw, Profile.from_dict(framing)))


def _snibe(raw: bytes) -> _Found | None:
    if re.search(rb"\x02[Hh][^A-Za-z0-9\s]", raw) and b"\x03" in raw:
        return {"kind": "snibe"}, "guessed", "H stands right behind STX, without a frame number"
    return None


def _enveloped(raw: bytes) -> _Found | None:
    """Records between SOH and EOT, without frames."""
    if re.search(rb"\x01H[^A-Za-z0-9\s]", raw) and b"\x04" in raw:
        return (
            {"kind": "block", "start": "01", "end": "04"},
            "guessed",
            saying("records between SOH and EOT, {} times", raw.count(bytes([1]))),
        )
    return None


def _bare_records(raw: bytes) -> _Found | None:
    if _RECORDS.search(raw):
        return {"kind": "bare-lis2"}, "proven", "H records without STX, ETX and checksums"
    return None


def _numbered(raw: bytes) -> _Found | None:
    """Blocks of 256 bytes with a number and a CRC (Coulter MAXM)."""
    at, sound = 0, 0
    while (block := next_block(raw, at)) is not None:
        at = block.stop if block.sound else block.data
        sound += block.sound
    return ({"kind": "numbered"}, "proven", saying("the CRC of {} numbered blocks holds", sound)) if sound else None


def _ended(raw: bytes) -> _Found | None:
    """Texts that begin at once and end in a control character."""
    for code, name in _ENDS.items():
        if code in raw and b"\x02" not in raw:
            return (
                {"kind": "block", "end": code.hex().upper()},
                "guessed",
                saying("{} texts that end in {}, without a start code", raw.count(code), name),
            )
    return None


def _block(raw: bytes) -> _Found | None:
    end = next((code for code in _ENDS if code in raw), b"")
    count = min(raw.count(b"\x02"), raw.count(end)) if end else 0
    if not count:
        return None
    framing: dict[str, Any] = {"kind": "block", "start": "02", "end": end.hex().upper()}
    for check in _checks(raw, framing):
        why = saying(
            "the check {!r} holds in every one of {} blocks; whether several make one message is not to be seen", check, count
        )
        return {**framing, "check": check}, "guessed", why
    return (
        framing,
        "guessed",
        saying("{} blocks from STX to {}; no check that the bridge knows holds in all of them", count, _ENDS[end]),
    )


_ENDS = {b"\x03": "ETX", b"\x04": "EOT", b"\x1a": "SUB", b"\x0c": "FF"}


def _checks(raw: bytes, framing: dict[str, Any]) -> Iterator[str]:
    for check in filter(None, RULES):
        bodies = unframe(raw, Profile.from_dict({**framing, "check": check}))
        texts = {body.text for body in bodies if body.text}
        if len(texts) >= ENOUGH and not any(body.faults for body in bodies):
            yield check


def _beginning(text: str, separator: str, charset: str) -> str:
    """The first line's name as a regular expression of bytes."""
    name = text.lstrip("\ufeff\x0c\r\n ").partition(separator)[0].strip().encode(charset)
    return r"^\W*" + "".join(chr(byte) if byte < 0x80 and chr(byte).isalnum() else f"\\x{byte:02x}" for byte in name)


def _lines(raw: bytes) -> _Found | None:
    if not raw.strip() or b"\x00" in raw:
        return None
    end = "0D" if b"\n" not in raw else "0A"
    charset = charset_of([raw])
    texts = _decoded([raw], charset)
    separator = separator_of(texts)
    if separator:
        why = "named lines without control characters; a record begins with the first name"
        return {"kind": "lines", "end": end, "first": _beginning(texts[0], separator, charset)}, "guessed", why
    if delimiter_of(texts):
        return {"kind": "whole"}, "guessed", "delimited text without control characters, taken as a file"
    why = saying("lines that end in {}, no control characters around them", "CR" if end == "0D" else "LF")
    return {"kind": "lines", "end": end}, "guessed", why
