"""Whether a driver's folder holds what it must, and nothing that it must not: notes, README, code, real persons."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.subject import Subject
from lis_bridge.core.sayings import saying

SECTIONS = ("Cabling", "What it says", "Evidence", "Not verified")
_UNGUARDED = re.compile(r"\b(?:no|without|neither)\b[^.;]{0,30}\b(?:checksum|check character|BCC|CRC)s?\b", re.IGNORECASE)
_ID_CARD = re.compile(
    rb"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def captures(subject: Subject) -> Iterator[Finding]:
    """There is a capture, unless the driver reads nothing; every file beside the notes has a note that says what it shows and where it comes from."""
    folder = subject.driver.folder / "captures"
    if not subject.captures and not subject.reads_nothing:
        yield Finding("captures", str(folder), "", "holds no capture", "Record one, or write one from the document")
    noted = {file for capture in subject.captures for file in (capture.file, capture.note)}
    for file in sorted(set(folder.glob("*")) - noted):
        yield Finding(
            "captures", str(file), "", "has no note, or is one without a capture", saying("Write {}.toml beside it", file.stem)
        )
    for capture in subject.captures:
        for key in ("shows", "origin"):
            if not getattr(capture, key).strip():
                yield Finding("captures", str(capture.note), key, "says nothing", "Say what it shows and where it comes from")


def people(subject: Subject) -> Iterator[Finding]:
    """Captures hold invented people only: their notes say so, and no valid Chinese identity number (GB 11643) stands in them."""
    for capture in subject.captures:
        hint = "Put invented people in their place, byte for byte, then say people = 'invented'"
        if capture.people != "invented":
            yield Finding("people", str(capture.note), "people", saying("says {!r}", capture.people), hint)
        if any(_is_id_card(found) for found in _ID_CARD.findall(capture.raw)):
            yield Finding("people", str(capture.file), "", "a valid identity number stands in it", hint)


def _is_id_card(digits: bytes) -> bool:
    """The check character of ISO 7064 MOD 11-2 fits."""
    total = sum(weight * (digit - 0x30) for weight, digit in zip(_WEIGHTS, digits, strict=False))
    return b"10X98765432"[total % 11 : total % 11 + 1] == digits[17:].upper()


def readme(subject: Subject) -> Iterator[Finding]:
    """README.md has a title and its sections, and says so where what is sent has no checksum, its own or TCP's."""
    file = subject.driver.folder / "README.md"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if not text.startswith("# "):
        yield Finding("readme", str(file), "", "is not there, or has no title", "Begin it with # and the family's name")
        return
    if subject.reads_nothing:
        return
    for title in SECTIONS:
        if f"**{title}" not in text:
            yield Finding(
                "readme", f"{file}:1", title, "has no such section", saying("Add a paragraph that begins with **{}.**", title)
            )
    if not subject.guarded and not subject.over_network and not _UNGUARDED.search(text):
        hint = "Say that there is no checksum, so that nobody relies on one"
        yield Finding("readme", f"{file}:1", "checksum", "does not say that what is sent has no checksum", hint)


def hook(subject: Subject) -> Iterator[Finding]:
    """A driver is data: it holds no code (docs/decisions/0006)."""
    for file in sorted(subject.driver.folder.rglob("*")):
        if file.suffix in (".py", ".pyc", ".so", ".pyd"):
            yield Finding(
                "hook", str(file), "", "is code, which no driver may hold", "Declare it in driver.toml, or extend a dialect"
            )
