"""A recording: what was said on a line, in both directions, with its moments. One JSON document a line, on the disk before anybody acts on it.

The first line says where and how; each further one is a chunk: ``{"at": …, "conversation": 1, "settings": "9600 8N1", "by": "analyzer",
"hex": "05", "text": "<ENQ>"}``. ``hex`` is what counts, ``text`` is for people. A recording that a power cut tore is read up to its last whole line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from lis_bridge.core.faults import UsageError
from lis_bridge.framing.legible import legible
from lis_bridge.transport.recorder import Heard

Speaker = Literal["analyzer", "bridge", "host"]
FORMAT = 1
_MARK = b'{"recording":'


class Title(msgspec.Struct, frozen=True):
    """The first line: the link as it was given, and who answered the analyzer."""

    recording: int
    link: str
    answered_by: Literal["nobody", "lis-bridge", "host"]
    started_at: datetime


class Chunk(msgspec.Struct, frozen=True):
    """Bytes of one speaker; ``conversation`` counts the connections of the recording from 1, ``settings`` are those of a serial line."""

    at: datetime
    conversation: int
    settings: str
    by: Speaker
    hex: str
    text: str

    @property
    def data(self) -> bytes:
        return bytes.fromhex(self.hex)


class Recording:
    """A recording that is being made. The file must not be there yet, and only its owner may read it: it holds patients' data."""

    def __init__(self, file: Path, title: Title) -> None:
        try:
            self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as taken:
            raise UsageError(
                "the file is there already", where=str(file), hint="Give another name; a recording is never overwritten"
            ) from taken
        except OSError as wrong:
            raise UsageError(
                wrong.strerror or "cannot be written", where=str(file), hint="Name a file in a folder that may be written"
            ) from wrong
        self._speaker: Speaker = "host" if title.answered_by == "host" else "bridge"
        self._write(title)

    def keep(self, conversation: int, settings: str = "") -> Callable[[Heard], None]:
        """Where a Recorder of the analyzer's channel notes what passes. What it was given is on the disk when it returns."""

        def note(heard: Heard) -> None:
            by = self._speaker if heard.by == "bridge" else heard.by
            self._write(Chunk(heard.at, conversation, settings, by, heard.data.hex(), legible(heard.data, lines=False)))

        return note

    def close(self) -> None:
        os.close(self._descriptor)

    def _write(self, line: Title | Chunk) -> None:
        os.write(self._descriptor, msgspec.json.encode(line) + b"\n")
        os.fsync(self._descriptor)


def is_recording(raw: bytes) -> bool:
    """True where the bytes are a recording, not wire bytes."""
    return raw.startswith(_MARK)


def chunks(raw: bytes) -> Iterator[Chunk]:
    """What was said, in order; a torn last line is left out."""
    reader = msgspec.json.Decoder(Chunk)
    for line in raw.split(b"\n")[1:-1]:
        yield reader.decode(line)


def wire(raw: bytes) -> bytes:
    """The analyzer's own bytes of a recording, one conversation after the other; wire bytes are given back as they are.

    What was heard under line settings that were given up later is left out.
    """
    if not is_recording(raw):
        return raw
    heard = [chunk for chunk in chunks(raw) if chunk.by == "analyzer"]
    said: dict[int, list[bytes]] = {}
    for chunk in heard:
        if chunk.settings == heard[-1].settings:
            said.setdefault(chunk.conversation, []).append(chunk.data)
    return b"".join(part for parts in said.values() for part in parts)
