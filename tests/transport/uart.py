"""What a UART reads from another one that is set differently: the wire as levels in time, sampled in the middle of each bit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """Speed in bits a second and the form of a character: ``9600 8N1``."""

    baud: int
    form: str

    @property
    def bits(self) -> int:
        return int(self.form[0])

    @property
    def parity(self) -> str:
        return self.form[1]


def levels(data: bytes, setting: Setting) -> list[int]:
    """The wire, one level a bit: start 0, data with the lowest bit first, parity, stop 1."""
    wire = [1] * 20
    for byte in data:
        bits = [byte >> place & 1 for place in range(setting.bits)]
        odd = sum(bits) % 2
        check = {"N": [], "E": [odd], "O": [1 - odd], "M": [1]}[setting.parity]
        wire += [0, *bits, *check, 1]
    return wire + [1] * 20


def read(data: bytes, sent: Setting, heard: Setting) -> bytes:
    """The bytes that a UART set as ``heard`` makes of ``data`` sent as ``sent``. A missing stop bit is passed over, as drivers do."""
    wire = levels(data, sent)
    ratio = sent.baud / heard.baud
    extra = heard.parity != "N"
    found, at = bytearray(), 0.0
    while (start := _falling(wire, at)) is not None:
        sampled = [_level(wire, start + (1.5 + place) * ratio) for place in range(heard.bits)]
        found.append(sum(bit << place for place, bit in enumerate(sampled)))
        at = start + (heard.bits + 1 + extra + 0.5) * ratio
    return bytes(found)


def _falling(wire: list[int], at: float) -> float | None:
    place = int(at)
    while place < len(wire) and wire[place] == 0:
        place += 1
    while place < len(wire) and wire[place] == 1:
        place += 1
    return float(place) if place < len(wire) else None


def _level(wire: list[int], at: float) -> int:
    return wire[int(at)] if at < len(wire) else 1
