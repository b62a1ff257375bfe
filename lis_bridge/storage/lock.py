"""One service per database file: a lock that the kernel drops when its process dies, however it dies.

The lock file stays on the disk; removing it would let two processes hold two locks of one name.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lis_bridge.core.faults import StorageError

if sys.platform == "win32":
    import msvcrt

    # Beyond the text, because Windows forbids others to read a locked byte.
    _BYTE = 1 << 20

    def _try_lock(descriptor: int) -> None:
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Claim:
    """The right to be the one service on a database file, held until ``release`` or the end of the process."""

    def __init__(self, database: Path) -> None:
        """Take the claim at once; raises StorageError naming the holder's process id where there is one."""
        path = database.with_name(database.name + ".lock")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            hint = "let the bridge's account write in this folder"
            raise StorageError(f"the lock file cannot be opened: {error.strerror}", where=str(path), hint=hint) from error
        try:
            _try_lock(self._descriptor)
        except OSError as error:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip() if hasattr(os, "pread") else ""
            os.close(self._descriptor)
            raise _held(database, holder) from error
        self._sign()

    def release(self) -> None:
        """Let another process take it."""
        os.close(self._descriptor)

    def _sign(self) -> None:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode("ascii"))


def _held(database: Path, holder: str) -> StorageError:
    process = f"process {holder}" if holder else "another process"
    hint = "stop it first, or give this one its own [storage] url"
    return StorageError(f"another lis-bridge ({process}) works on this database", where=str(database), hint=hint)
