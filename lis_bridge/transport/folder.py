"""A watched folder: every file is one conversation, read once it has come to rest.

Polling, because shares tell nobody of changes. A file counts as written when its size and time stayed the same for ``settle`` seconds;
it is put away after the commit of what it held, and only in the state in which it was read. Names are bytes: Windows and its
shares write them in GBK as well.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

import structlog

from lis_bridge.transport.errors import FolderGoneError, reason
from lis_bridge.transport.link import CHUNK, Channel
from lis_bridge.transport.seen import Mark, Seen

T = TypeVar("T")

POLL_SECONDS = 1.0
LARGEST = 64 * 1024 * 1024
"""Bytes of a result file; a larger one is none and is left where it is."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rest:
    """A file and how long, by the monotonic clock, it has been in its state."""

    mark: Mark
    since: float


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it was read."""

    name: bytes
    mark: Mark
    data: bytes
    digest: str


class FolderLink:
    """The files of one folder that match ``pattern`` (shell style, whatever the case of its letters).

    ``appended``: of a file that begins as it was read before, only the lines that were added since are read; one that was written anew is read whole.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pattern: str,
        settle: float,
        done: str | None,
        seen: Path | None,
        appended: bool = False,
    ) -> None:
        self.where = str(folder)
        self._folder = os.fsencode(folder)
        self._patterns = {pattern.lower().encode(charset, "replace") for charset in ("utf-8", "gb18030")}
        self._settle = settle
        self._done = None if done is None else os.path.join(self._folder, os.fsencode(done))
        self._appended = appended
        self._seen_file = seen
        self._seen: Seen | None = None
        self._resting: dict[bytes, Rest] = {}
        self._thread = _own_thread()

    async def open(self) -> None:
        """Nothing need be had beforehand: a share that is not mounted is no reason not to start."""

    async def connections(self) -> AsyncIterator[Channel]:
        while True:
            for name in await self._off(self._rested):
                content = await self._off(partial(self._take, name))
                if content is not None:
                    channel = FileChannel(content, self._keep)
                    yield channel
                    await channel.wait_closed()
            await asyncio.sleep(min(POLL_SECONDS, self._settle) or POLL_SECONDS / 10)

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._thread = _own_thread()  # for a link that is opened again

    async def count(self) -> int:
        """How many files of the folder match, read or not. Raises FolderGoneError."""
        return await self._off(lambda: sum(1 for _ in self._present()))

    async def _off(self, work: Callable[[], T]) -> T:
        """In the folder's own thread; what the folder refuses is the loss of the link."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except OSError as error:
            hint = "Is the share mounted, and may the bridge's account read it?"
            raise FolderGoneError(f"the folder cannot be used: {reason(error)}", where=self.where, hint=hint) from error

    async def _keep(self, content: Content) -> None:
        await self._off(partial(self._put_away, content))

    def _memory(self) -> Seen:
        if self._seen is None:
            self._seen = Seen(self._seen_file)
        return self._seen

    def _rested(self) -> list[bytes]:
        """The files that came to rest and were not read so, oldest first."""
        now, memory = monotonic(), self._memory()
        present = dict(self._present())
        memory.tidy(present)
        waiting = {name: mark for name, mark in present.items() if mark.size and not memory.unchanged(name, mark)}
        self._resting = {name: self._rest(name, mark, now) for name, mark in waiting.items()}
        ready = [name for name, rest in self._resting.items() if now - rest.since >= self._settle]
        return sorted(ready, key=lambda name: (waiting[name].mtime, name))

    def _rest(self, name: bytes, mark: Mark, now: float) -> Rest:
        before = self._resting.get(name)
        return before if before is not None and before.mark == mark else Rest(mark, now)

    def _present(self) -> Iterator[tuple[bytes, Mark]]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if any(fnmatchcase(entry.name.lower(), pattern) for pattern in self._patterns):
                    mark = _mark(entry.path)
                    if mark is not None:
                        yield entry.name, mark

    def _take(self, name: bytes) -> Content | None:
        """The file's content, or None when it moved on, cannot be read yet, or holds what was read before."""
        mark = self._resting.pop(name).mark
        if mark.size > LARGEST:
            self._pass_over(name, mark)
            return None
        try:
            data = Path(os.fsdecode(self._path(name))).read_bytes()
        except OSError:  # still open for writing (Windows), or gone again: the next round looks anew
            return None
        if _mark(self._path(name)) != mark or len(data) != mark.size:
            return None
        content = Content(name, mark, data, hashlib.sha256(data).hexdigest())
        if self._memory().holds(name, content.digest):
            self._put_away(content)
            return None
        if self._appended:
            return replace(content, data=data[self._memory().known_lines(name, data) :])
        return content

    def _pass_over(self, name: bytes, mark: Mark) -> None:
        _log.error("file_too_large", where=self.where, bytes=mark.size, limit=LARGEST)
        self._memory().add(name, mark, "")

    def _put_away(self, content: Content) -> None:
        self._memory().add(content.name, content.mark, content.digest)
        if self._done is None:
            return
        try:
            moved = self._move(content, self._done)
        except OSError as error:  # it is remembered, so it is not read again
            _log.warning("file_not_moved", where=self.where, reason=reason(error))
        else:
            if moved:  # what bears its name from now on is another file, also one that holds the same
                self._memory().add(content.name, content.mark, "")

    def _move(self, content: Content, done: bytes) -> bool:
        """Whether the file is away."""
        path = self._path(content.name)
        os.makedirs(done, exist_ok=True)
        if _mark(path) != content.mark:
            return False
        target = _free(os.path.join(done, content.name))
        _rename(path, target)
        if _mark(target) == content.mark or os.path.exists(path):
            return True
        _rename(target, path)  # written to in between: what is new in it has not been read
        return False

    def _path(self, name: bytes) -> bytes:
        return os.path.join(self._folder, name)


