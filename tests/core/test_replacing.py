"""A file that is written anew is the old one or the new one, whatever happens on the way."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lis_bridge.core.replacing import replace_file
from tests.disk import POSIX, folder_synced, no_file_above

OLD, NEW = b"old", b"new " * 100
BOTH = pytest.mark.parametrize("durable", [False, True], ids=["plain", "durable"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "file.json"


@pytest.fixture
def old(file: Path) -> Path:
    file.parent.mkdir()
    file.write_bytes(OLD)
    return file


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@BOTH
def test_the_new_bytes_take_the_place_of_the_old(durable: bool, old: Path) -> None:
    replace_file(old, NEW, durable=durable)
    assert contents(old.parent) == {"file.json": NEW}


@BOTH
def test_a_file_that_was_not_there_is_made(durable: bool, file: Path) -> None:
    file.parent.mkdir()
    replace_file(file, NEW, durable=durable)
    assert contents(file.parent) == {"file.json": NEW}


@BOTH
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(durable: bool, old: Path) -> None:
    with no_file_above(len(NEW) // 2), pytest.raises(OSError, match="too large"):
        replace_file(old, NEW, durable=durable)
    assert contents(old.parent) == {"file.json": OLD}


def test_a_failure_while_writing_a_first_file_leaves_nothing(file: Path) -> None:
    file.parent.mkdir()
    with no_file_above(len(NEW) // 2), pytest.raises(OSError, match="too large"):
        replace_file(file, NEW, durable=False)
    assert contents(file.parent) == {}


def test_what_may_not_take_the_place_leaves_it_as_it_was(old: Path) -> None:
    (old.parent / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        replace_file(old.parent / "taken", NEW, durable=False)
    assert sorted(one.name for one in old.parent.iterdir()) == ["file.json", "taken"]


def test_a_folder_that_is_not_there_is_an_error(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace_file(file, NEW, durable=True)


@POSIX
@pytest.mark.parametrize("before", [0o600, 0o640, 0o644, 0o664])
def test_a_file_keeps_its_mode_whatever_new_files_get(before: int, old: Path) -> None:
    old.chmod(before)
    replace_file(old, NEW, durable=False)
    assert mode(old) == before


@POSIX
def test_a_first_file_has_the_mode_of_any_new_file(file: Path) -> None:
    file.parent.mkdir()
    replace_file(file, NEW, durable=False)
    assert mode(file) == 0o640


@POSIX
@pytest.mark.parametrize("before", [None, 0o600, 0o666])
def test_a_private_file_is_never_anothers_to_read(before: int | None, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.mkdir()
    if before is not None:
        file.write_bytes(OLD)
        file.chmod(before)
    os.umask(0)
    written: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: written.append(stat.S_IMODE(os.fstat(descriptor).st_mode)))
    replace_file(file, NEW, durable=True, private=True)
    assert (written[0], mode(file)) == (0o600, 0o600)


@POSIX
def test_a_durable_file_is_on_the_disk_before_it_takes_the_place_and_its_name_after(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = folder_synced(old.parent, monkeypatch)
    seen: list[tuple[int, bytes]] = []
    noted = os.fsync

    def look(descriptor: int) -> None:
        noted(descriptor)
        seen.append((os.fstat(descriptor).st_size, old.read_bytes()))

    monkeypatch.setattr(os, "fsync", look)
    replace_file(old, NEW, durable=True)
    assert synced == [False, True]
    assert seen[0] == (len(NEW), OLD)
    assert seen[1][1] == NEW


def test_a_file_that_need_not_be_durable_waits_for_no_disk(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = folder_synced(old.parent, monkeypatch)
    replace_file(old, NEW, durable=False)
    assert synced == []


@POSIX
@pytest.mark.parametrize(("number", "refused"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)])
def test_a_file_system_that_syncs_no_folders_is_no_failure_and_a_broken_disk_is(
    number: int, refused: bool, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", sync)
    if refused:
        with pytest.raises(OSError, match=os.strerror(number)):
            replace_file(old, NEW, durable=True)
    else:
        replace_file(old, NEW, durable=True)
    assert contents(old.parent) == {"file.json": NEW}


@POSIX
def test_whoever_reads_while_many_write_sees_one_of_them_whole(old: Path) -> None:
    said = [bytes([number]) * 50_000 for number in range(8)]
    with ThreadPoolExecutor(len(said)) as threads:
        writing = [threads.submit(lambda one: [replace_file(old, one, durable=False) for _ in range(50)], one) for one in said]
        while not all(one.done() for one in writing):
            assert old.read_bytes() in (OLD, *said)
        for one in writing:
            one.result()
    assert contents(old.parent)["file.json"] in said
    assert len(contents(old.parent)) == 1
