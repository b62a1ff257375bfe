"""Numbered blocks of fixed size (Coulter MAXM, STKS): a text cut every 256 bytes without regard to its lines.

    NN  STX bb data[256] CCCC ETX  STX bb data[256] CCCC ETX …        NN blocks, bb from 01, both hex

CCCC is CRC-16/GENIBUS over the data (polynomial 1021, start FFFF, result inverted). The data may hold any byte, so blocks are counted.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lis_bridge.core.faults import Fault
from lis_bridge.framing.control import ETX_CODE
from lis_bridge.framing.events import EVIDENCE_BYTES, Discarded, Event, FrameReceived, MessageReceived, Send
from lis_bridge.framing.noise import Noise
from lis_bridge.framing.profile import Profile

Buffer = bytes | bytearray

DATA_BYTES = 256
_BLOCK_BYTES = 1 + 2 + DATA_BYTES + 4 + 1
_BEGIN = re.compile(rb"(?:([0-9A-F]{2})\x06?)?\x02([0-9A-F]{2})")
"""The count, the ACK that a log of both directions may hold behind it, and the first bytes of a block."""
_BEGIN_BYTES = 6
_HEX4 = re.compile(rb"[0-9A-F]{4}")


class Block(NamedTuple):
    """``buffer[start:stop]`` with its data; ``total`` is 0 where no count stands before the block."""

    start: int
    stop: int
    total: int
    number: int
    data: int
    sound: bool

    @property
    def inside(self) -> int:
        """Where to look on in a block that is not sound: behind its STX, which may have been another byte of the block before."""
        return self.data - 2


def crc16(data: Buffer) -> int:
    """CRC-16/GENIBUS."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc ^ 0xFFFF


def next_block(buffer: Buffer, at: int) -> Block | None:
    """The next block from ``at``; ``start`` beyond ``at`` means noise before it. None when its bytes have not all come."""
    found = _BEGIN.search(buffer, at)
    if found is None:
        return None
    data = found.end()
    stop = data + DATA_BYTES + 5
    if len(buffer) < stop:
        return None
    said = bytes(buffer[stop - 5 : stop - 1])
    sound = (
        buffer[stop - 1] == ETX_CODE
        and _HEX4.fullmatch(said) is not None
        and int(said, 16) == crc16(buffer[data : data + DATA_BYTES])
    )
    return Block(found.start(), stop, int(found[1] or b"0", 16), int(found[2], 16), data, sound)


class Joiner:
    """Which block continues the text and which repeats one; shared by the live side and by stored bytes.

    A block that does neither belongs to another sample, whose first block was damaged: nothing is joined behind it.
    """

    def __init__(self) -> None:
        self.total = 0
        self.last = 0
        self._data = b""

    def judge(self, block: Block, data: bytes) -> str:
        """``repeat``, ``first``, ``next`` or ``stray`` for a sound block, ``bad`` for another."""
        if not block.sound:
            if block.total and block.number == 1:
                self.forget()
            return "bad"
        if block.total and block.number == 1:
            self.total, self.last, self._data = block.total, 1, data
            return "first"
        if self.last and block.number == self.last and data == self._data:
            return "repeat"
        if self.last and block.number == self.last + 1 <= self.total:
            self.last, self._data = block.number, data
            return "next"
        self.forget()
        return "stray"

    @property
    def whole(self) -> bool:
        return self.total > 0 and self.last == self.total

    @property
    def state(self) -> tuple[int, int, bytes]:
        return self.total, self.last, self._data

    @state.setter
    def state(self, state: tuple[int, int, bytes]) -> None:
        self.total, self.last, self._data = state

    def forget(self) -> None:
        self.state = (0, 0, b"")


class Receiver:
    """A ``Framer`` of numbered blocks."""

    def __init__(self, profile: Profile) -> None:
        self.deadline: float | None = None
        self._reply, self._refusal = bytes.fromhex(profile.reply), bytes.fromhex(profile.refusal)
        self._buffer = bytearray()
        self._blocks: list[bytes] = []
        self._joiner = Joiner()
        self._noise = Noise(b"\r\n\x00\x06\x15", "No numbered block; check speed, parity and the driver's framing")
        self._saved = (self._blocks, 0, self._joiner.state)

    def receive(self, data: bytes, now: float) -> list[Event]:
        self._saved = (self._blocks, len(self._blocks), self._joiner.state)
        self._buffer += data
        found: list[Event] = []
        while (block := next_block(self._buffer, 0)) is not None:
            found += self._noise.add(bytes(self._buffer[: block.start]), now)
            found += self._noise.flush() + self._take(block)
            del self._buffer[: block.stop if block.sound else block.inside]
        found += self._drop_noise(now)
        self.deadline = self._noise.deadline
        return found

    def tick(self, now: float) -> list[Event]:
        if self.deadline is None or now < self.deadline:
            return []
        self.deadline = None
        return self._noise.flush()

    def close(self, now: float) -> list[Event]:
        self._saved = (self._blocks, len(self._blocks), self._joiner.state)
        self.deadline = None
        found = self._noise.add(bytes(self._buffer), now) + self._noise.flush()
        self._buffer.clear()
        return found + self._finish(False)

    def refused(self) -> None:
        self._blocks, count, self._joiner.state = self._saved
        del self._blocks[count:]

    def _take(self, block: Block) -> list[Event]:
        raw = bytes(self._buffer[block.start : block.stop])
        data = bytes(self._buffer[block.data : block.data + DATA_BYTES])
        role = self._joiner.judge(block, data)
        if role == "repeat":
            return [Send(self._reply)] if self._reply else []
        before = self._finish(False) if role == "first" or not self._joiner.total else []
        if role == "bad":
            fault = Fault("bad checksum", f"block {block.number}", "The block is refused; check cable, speed and parity")
            refused = [Send(self._refusal)] if self._refusal else []
            return [*before, Discarded(raw[:EVIDENCE_BYTES], fault), *refused]
        if role == "stray":
            fault = Fault("frame number", f"block {block.number}", "It continues nothing; the sample must be sent again")
            return [*before, Discarded(raw, fault)]
        if role == "first":
            self._joiner.judge(block, data)
        self._blocks.append(raw)
        received: list[Event] = [*before, FrameReceived(raw, self._reply, self._refusal)]
        return received + self._finish(True) if self._joiner.whole else received

    def _finish(self, complete: bool) -> list[Event]:
        raw, self._blocks = b"".join(self._blocks), []
        self._joiner.forget()
        return [MessageReceived(raw, complete)] if raw else []

    def _drop_noise(self, now: float) -> list[Event]:
        """What cannot begin a block is noise; the last bytes may be the count of the next one."""
        begin = _BEGIN.search(self._buffer)
        stop = begin.start() if begin else max(0, len(self._buffer) - _BEGIN_BYTES + 1)
        found = self._noise.add(bytes(self._buffer[:stop]), now)
        del self._buffer[:stop]
        return found
