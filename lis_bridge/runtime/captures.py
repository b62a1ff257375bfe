"""Recordings of running links, in a folder beside the database that only its owner may read: they hold patients' data.

No conversation waits for a recording. What is acknowledged is in the journal; a recording is written by a thread of its own, and one that the
disk refuses, that falls behind or that grows too large ends by itself.
"""

from __future__ import annotations

import asyncio
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from lis_bridge.core.faults import UsageError
from lis_bridge.runtime.status import home
from lis_bridge.settings import Config
from lis_bridge.transport.recorder import Heard
from lis_bridge.transport.recording import FORMAT, Recording, Title

MOST_WAITING = 2000
"""Chunks that the disk may be behind."""
LARGEST = 64 * 1024 * 1024
"""Bytes of the line in one recording."""
ENDING = ".jsonl"
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)--\d{8}-\d{6}\.jsonl")

Ended = Literal["", "disk", "behind", "large"]
"""Why a recording ended by itself."""


class Captured(msgspec.Struct, frozen=True):
    """A recording on the disk; ``size`` in bytes of the file, ``changed_at`` is when its last chunk was written."""

    name: str
    analyzer: str
    size: int
    changed_at: datetime


class Keeper:
    """One recording that is being made."""

    def __init__(self, file: Path, title: Title, by: str) -> None:
        self.name, self.by, self.started_at = file.name, by, title.started_at
        self.bytes = 0
        self.ended: Ended = ""
        self._recording = Recording(file, title)
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recording")

    def keep(self, conversation: int, settings: str, heard: Heard) -> None:
        """Note a chunk; in the loop's thread."""
        if not self.ended and self.bytes + len(heard.data) > LARGEST:
            self.ended = "large"
        if not self.ended and self._waiting >= MOST_WAITING:
            self.ended = "behind"
        if not self.ended:
            self.bytes += len(heard.data)
            self._waiting += 1
            self._thread.submit(self._write, conversation, settings, heard)

    async def close(self) -> None:
        """Everything that was noted is on the disk."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._recording.close)
        self._thread.shutdown(wait=False)

    def _write(self, conversation: int, settings: str, heard: Heard) -> None:
        try:
            if self.ended != "disk":
                self._recording.keep(conversation, settings)(heard)
        except OSError:
            self.ended = "disk"
        finally:
            self._waiting -= 1


class Captures:
    """The folder of a site's recordings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, analyzer: str, link: str, by: str, now: datetime) -> Keeper:
        """A new recording of one analyzer's link. Raises UsageError where it cannot be written."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as wrong:
            hint = "Is there room on the disk, and may the bridge's account write beside its database?"
            raise UsageError("the folder of recordings cannot be made", where=str(self.folder), hint=hint) from wrong
        file = self.folder / f"{analyzer}--{now:%Y%m%d-%H%M%S}{ENDING}"
        return Keeper(file, Title(FORMAT, link, "lis-bridge", now), by)

    def listed(self) -> list[Captured]:
        """All of them, the newest first."""
        found = [made for file in self.folder.glob(f"*{ENDING}") if (made := _captured(file)) is not None]
        return sorted(found, key=lambda one: (one.changed_at, one.name), reverse=True)

    def file(self, name: str) -> Path:
        """Where a recording stands. Raises UsageError for a name that is none."""
        file = self.folder / name
        if not _NAME.fullmatch(name) or not file.is_file():
            raise UsageError("there is no such recording", where=name, hint="It may have been deleted: load the page again")
        return file

    def delete(self, name: str) -> None:
        """Take one off the disk. Raises UsageError."""
        self.file(name).unlink(missing_ok=True)


def captures_of(config: Config) -> Captures:
    """The recordings of a configuration's service."""
    return Captures(home(config) / "captures")


def _captured(file: Path) -> Captured | None:
    named = _NAME.fullmatch(file.name)
    try:
        about = os.stat(file)
    except OSError:  # deleted since it was listed
        return None
    return Captured(file.name, named[1], about.st_size, datetime.fromtimestamp(about.st_mtime).astimezone()) if named else None
