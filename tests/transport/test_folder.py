from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lis_bridge.transport import Channel, open_link
from lis_bridge.transport import folder as rooms
from lis_bridge.transport.errors import FolderGoneError


@pytest.fixture
def results(tmp_path: Path) -> Path:
    made = tmp_path / "results"
    made.mkdir()
    return made


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return tmp_path / "state" / "folder.seen"


def watched(folder: Path, more: str = "", seen: Path | None = None, settle: float = 0.05) -> AsyncIterator[Channel]:
    return aiter(open_link(f"folder://{folder}?settle={settle}&{more}", seen=seen).connections())


async def content(channel: Channel) -> bytes:
    got = b""
    while data := await channel.read():
        got += data
    return got


async def take(connections: AsyncIterator[Channel]) -> tuple[str, bytes]:
    """The next file, kept."""
    channel = await anext(connections)
    got = await content(channel)
    await channel.committed()
    channel.close()
    return channel.peer, got


async def nothing_more(connections: AsyncIterator[Channel]) -> bool:
    try:
        async with asyncio.timeout(0.4):
            await anext(connections)
    except TimeoutError:
        return True
    return False


async def test_a_file_is_one_conversation_in_chunks(results: Path) -> None:
    data = os.urandom(200_000)
    (results / "a.cdf").write_bytes(data)
    assert await take(watched(results)) == ("a.cdf", data)


async def test_only_matching_files_count_whatever_the_case(results: Path) -> None:
    (results / "A.CDF").write_bytes(b"1")
    (results / "a.tmp").write_bytes(b"2")
    (results / "sub.cdf").mkdir()
    connections = watched(results, "pattern=*.cdf")
    assert await take(connections) == ("A.CDF", b"1")
    assert await nothing_more(connections)


async def test_a_file_that_grows_waits_until_it_rests(results: Path) -> None:
    connections = watched(results, settle=0.3)
    reading = asyncio.create_task(take(connections))
    with (results / "slow.txt").open("ab", buffering=0) as file:
        for number in range(8):
            file.write(b"%d" % number)
            await asyncio.sleep(0.1)
            assert not reading.done()
    assert await reading == ("slow.txt", b"01234567")


async def test_a_file_that_appears_by_rename_is_read_whole(results: Path, tmp_path: Path) -> None:
    connections = watched(results, "pattern=*.txt")
    (results / "x.tmp").write_bytes(b"half")
    reading = asyncio.create_task(take(connections))
    await asyncio.sleep(0.2)
    (results / "x.tmp").write_bytes(b"half and half")
    (results / "x.tmp").rename(results / "x.txt")
    assert await reading == ("x.txt", b"half and half")


async def test_an_empty_file_is_not_yet_a_result(results: Path) -> None:
    (results / "a").touch()
    connections = watched(results)
    reading = asyncio.create_task(take(connections))
    await asyncio.sleep(0.2)
    assert not reading.done()
    (results / "a").write_bytes(b"now")
    assert await reading == ("a", b"now")


async def test_files_are_read_oldest_first(results: Path) -> None:
    for age, name in enumerate(("new", "mid", "old")):
        (results / name).write_bytes(name.encode())
        os.utime(results / name, (1_700_000_000 - age * 60,) * 2)
    connections = watched(results)
    assert [(await take(connections))[0] for _ in range(3)] == ["old", "mid", "new"]


async def test_a_file_that_was_read_is_not_read_again_even_after_a_restart(results: Path, seen: Path) -> None:
    (results / "a").write_bytes(b"1")
    connections = watched(results, seen=seen)
    await take(connections)
    assert await nothing_more(connections)
    (results / "b").write_bytes(b"2")
    later = watched(results, seen=seen)
    assert await take(later) == ("b", b"2")
    assert await nothing_more(later)


async def test_a_touched_file_is_not_new_and_a_changed_one_is(results: Path, seen: Path) -> None:
    (results / "a").write_bytes(b"1")
    connections = watched(results, seen=seen)
    await take(connections)
    os.utime(results / "a", (1_700_000_000,) * 2)
    assert await nothing_more(connections)
    (results / "a").write_bytes(b"1 and more")
    assert await take(watched(results, seen=seen)) == ("a", b"1 and more")


async def test_a_file_that_was_not_committed_comes_again(results: Path) -> None:
    (results / "a").write_bytes(b"1")
    connections = watched(results, "done=filed")
    refused = await anext(connections)
    assert await content(refused) == b"1"
    refused.close()
    assert await take(connections) == ("a", b"1")


async def test_a_committed_file_is_moved_and_never_over_another(results: Path) -> None:
    connections = watched(results, "done=filed")
    for words in (b"monday", b"tuesday"):
        (results / "result.txt").write_bytes(words)
        assert (await take(connections))[1] == words
    assert (results / "filed" / "result.txt").read_bytes() == b"monday"
    assert (results / "filed" / "result.txt.1").read_bytes() == b"tuesday"
    assert [path.name for path in results.iterdir()] == ["filed"]


