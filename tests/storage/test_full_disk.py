"""A disk that takes no more: told to everyone who waits, with the remedy; nothing acknowledged is lost; it heals by itself."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select
from structlog.testing import capture_logs

from lis_bridge.core.faults import StorageError
from lis_bridge.storage import Store, Writer
from lis_bridge.storage.schema.database import instance
from tests.disk import no_file_above

BLOCK = "x" * 40_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = (
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, check=False)
        if (shutil.which("mount"))
        else None
    )
    if mounted is None or mounted.returncode:
        pytest.skip("this account may not mount a disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def put(name: str) -> Callable[[Connection], str]:
    def work(tx: Connection) -> str:
        tx.execute(insert(instance).values(name=name, value=BLOCK))
        return name

    return work


def names(store: Store) -> set[str]:
    with store.read() as tx:
        return set(tx.execute(select(instance.c.name)).scalars())


def write_until_refused(writer: Writer) -> tuple[set[str], StorageError]:
    acknowledged: set[str] = set()
    for n in range(1000):
        future = writer.submit(put(f"before {n}"))
        error = future.exception()
        if error is not None:
            assert isinstance(error, StorageError)
            return acknowledged, error
        acknowledged.add(future.result())
    raise AssertionError("the disk never became full")


def test_a_full_disk_is_named_and_nothing_acknowledged_is_lost(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk}/bridge.db"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_000_000))
    with Store.open(url, exclusive=True) as store, Writer(store) as writer, capture_logs() as logs:
        acknowledged, error = write_until_refused(writer)
        assert (error.what, error.where) == ("the disk is full", str(small_disk / "bridge.db"))
        assert "free space" in error.hint
        assert isinstance(writer.submit(put("still full")).exception(), StorageError)
        assert names(store) == acknowledged
        ballast.unlink()
        writer.submit(put("after")).result()
        assert names(store) == acknowledged | {"after"}
    assert [log["event"] for log in logs] == ["storage_refused", "storage_back"]
    with Store.open(url) as again:
        assert names(again) == acknowledged | {"after"}


def test_a_full_disk_fails_all_that_would_have_been_committed_together(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_000_000))
    with Store.open(f"sqlite:///{small_disk}/bridge.db") as store, Writer(store) as writer:
        acknowledged, _ = write_until_refused(writer)
        futures = [writer.submit(put(f"group {n}")) for n in range(100)]
        stored = {future.result() for future in futures if future.exception() is None}
        refused = [future.exception() for future in futures if future.exception() is not None]
        assert refused
        assert all(isinstance(error, StorageError) and error.hint for error in refused)
        assert names(store) == acknowledged | stored
        ballast.unlink()
        assert writer.submit(put("after")).result() == "after"


def test_a_disk_that_fails_in_the_middle_of_a_commit_heals(store: Store, writer: Writer) -> None:
    """A limit on the size of files stands for a quota: the write of the log breaks off half-way."""
    with no_file_above(300_000):
        acknowledged, error = write_until_refused(writer)
        assert error.what == "the disk failed"
        assert "quota" in error.hint
        assert names(store) == acknowledged
    writer.submit(put("after")).result()
    assert names(store) == acknowledged | {"after"}


def test_a_transaction_of_ones_own_meets_the_same_error(store: Store) -> None:
    def fill() -> None:
        with store.write() as tx:
            for n in range(10):
                put(f"n{n}")(tx)

    with no_file_above(100_000), pytest.raises(StorageError, match="the disk failed"):
        fill()
    assert names(store) == set()
