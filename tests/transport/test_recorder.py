from __future__ import annotations

from lis_bridge.core.clock import SystemClock
from lis_bridge.transport import Heard, Recorder, open_link
from lis_bridge.transport.memory import dial


async def test_a_recording_holds_every_chunk_of_both_sides_in_order() -> None:
    link = open_link("memory://recorded")
    await link.open()
    analyzer = dial("recorded", peer="x1")
    heard: list[Heard] = []
    channel = Recorder(await anext(aiter(link.connections())), heard.append, SystemClock())
    await analyzer.write(b"\x05")
    assert await channel.read() == b"\x05"
    await channel.write(b"\x06")
    assert await analyzer.read() == b"\x06"
    analyzer.close()
    assert await channel.read() == b""
    assert channel.peer == "x1"
    assert [(chunk.by, chunk.data) for chunk in heard] == [("analyzer", b"\x05"), ("bridge", b"\x06")]
    assert heard[0].at <= heard[1].at
    assert heard[0].at.tzinfo is not None
    channel.close()
    await link.close()