class FileChannel:
    """One file; ``peer`` is its name as text, for the journal only, because some analyzers name files after patients."""

    repeats = True

    def __init__(self, content: Content, keep: Callable[[Content], Awaitable[None]]) -> None:
        self.peer = _text(content.name)
        self._content = content
        self._keep = keep
        self._at = 0
        self._closed = asyncio.Event()

    async def read(self) -> bytes:
        data = self._content.data[self._at : self._at + CHUNK]
        self._at += len(data)
        return data

    async def write(self, data: bytes) -> None:
        """A file hears no reply."""

    async def committed(self) -> None:
        await self._keep(self._content)

    def close(self) -> None:
        self._closed.set()

    async def wait_closed(self) -> None:
        await self._closed.wait()


def _own_thread() -> ThreadPoolExecutor:
    """A share that hangs must not hold up other links' threads; the thread begins with its first work."""
    return ThreadPoolExecutor(1, thread_name_prefix="folder")


def _mark(path: bytes) -> Mark | None:
    """The state of a plain file; None for anything else, and for what has gone."""
    try:
        found = os.stat(path)  # an entry of scandir would hold a stale size on Windows
    except OSError:
        return None
    return Mark(found.st_size, found.st_mtime_ns) if os.path.isfile(path) else None


def _rename(source: bytes, target: bytes) -> None:
    """Also to another file system."""
    shutil.move(os.fsdecode(source), os.fsdecode(target))


def _free(path: bytes) -> bytes:
    """The path, or the path with the first number that nothing bears."""
    number, candidate = 0, path
    while os.path.lexists(candidate):
        number += 1
        candidate = path + b".%d" % number
    return candidate


def _text(name: bytes) -> str:
    for charset in ("utf-8", "gb18030"):
        try:
            return name.decode(charset)
        except UnicodeDecodeError:
            continue
    return name.decode("ascii", "backslashreplace")