async def test_a_file_written_again_like_the_one_that_was_moved_away_is_another(results: Path, seen: Path) -> None:
    for _ in range(2):  # also after a restart
        connections = watched(results, "done=filed", seen)
        for _ in range(2):
            (results / "result.txt").write_bytes(b"No 1, 12 mm")
            async with asyncio.timeout(10):
                assert await take(connections) == ("result.txt", b"No 1, 12 mm")
    assert len(list((results / "filed").iterdir())) == 4


async def test_a_file_that_changed_after_it_was_read_stays_and_is_read_anew(results: Path) -> None:
    (results / "a").write_bytes(b"1")
    connections = watched(results, "done=filed")
    channel = await anext(connections)
    assert await content(channel) == b"1"
    (results / "a").write_bytes(b"1, 2")
    await channel.committed()
    channel.close()
    assert await take(connections) == ("a", b"1, 2")
    assert (results / "filed" / "a").read_bytes() == b"1, 2"


@pytest.mark.parametrize("charset", ["gb18030", "utf-8"])
async def test_chinese_names_are_bytes_in_either_charset(results: Path, seen: Path, charset: str) -> None:
    name = "标本结果 01.txt".encode(charset)
    with open(os.path.join(os.fsencode(results), name), "wb") as file:
        file.write(b"1")
    connections = watched(results, "pattern=标本*&done=filed", seen=seen)
    assert await take(connections) == ("标本结果 01.txt", b"1")
    assert os.listdir(os.fsencode(results / "filed")) == [name]


async def test_a_folder_that_goes_is_a_lost_link_and_comes_back_with_its_memory(
    results: Path, tmp_path: Path, seen: Path
) -> None:
    (results / "a").write_bytes(b"1")
    link = open_link(f"folder://{results}?settle=0.05", seen=seen)
    connections = aiter(link.connections())
    await take(connections)
    shutil.move(results, tmp_path / "unmounted")
    with pytest.raises(FolderGoneError) as caught:
        await anext(connections)
    assert caught.value.where == str(results)
    assert "mounted" in caught.value.hint
    shutil.move(tmp_path / "unmounted", results)
    (results / "b").write_bytes(b"2")
    again = aiter(link.connections())
    assert await take(again) == ("b", b"2")
    assert await nothing_more(again)


async def test_a_file_far_too_large_is_left_and_the_others_go_on(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "LARGEST", 10)
    (results / "a").write_bytes(b"far too large")
    (results / "b").write_bytes(b"small")
    os.utime(results / "a", (1_700_000_000,) * 2)
    connections = watched(results, "done=filed")
    assert await take(connections) == ("b", b"small")
    assert await nothing_more(connections)
    assert (results / "a").exists()


async def test_a_done_folder_that_cannot_be_made_stops_nothing(results: Path) -> None:
    (results / "filed").write_bytes(b"in the way")
    (results / "a.txt").write_bytes(b"1")
    connections = watched(results, "pattern=*.txt&done=filed")
    assert await take(connections) == ("a.txt", b"1")
    assert await nothing_more(connections)


async def test_of_a_file_that_is_added_to_only_the_new_lines_are_read_also_after_a_restart(results: Path, seen: Path) -> None:
    file = results / "export.txt"
    file.write_bytes(b"1/a/\r\n1/b")
    assert await take(watched(results, "appended=on", seen)) == ("export.txt", b"1/a/\r\n1/b")
    file.write_bytes(b"1/a/\r\n1/bc/\r\n2/a/\r\n")
    connections = watched(results, "appended=on", seen)
    assert await take(connections) == ("export.txt", b"1/bc/\r\n2/a/\r\n")
    assert await nothing_more(connections)


async def test_a_file_that_was_written_anew_is_read_whole_though_others_are_added_to(results: Path, seen: Path) -> None:
    file = results / "export.txt"
    file.write_bytes(b"1/a/\n1/b/\n")
    connections = watched(results, "appended=on", seen)
    await take(connections)
    file.write_bytes(b"2/a/\n2/b/\n2/c/\n")
    assert await take(connections) == ("export.txt", b"2/a/\n2/b/\n2/c/\n")
    file.write_bytes(b"2/a/\n")
    assert await take(connections) == ("export.txt", b"2/a/\n")


async def test_lines_that_were_not_committed_come_again_with_those_added_since(results: Path, seen: Path) -> None:
    file = results / "export.txt"
    file.write_bytes(b"1/a/\n")
    connections = watched(results, "appended=on", seen)
    channel = await anext(connections)
    channel.close()
    file.write_bytes(b"1/a/\n1/b/\n")
    assert await take(connections) == ("export.txt", b"1/a/\n1/b/\n")
