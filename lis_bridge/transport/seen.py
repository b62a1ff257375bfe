"""Which files of a folder were read: name, size, time and SHA-256, one line each in a file that only grows.

A line is written after the commit of what the file held. A crash between the two makes a file come again, and what comes again adds nothing.
The memory's own name is on the disk before a line counts: else a power cut could bring an older memory back, without the lines added since.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from lis_bridge.core.replacing import replace_file

LIMIT = 50_000
"""Remembered files, beyond which those that left the folder are forgotten."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A file's state: ``size`` in bytes, ``mtime`` in nanoseconds."""

    size: int
    mtime: int


class Seen:
    """The memory of one folder; ``file`` None forgets everything at the end of the process. Raises OSError."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._known: dict[bytes, tuple[Mark, str]] = {}
        if file is not None and file.exists():
            self._load(file.read_bytes())

    def unchanged(self, name: bytes, mark: Mark) -> bool:
        """True for a file that was read in just this state."""
        known = self._known.get(name)
        return known is not None and known[0] == mark

    def holds(self, name: bytes, digest: str) -> bool:
        """True for a file that was read with this content, whatever its time says now."""
        known = self._known.get(name)
        return known is not None and known[1] == digest

    def known_lines(self, name: bytes, data: bytes) -> int:
        """How many bytes of whole lines at the beginning of ``data`` were read before under this name; 0 where it does not begin so."""
        mark, digest = self._known.get(name, (Mark(0, 0), ""))
        if len(data) < mark.size or hashlib.sha256(data[: mark.size]).hexdigest() != digest:
            return 0
        return data.rfind(b"\n", 0, mark.size) + 1

    def add(self, name: bytes, mark: Mark, digest: str) -> None:
        """Remember a file, on the disk too."""
        self._known.pop(name, None)
        self._known[name] = (mark, digest)
        if self._file is not None:
            self._append(self._file, _line(name, mark, digest))

    def tidy(self, present: Collection[bytes]) -> None:
        """Forget what is no longer in the folder, once there is much of it; an empty folder may be a share that is not mounted."""
        if len(self._known) <= LIMIT or not present or len(present) * 2 > len(self._known):
            return
        self._known = {name: known for name, known in self._known.items() if name in present}
        if self._file is not None:
            lines = b"".join(_line(name, mark, digest) for name, (mark, digest) in self._known.items())
            replace_file(self._file, lines, durable=True)

    def _load(self, content: bytes) -> None:
        for line in content.split(b"\n"):
            parts = line.split(b" ")
            if len(parts) == 5 and parts[4] == b".":  # the dot shows that a line is whole
                size, mtime, digest, name, _ = parts
                self._known[unquote_to_bytes(name)] = (Mark(int(size), int(mtime)), digest.decode("ascii"))

    def _append(self, file: Path, lines: bytes) -> None:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, lines, durable=True)
            return
        with file.open("ab") as out:
            # A line that a crash tore stays alone on its line.
            out.write((b"" if out.tell() == 0 else b"\n") + lines)
            out.flush()
            os.fsync(out.fileno())


def _line(name: bytes, mark: Mark, digest: str) -> bytes:
    return f"{mark.size} {mark.mtime} {digest} {quote_from_bytes(name)} .\n".encode("ascii")
