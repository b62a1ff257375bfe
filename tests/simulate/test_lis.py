"""The simulated LIS answers as a LIS does, and is away when told to."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hl7.mllp import HL7StreamReader, HL7StreamWriter, open_hl7_connection

from lis_bridge.core.faults import LinkError, UsageError
from lis_bridge.simulate.lis import Lis, charset_of


def oru(control_id: str, charset: str = "UNICODE UTF-8") -> str:
    header = f"MSH|^~\\&|lis-bridge||LIS||20260317094542||ORU^R01^ORU_R01|{control_id}|P|2.5.1||||||{charset}"
    return f"{header}\rOBR|1||20260001||\rOBX|1|NM|GLU^葡萄糖^L||5.2|mmol/L|||||F\r"


async def tell(lis: Lis, control_id: str, patience: float = 20) -> str:
    """Sends one message on a connection of its own and returns MSA-1 of the answer; empty when the LIS hangs up or says nothing."""
    host, port = lis.address.split(":")
    reader, writer = await open_hl7_connection(host, int(port), encoding="utf-8")
    return await told(reader, writer, oru(control_id).encode(), patience)


async def told(reader: HL7StreamReader, writer: HL7StreamWriter, message: bytes, patience: float = 20) -> str:
    writer.writeblock(message)
    try:
        answer = await asyncio.wait_for(reader.readmessage(), patience)
    except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
        return ""
    finally:
        writer.close()
    assert str(answer.segment("MSA")(2)) == message.split(b"|")[9].decode()
    return str(answer.segment("MSA")(1))


async def test_a_message_is_recorded_and_accepted_with_its_own_control_id() -> None:
    async with Lis() as lis:
        assert await tell(lis, "x-0000000001") == "AA"
    assert [(one.control_id, one.verdict) for one in lis.received] == [("x-0000000001", "AA")]
    assert "葡萄糖" in lis.received[0].text


async def test_verdicts_come_in_the_order_in_which_they_are_asked_for() -> None:
    answers = ["AE", "AR", "", "AA"]
    async with Lis(verdicts=lambda number: answers[number]) as lis:
        assert [await tell(lis, f"x-{number}", 20 if answer else 0.5) for number, answer in enumerate(answers)] == answers


async def test_a_lis_that_is_away_refuses_connections_and_is_back_on_the_same_port() -> None:
    async with Lis() as lis:
        before = lis.address
        assert await tell(lis, "x-1") == "AA"
        pause = asyncio.create_task(lis.away(0.3))
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            await tell(lis, "x-2")
        await pause
        assert lis.address == before
        assert await tell(lis, "x-3") == "AA"


async def test_going_away_drops_a_connection_in_mid_message() -> None:
    async with Lis() as lis:
        host, port = lis.address.split(":")
        reader, writer = await open_hl7_connection(host, int(port), encoding="utf-8")
        writer.write(b"\x0bMSH|^~\\&|half")
        await writer.drain()
        await asyncio.sleep(0.05)
        await lis.close()
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
    assert not lis.received


async def test_bytes_that_are_no_mllp_end_the_connection_only() -> None:
    async with Lis() as lis:
        host, port = lis.address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\x1c\r")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert await tell(lis, "x-1") == "AA"


async def test_a_message_of_many_results_is_read_whole() -> None:
    async with Lis() as lis:
        host, port = lis.address.split(":")
        reader, writer = await open_hl7_connection(host, int(port), encoding="utf-8")
        assert await told(reader, writer, oru("x-1").encode() + b"NTE|1||0123456789\r" * 10_000) == "AA"


async def test_gb18030_is_read_by_what_the_header_says() -> None:
    raw = oru("x-1", "GB 18030-2000").encode("gb18030")
    assert charset_of(raw) == "gb18030"
    async with Lis() as lis:
        host, port = lis.address.split(":")
        reader, writer = await open_hl7_connection(host, int(port), encoding="utf-8")
        assert await told(reader, writer, raw) == "AA"
    assert "葡萄糖" in lis.received[0].text


async def test_a_port_in_use_says_which() -> None:
    async with Lis() as lis:
        with pytest.raises(LinkError, match=lis.address):
            await Lis(lis.address).open()


def test_an_address_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="port"):
        Lis("127.0.0.1:hl7")
