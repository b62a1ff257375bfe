"""What the disk or the database refuses, as a StorageError with its remedy.

Only failures that a person can remedy are translated; a broken constraint or a mistyped statement stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from lis_bridge.core.faults import StorageError

# SQLite's primary result codes (sqlite.org/rescode.html); the low byte of an extended code.
_SQLITE: dict[int, tuple[str, str]] = {
    3: ("access is refused", "let the bridge's account read and write the database and its folder"),
    5: ("another program holds the database", "close what keeps it locked, such as a database browser, then try again"),
    6: ("another connection holds the table", "try again; if it stays, restart the bridge"),
    8: ("the database cannot be written", "let the bridge's account write the file and its folder; mount the disk read-write"),
    10: ("the disk failed", "check the disk, its quota and the system's log; what was not acknowledged will be sent again"),
    11: ("the database is damaged", "keep the file and restore a backup beside it; check the disk"),
    13: ("the disk is full", "free space on this disk; the bridge goes on by itself"),
    14: ("the database cannot be opened", "check that its folder exists and that the bridge's account may write there"),
    26: ("the file is no database", "name another file in [storage] url; this one was not touched"),
}

# PostgreSQL's SQLSTATE classes (appendix A of its manual).
_POSTGRES: dict[str, tuple[str, str]] = {
    "08": ("the database server is out of reach", "check that PostgreSQL runs and that [storage] url is right"),
    "25": ("the database cannot be written", "point [storage] url at the primary server"),
    "28": ("the database server refuses the login", "check user and password in [storage] url"),
    "3D": ("the database does not exist", "create it on the server, encoding UTF8"),
    "53": ("the database server is short of disk, memory or connections", "free them; the bridge goes on by itself"),
    "55": ("another program holds the database", "end the session that keeps it locked, then try again"),
    "57": ("the database server is stopping or starting", "wait for it; the bridge goes on by itself"),
    "58": ("the database server's disk failed", "check the server's disk and log"),
    "XX": ("the database is damaged", "check the server's disk and log; restore a backup"),
}


def refusal(error: BaseException, where: str) -> StorageError | None:
    """The StorageError that an SQLAlchemy or driver error stands for, or None when it is no failure of disk or database."""
    if isinstance(error, StorageError):
        return error
    cause = error.orig if isinstance(error, DBAPIError) else error
    words = _sqlite(cause) or _postgres(cause)
    return StorageError(words[0], where=where, hint=words[1]) if words else None


@contextmanager
def refusals(where: str) -> Iterator[None]:
    """Turn what the disk or the database refuses inside the block into StorageError."""
    try:
        yield
    except Exception as error:
        refused = refusal(error, where)
        if refused is None or refused is error:
            raise
        raise refused from error


def _sqlite(cause: BaseException | None) -> tuple[str, str] | None:
    code = getattr(cause, "sqlite_errorcode", None)
    return None if code is None else _SQLITE.get(code & 0xFF)


def _postgres(cause: BaseException | None) -> tuple[str, str] | None:
    if not type(cause).__module__.startswith("psycopg"):
        return None
    state = getattr(cause, "sqlstate", None)
    if state is None:  # psycopg met no server that could have given a state
        return _POSTGRES["08"] if type(cause).__name__ == "OperationalError" else None
    return _POSTGRES.get(state[:2])
