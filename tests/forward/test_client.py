from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lis_bridge.core.faults import LinkError
from lis_bridge.forward.ack import Verdict
from lis_bridge.forward.client import ANSWER_BYTES, LisClient, tls_context
from lis_bridge.settings import Tls

from .samples import CONTROL_ID, built, destination, report
from .servers import NOT_A_WORD, Answer, ack, block, lis, python_hl7_lis

MESSAGE = built(report())


def client(link: str, **values: object) -> LisClient:
    return LisClient(destination(link=link, **{"timeout_seconds": 0.3, **values}))


async def verdict_on(answer: Answer, **values: object) -> tuple[Verdict, bool]:
    """What one message gets, and whether the connection is used any further."""
    async with lis(answer) as server:
        one = client(server.link, **values)
        verdict = await one.deliver(MESSAGE, CONTROL_ID)
        connected = one.connected
        one.close()
    return verdict, connected


async def test_python_hl7_s_server_takes_the_message_and_its_answer_is_understood() -> None:
    async with python_hl7_lis() as server:
        one = client(server.link)
        assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AA"
        assert one.connected
        one.close()
    assert server.ids == [CONTROL_ID]
    assert server.messages[0].rstrip(b"\r") == MESSAGE.rstrip(b"\r")


@pytest.mark.parametrize("charset", ["UTF-8", "GB18030"])
async def test_python_hl7_s_server_reads_both_character_sets(charset: str) -> None:
    async with python_hl7_lis(charset) as server:
        one = client(server.link, charset=charset)
        raw = built(report("GLU", "阴性", number=None), charset=charset)
        assert (await one.deliver(raw, CONTROL_ID)).code == "AA"
        one.close()
    assert "阴性" in server.messages[0].decode()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda id, n: NOT_A_WORD, "timeout"),
        (lambda id, n: None, "closed"),
        (lambda id, n: ack(id)[:20], "timeout"),
        (lambda id, n: ack("0A1B2C3D-0000000041"), "malformed"),
        (lambda id, n: ack(""), "malformed"),
        (lambda id, n: b"garbage\x1c\r", "malformed"),
        (lambda id, n: block("garbage"), "malformed"),
        (lambda id, n: block(""), "malformed"),
        (lambda id, n: b"\x06", "timeout"),
        (lambda id, n: b"\x0b" + b"x" * (ANSWER_BYTES + 1), "malformed"),
    ],
    ids=["silence", "closed", "half", "another-id", "no-id", "no-block", "garbage", "empty", "bare-ack", "endless"],
)
async def test_what_is_no_answer_is_not_delivered_and_ends_the_connection(answer: Answer, code: str) -> None:
    verdict, connected = await verdict_on(answer)
    assert (verdict.code, verdict.answered, connected) == (code, False, False)


