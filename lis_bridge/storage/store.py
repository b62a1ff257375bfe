"""The store: one database, its schema brought up to date, and its two kinds of transaction.

A service opens it exclusively; commands read and write beside it, in short transactions of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from lis_bridge.core.faults import StorageError
from lis_bridge.storage import migrations, postgres, sqlite
from lis_bridge.storage.lock import Claim
from lis_bridge.storage.refusals import refusals

_ENGINES = {"sqlite": sqlite.engine, "postgresql+psycopg": postgres.engine}


class Store:
    """An open database; ``where`` names it in errors (a path, or a server's URL without its password)."""

    def __init__(self, engine: Engine, where: str, claim: Claim | None) -> None:
        self.where = where
        self._claim = claim
        self._engine = engine
        self._readers = engine.execution_options(reading=True)

    @classmethod
    def open(cls, url: str, *, exclusive: bool = False) -> Store:
        """Open, check and migrate the database of ``sqlite:///path`` or ``postgresql+psycopg://…``.

        ``exclusive`` is for the service: a second one on the same SQLite file is refused. Raises StorageError.
        """
        parsed = _parse(url)
        where = parsed.database or "" if _is_file(parsed) else parsed.render_as_string(hide_password=True)
        engine = _ENGINES[parsed.drivername](parsed)
        claim: Claim | None = None
        try:
            with refusals(where):
                claim = Claim(sqlite.file_of(parsed)) if exclusive and _is_file(parsed) else None
                store = cls(engine, where, claim)
                store._bring_up_to_date(parsed)
        except BaseException:
            engine.dispose()
            if claim:
                claim.release()
            raise
        return store

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent snapshot that cannot write; it never waits for the writer. Keep it short: the log grows meanwhile."""
        with refusals(self.where), self._readers.begin() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its start, on the disk when the block ends; an exception undoes it.

        Raises StorageError where the disk refuses or another process keeps the lock for ten seconds.
        """
        with refusals(self.where), self._engine.begin() as tx:
            yield tx

    def writing_connection(self) -> Connection:
        """A connection whose transactions are those of ``write``, for a thread that keeps it."""
        with refusals(self.where):
            return self._engine.connect()

    def close(self) -> None:
        """Give back connections and claim; the database may be opened again."""
        self._engine.dispose()
        if self._claim:
            self._claim.release()
            self._claim = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _bring_up_to_date(self, url: URL) -> None:
        with self.read() as tx:
            current = migrations.revision(tx)
        if current == migrations.HEAD:
            self._check_writable()
            return
        # A command must not change the tables under a service that runs.
        guard = Claim(Path(self.where)) if _is_file(url) and self._claim is None else None
        try:
            with self.write() as tx:
                migrations.upgrade(tx, self.where)
        finally:
            if guard:
                guard.release()

    def _check_writable(self) -> None:
        with self.write():
            pass


def _parse(url: str) -> URL:
    hint = "write sqlite:///data/bridge.db or postgresql+psycopg://user@host/name"
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StorageError("the storage URL cannot be read", where="[storage] url", hint=hint) from error
    if parsed.drivername not in _ENGINES:
        raise StorageError(f"no storage of the kind {parsed.drivername!r}", where="[storage] url", hint=hint)
    return parsed


def _is_file(url: URL) -> bool:
    return url.drivername == "sqlite"
