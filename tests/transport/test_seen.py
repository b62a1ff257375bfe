from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.transport import seen as rooms
from lis_bridge.transport.seen import Mark, Seen
from tests.disk import POSIX, folder_synced, no_file_above

DIGEST = "0" * 64


@settings(max_examples=60, deadline=None)
@given(names=st.lists(st.binary(min_size=1, max_size=20), max_size=8, unique=True), cut=st.integers(0, 700))
def test_a_line_torn_by_a_crash_forgets_that_file_only(
    tmp_path_factory: pytest.TempPathFactory, names: list[bytes], cut: int
) -> None:
    file = tmp_path_factory.mktemp("seen") / "folder.seen"
    memory = Seen(file)
    sizes = []
    for number, name in enumerate(names):
        memory.add(name, Mark(number, 2), DIGEST)
        sizes.append(file.stat().st_size)
    if names:
        with file.open("r+b") as out:
            out.truncate(min(cut, sizes[-1]))
    torn = Seen(file)
    whole = {
        name: number for number, (name, size) in enumerate(zip(names, sizes, strict=True)) if size - 1 <= cut
    }  # its newline is no part of a line
    for name in names:
        assert torn.unchanged(name, Mark(whole.get(name, -1), 2)) is (name in whole)
    torn.add(b"next", Mark(7, 7), DIGEST)
    assert Seen(file).unchanged(b"next", Mark(7, 7))


def test_what_left_a_full_folder_is_forgotten_and_what_is_there_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "LIMIT", 10)
    memory = Seen(tmp_path / "folder.seen")
    for number in range(12):
        memory.add(b"%d" % number, Mark(number, 0), DIGEST)
    memory.tidy([])  # a share that is not mounted looks like this
    assert memory.unchanged(b"0", Mark(0, 0))
    memory.tidy([b"11"])
    for known in (memory, Seen(tmp_path / "folder.seen")):
        assert known.unchanged(b"11", Mark(11, 0))
        assert not known.unchanged(b"0", Mark(0, 0))


@POSIX
def test_a_memory_is_on_the_disk_with_its_name_before_a_file_counts_as_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file whose name a power cut takes back has forgotten all that was added to it since."""
    monkeypatch.setattr(rooms, "LIMIT", 1)
    synced = folder_synced(tmp_path, monkeypatch)
    memory = Seen(tmp_path / "folder.seen")
    memory.add(b"1", Mark(1, 0), DIGEST)
    assert synced == [False, True]
    memory.add(b"2", Mark(2, 0), DIGEST)
    assert synced == [False, True, False]
    memory.tidy([b"2"])
    assert synced == [False, True, False, False, True]


def test_a_full_disk_forgets_nothing_that_is_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "LIMIT", 10)
    memory = Seen(tmp_path / "folder.seen")
    for number in range(12):
        memory.add(b"%d" % number, Mark(number, 0), DIGEST)
    with no_file_above(100), pytest.raises(OSError, match="too large"):
        memory.tidy([b"10", b"11"])
    for known in (memory, Seen(tmp_path / "folder.seen")):
        assert known.unchanged(b"11", Mark(11, 0))
    assert [file.name for file in tmp_path.iterdir()] == ["folder.seen"]
