"""The floor: what any bridge on this machine must spend. Every piece is written and brought to the disk (fdatasync), then acknowledged; every
whole message goes to the LIS as it came. No reading, no tubes, no database.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

_MSH = b"\x0bMSH|^~\\&|||||||ORU^R01|%d|P|2.5.1\r"


def run(orders: Connection, ports: Sequence[int], lis: int, folder: str, framed: bool) -> None:
    """Relay until the analyzers have hung up and the LIS has answered everything; report the processor time."""
    whole: SimpleQueue[bytes | None] = SimpleQueue()
    servers = [socket.create_server(("127.0.0.1", port)) for port in ports]
    orders.send("listening")
    before = time.process_time()
    ears = [
        Thread(target=_hear, args=(server, Path(folder) / f"floor-{at}.bin", framed, whole)) for at, server in enumerate(servers)
    ]
    mouth = Thread(target=_tell, args=(lis, whole))
    for thread in (*ears, mouth):
        thread.start()
    for thread in ears:
        thread.join()
    whole.put(None)
    mouth.join()
    orders.send(time.process_time() - before)


def _hear(server: socket.socket, file: Path, framed: bool, whole: SimpleQueue[bytes | None]) -> None:
    line, _ = server.accept()
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    disk = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    (_take_frames if framed else _take_blocks)(line, disk, whole)
    os.close(disk)
    line.close()
    server.close()


def _take_blocks(line: socket.socket, disk: int, whole: SimpleQueue[bytes | None]) -> None:
    while True:
        heard = b""
        while heard[-2:] != b"\x1c\r":
            if not (more := line.recv(262144)):
                return
            heard += more
        os.write(disk, heard)
        os.fdatasync(disk)
        line.sendall(b"\x0bMSH|^~\\&|||||||ACK|1|P|2.3.1\rMSA|AA|1\r\x1c\r")
        whole.put(heard)


def _take_frames(line: socket.socket, disk: int, whole: SimpleQueue[bytes | None]) -> None:
    message = b""
    while heard := line.recv(65536):
        if heard[:1] == b"\x04":
            whole.put(b"\x0bMSH|" + message + b"\x1c\r")
            message, heard = b"", heard[1:]
            if not heard:
                continue
        if heard[-1:] not in (b"\x05", b"\n"):
            raise ConnectionError("a frame came in parts")
        if heard[-1:] == b"\n":
            os.write(disk, heard)
            os.fdatasync(disk)
            message += heard
        line.sendall(b"\x06")


def _tell(port: int, whole: SimpleQueue[bytes | None]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = 0
        while (message := whole.get()) is not None:
            number += 1
            line.sendall(_MSH % number + message[1:])
            heard = line.recv(65536)
            while heard[-2:] != b"\x1c\r":
                heard += line.recv(65536)
