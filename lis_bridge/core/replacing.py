"""A file written anew: whoever reads it sees the old one or the new one, and a failure on the way leaves the old one as it was.

The new bytes are written beside the file, under a name that no other writer has, and take its place in one step. What a killed process
had not put in place yet stays behind as ``NAME.….new``, and nobody reads it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from functools import partial
from pathlib import Path

_NO_SUCH_SYNC = (errno.EINVAL, errno.ENOTSUP)
"""How file systems that cannot sync a folder, some network shares among them, say so."""


def replace_file(file: Path, data: bytes, *, durable: bool, private: bool = False) -> None:
    """Put ``data`` in the place of a file, which need not be there yet; its folder must be.

    ``durable``: once this has returned, a power cut leaves the new file; without it the old one, the new one or an empty one. ``private``:
    only its owner may read it, from its first byte on; else it has the mode of the file before it, and a first one that of any new file.
    Raises OSError: the old file stands as it was, unless all that failed was to sync the folder behind the new one. On Windows it is an
    error that another program has the file open, and after a power cut a durable file may still be the old one: no folder is synced there.
    """
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}.new")
    try:
        _write(fresh, data, 0o600 if private else _mode(file), durable)
        os.replace(fresh, file)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(file.parent)


def _mode(file: Path) -> int | None:
    """Who may read and write the file; None where it is not there."""
    try:
        return stat.S_IMODE(file.stat().st_mode)
    except FileNotFoundError:
        return None


def _write(fresh: Path, data: bytes, mode: int | None, durable: bool) -> None:
    made = partial(os.open, mode=0o666 if mode is None else 0o600)
    with open(fresh, "xb", opener=made) as out:
        if mode is not None:
            fresh.chmod(mode)  # the umask has no say in what a person set
        out.write(data)
        if durable:
            out.flush()
            os.fsync(out.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SUCH_SYNC:
            raise
    finally:
        os.close(descriptor)