async def test_half_an_answer_and_then_the_end_is_not_delivered() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        writer.write(ack(CONTROL_ID)[:-3])
        writer.close()

    server = await asyncio.start_server(half, "127.0.0.1", 0)
    one = client(f"mllp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "closed"
    server.close()


@pytest.mark.parametrize("mode", ["strict", "no-id", "none"])
async def test_silence_is_not_delivered_in_any_mode(mode: str) -> None:
    assert (await verdict_on(lambda id, n: NOT_A_WORD, ack=mode))[0].code == "timeout"
    assert (await verdict_on(lambda id, n: b"\x0b" + b"x" * (ANSWER_BYTES + 1), ack=mode))[0].code == "malformed"


@pytest.mark.parametrize(
    "spell",
    [
        lambda raw: raw.removesuffix(b"\r"),  # the block's CR is missing
        lambda raw: b"\r\n" + raw,
        lambda raw: b"\x0bhalf of something\x0b" + raw[1:],
    ],
    ids=["no-cr", "blank-before", "began-twice"],
)
async def test_a_sloppy_block_is_read(spell: Callable[[bytes], bytes]) -> None:
    assert (await verdict_on(lambda id, n: spell(ack(id)))) == (Verdict("AA"), True)


async def test_an_answer_in_single_bytes_is_read() -> None:
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        for byte in ack(CONTROL_ID):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)

    server = await asyncio.start_server(slowly, "127.0.0.1", 0)
    one = client(f"mllp://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_seconds=5)
    assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AA"
    one.close()
    server.close()


async def test_an_answer_said_twice_is_not_taken_for_the_next_message_s() -> None:
    async with lis(lambda id, n: ack(id) + ack(id) if n == 1 else ack(id, "AE")) as server:
        one = client(server.link)
        assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AA"
        await asyncio.sleep(0.05)
        assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AE"
        assert server.connections == 1
        one.close()


async def test_a_lis_that_talks_unasked_fills_no_memory() -> None:
    async with lis(lambda id, n: ack(id) + b"x" * 3_000_000) as server:
        one = client(server.link, timeout_seconds=5)
        assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AA"
        await asyncio.sleep(0.3)
        assert one._ear is not None
        assert len(one._ear.heard) <= ANSWER_BYTES
        assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AA"
        one.close()


async def test_two_messages_are_never_outstanding_on_one_connection() -> None:
    outstanding: list[int] = []
    connections = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        seen = answered = 0
        while data := await reader.read(1 << 20):
            seen += data.count(b"\x0b")
            outstanding.append(seen - answered)
            await asyncio.sleep(0.002)  # room for a second message to arrive
            writer.write(ack(CONTROL_ID) * data.count(b"\x1c"))
            answered += data.count(b"\x1c")
        writer.close()

    server = await asyncio.start_server(count, "127.0.0.1", 0, limit=1 << 20)
    one = client(f"mllp://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_seconds=5)
    verdicts = await asyncio.gather(*(one.deliver(MESSAGE, CONTROL_ID) for _ in range(20)))
    assert {verdict.code for verdict in verdicts} == {"AA"}
    assert (set(outstanding), connections) == ({1}, 1)
    one.close()
    server.close()


async def test_a_connection_that_ended_while_idle_is_opened_again() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        writer.write(ack(CONTROL_ID))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    one = client(f"mllp://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_seconds=5)
    assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AA"
    while one.connected:
        await asyncio.sleep(0.01)
    assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AA"
    one.close()
    server.close()


async def test_an_absent_lis_is_a_link_error_with_place_and_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets the port
        one = client(f"mllp://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(LinkError, match=r"destination lis .*cannot be reached.*firewall"):
            await one.deliver(MESSAGE, CONTROL_ID)


async def test_a_cancelled_delivery_leaves_no_connection_out_of_step() -> None:
    async with lis(lambda id, n: NOT_A_WORD if n == 1 else ack(id)) as server:
        one = client(server.link, timeout_seconds=30)
        task = asyncio.create_task(one.deliver(MESSAGE, CONTROL_ID))
        while not server.ids:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        assert not one.connected
        assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AA"
        one.close()


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of our own, a server's certificate for 127.0.0.1 and a client's, made by openssl."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(*new, "-x509", "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return folder


def serving(certificates: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    return context


def secured(port: int, timeout_seconds: float = 5.0, **tls: object) -> LisClient:
    return client(f"mllps://127.0.0.1:{port}", tls=tls or None, timeout_seconds=timeout_seconds)


async def test_both_sides_show_their_certificates(certificates: Path) -> None:
    context = serving(certificates)
    context.verify_mode = ssl.CERT_REQUIRED
    own = {"certificate": certificates / "client.pem", "key": certificates / "client.key"}
    async with lis(lambda id, n: ack(id), tls=context) as server:
        one = secured(server.port, ca=certificates / "ca.pem", **own)
        assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AA"
        one.close()


async def test_an_unknown_authority_is_refused_unless_the_site_looks_away(certificates: Path) -> None:
    async with lis(lambda id, n: ack(id), tls=serving(certificates)) as server:
        with pytest.raises(LinkError, match="no TLS with the LIS"):
            await secured(server.port).deliver(MESSAGE, CONTROL_ID)
        assert server.ids == []
        one = secured(server.port, verify=False)
        assert (await one.deliver(MESSAGE, CONTROL_ID)).code == "AA"
        one.close()


async def test_a_lis_without_tls_is_a_link_error() -> None:
    async with lis(lambda id, n: ack(id)) as server:
        with pytest.raises(LinkError):
            await secured(server.port, 0.3).deliver(MESSAGE, CONTROL_ID)


def test_a_certificate_that_cannot_be_used_is_named(certificates: Path) -> None:
    wrong = Tls(certificate=certificates / "client.pem", key=certificates / "server.key")
    with pytest.raises(LinkError, match=r"destination lis: a certificate cannot be used.*\[destination.tls\]"):
        tls_context(wrong, "destination lis")


def test_tls_is_at_least_1_2() -> None:
    assert tls_context(None, "").minimum_version >= ssl.TLSVersion.TLSv1_2
    assert tls_context(None, "").check_hostname
