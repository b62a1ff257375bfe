"""A LIS that reads MLLP blocks, acknowledges each with AA, and afterwards tells what it was told. As little work as can be."""

from __future__ import annotations

import socket
import time
from collections import defaultdict
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from threading import Thread

from benches.whole_path.shapes import mark

SAMPLE = 20
"""Messages that are given back whole, for a reader that is not ours."""


@dataclass
class Heard:
    """``taken`` is when a tube's last message was acknowledged, ``marks`` what its messages held together (by specimen)."""

    taken: dict[str, float] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    repeated: int = 0
    sample: list[bytes] = field(default_factory=list)
    bytes: int = 0
    cpu: float = 0.0


def run(orders: Connection, port: int, most: int, read: bool) -> None:
    """Listen until so many messages were taken or "enough" is said; report a ``Heard``. Without ``read`` the messages are not looked at."""
    blocks: list[tuple[float, bytes, bytes]] = []
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(0.1)
        orders.send("listening")
        before = time.process_time()
        while len(blocks) < most and not orders.poll():
            try:
                line, _ = server.accept()
            except TimeoutError:
                continue
            reader = Thread(target=_answer, args=(line, blocks, most))
            reader.start()
            while reader.is_alive() and not orders.poll(0.05):
                pass
            line.shutdown(socket.SHUT_RDWR) if reader.is_alive() else None
            reader.join()
        heard = Heard(cpu=time.process_time() - before, bytes=sum(len(block) for _, _, block in blocks))
    heard.times = [at for at, _, _ in blocks]
    if read:
        _look(blocks, heard)
    orders.send(heard)


def _answer(line: socket.socket, blocks: list[tuple[float, bytes, bytes]], most: int) -> None:
    """One connection: a block, its acknowledgement, the next block."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with line:
        while len(blocks) < most:
            heard = b""
            while heard[-2:] != b"\x1c\r":
                try:
                    more = line.recv(262144)
                except OSError:
                    return
                if not more:
                    return
                heard = heard + more if heard else more
            control = heard[: heard.index(b"\r")].split(b"|")[9]
            line.sendall(b"\x0bMSH|^~\\&|LIS||||||ACK|1|P|2.5.1\rMSA|AA|" + control + b"\r\x1c\r")
            blocks.append((time.monotonic(), control, heard))


def _look(blocks: list[tuple[float, bytes, bytes]], heard: Heard) -> None:
    """What a LIS that files by OBR-3 and OBX-3 has now; a message whose id came before is not filed again."""
    results: dict[str, list[str]] = defaultdict(list)
    known: set[bytes] = set()
    for at, control, block in blocks:
        if control in known:
            heard.repeated += 1
            continue
        known.add(control)
        lines = [line.split("|") for line in block.decode().split("\r")]
        specimen = next(line[3] for line in lines if line[0] == "OBR")
        results[specimen] += [f"{line[3].partition('^')[0]}={line[5]}" for line in lines if line[0] == "OBX"]
        heard.taken[specimen] = at
    heard.marks = {specimen: mark(found) for specimen, found in results.items()}
    heard.sample = [block for _, _, block in blocks[:: max(1, len(blocks) // SAMPLE)]]
