"""The load: analyzers on blocking sockets, one thread each, that send prepared bytes and wait for every acknowledgement."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from threading import Thread

from benches.whole_path.shapes import SHAPES, Sent, sent, shares

PATIENCE = 120.0
"""Seconds that an analyzer waits for an answer."""


@dataclass
class Load:
    """What was sent: ``last_byte`` by specimen and the ends of the run, in seconds of the machine's monotonic clock."""

    last_byte: dict[str, float] = field(default_factory=dict)
    begun: float = 0.0
    acknowledged: float = 0.0
    cpu: float = 0.0


def run(orders: Connection, shape: str, tubes: int, start: int, ports: Sequence[int], every: float) -> None:
    """Prepare, say so, wait for the word, send everything, report a ``Load``. ``every``: seconds between the tubes of an analyzer."""
    chosen = SHAPES[shape]
    prepared = [[sent(chosen, tube) for tube in share] for share in shares(chosen, tubes, start)]
    orders.send("prepared")
    orders.recv()
    load = Load(begun=time.monotonic())
    before = time.process_time()
    threads = [
        Thread(target=_analyzer, args=(port, share, chosen.framed, every, load.last_byte))
        for port, share in zip(ports, prepared, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.acknowledged, load.cpu = time.monotonic(), time.process_time() - before
    orders.send(load)


def _analyzer(port: int, share: Sequence[Sent], framed: bool, every: float, last_byte: dict[str, float]) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun = time.monotonic()
        for number, tube in enumerate(share):
            if every:
                time.sleep(max(0.0, begun + number * every - time.monotonic()))
            for message in tube.messages:
                last_byte[tube.specimen] = _speak(line, message, framed)


def _speak(line: socket.socket, pieces: Sequence[bytes], framed: bool) -> float:
    """Send a message piece by piece; when its last byte went out."""
    gone = 0.0
    for piece in pieces:
        line.sendall(piece)
        gone = time.monotonic()
        if framed:
            _hear_byte(line)
        else:
            _hear_block(line)
    if framed:
        line.sendall(b"\x04")
    return gone


def _hear_byte(line: socket.socket) -> None:
    if (answer := line.recv(1)) != b"\x06":
        raise ConnectionError(f"a frame was answered with {answer!r}")


def _hear_block(line: socket.socket) -> None:
    heard = line.recv(65536)
    while heard[-2:] != b"\x1c\r":
        if not (more := line.recv(65536)):
            raise ConnectionError("the line was closed instead of an acknowledgement")
        heard += more
    if b"MSA|AA|" not in heard:
        raise ConnectionError(f"a message was answered with {heard!r}")
