"""A disk that takes no more, and what a program asks of a disk: both real."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes, syncs of a folder and its files for many at once are POSIX")


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Writing a file beyond so many bytes fails in the midst of it, as on a disk that is full."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def folder_synced(folder: Path, patch: pytest.MonkeyPatch) -> list[bool]:
    """A list that grows with every sync from now on: whether it was the folder's, else a file's."""
    synced, sync = [], os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.path.samestat(os.fstat(descriptor), folder.stat()))
        sync(descriptor)

    patch.setattr(os, "fsync", noted)
    return synced
