"""Seeded messages for the benchmarks: tubes with one menu and ever new values, as HL7, bare LIS2-A2 and framed LIS2-A2.

As on a real line: a result in eight is outside its range and flagged, ten results share a cycle of 18 seconds, and the next tube is one cycle later.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

SEED = 20260317
BEGUN = datetime(2026, 3, 17, 9, 0, 0)
CYCLE = timedelta(seconds=18)


@dataclass(frozen=True)
class Item:
    """One test of the menu as the analyzer writes it."""

    code: str
    name: str
    unit: str
    decimals: int
    low: str
    high: str


@dataclass(frozen=True)
class Tube:
    """One tube's results in the menu's order, as texts."""

    specimen: str
    values: tuple[str, ...]
    flags: tuple[str, ...]
    times: tuple[str, ...]


Menu = tuple[Item, ...]


def menu(size: int, units: Sequence[str]) -> Menu:
    """``size`` numeric tests with plausible ranges; test n is measured in ``units[n]``, which repeat where the menu is longer."""
    rng = random.Random(SEED)
    items = []
    for number in range(size):
        decimals = rng.randrange(4)
        low, high = f"{rng.uniform(1, 50):.{decimals}f}", f"{rng.uniform(60, 400):.{decimals}f}"
        items.append(Item(f"T{number:04d}", f"Test {number}", units[number % len(units)], decimals, low, high))
    return tuple(items)


def tubes(chosen: Menu, count: int, start: int = 0) -> Iterator[Tube]:
    """``count`` tubes, numbered from ``start``; no value is like another tube's by design."""
    rng = random.Random(SEED + 1 + start)
    for number in range(start, start + count):
        flags = tuple(rng.choices("NHL", (14, 1, 1), k=len(chosen)))
        values = tuple(f"{_value(rng, item, flag):.{item.decimals}f}" for item, flag in zip(chosen, flags, strict=True))
        times = tuple(f"{BEGUN + CYCLE * (number + at // 10):%Y%m%d%H%M%S}" for at in range(len(chosen)))
        yield Tube(f"26031{number:07d}", values, flags, times)


def _value(rng: random.Random, item: Item, flag: str) -> float:
    low, high = float(item.low), float(item.high)
    bounds = {"N": (low, high), "L": (0, low), "H": (high, 3 * high)}[flag]
    return rng.uniform(*bounds)


def mixed(tube: Tube) -> Tube:
    """The tube with a comparator in every twentieth result and a word in every twentieth."""
    marks = {0: "<{}", 10: "Negative"}
    values = tuple(marks.get(at % 20, "{}").format(value) for at, value in enumerate(tube.values))
    return replace(tube, values=values)


def trimmed(text: bytes) -> bytes:
    """The text with nothing behind the last field of every third line, as senders do that leave empty fields out."""
    return b"\r".join(line.rstrip(b"|") if at % 3 == 0 else line for at, line in enumerate(text.split(b"\r")))


def noted(text: bytes) -> bytes:
    """The text with a comment behind every tenth result."""
    lines = text.split(b"\r")
    return b"\r".join(line + b"\rNTE|1||hemolyzed" if at % 10 == 5 else line for at, line in enumerate(lines))


def hl7(chosen: Menu, tube: Tube) -> bytes:
    """An ORU^R01 as a Mindray line sends it, without its MLLP block."""
    lines = [
        f"MSH|^~\\&|||||20260317094839||ORU^R01|{tube.specimen[-6:]}|P|2.3.1||||0||ASCII|||",
        f"PID|1|{tube.specimen}|||Doe||19700101|F|||||||||||||||||||||||",
        f"OBR|1|{tube.specimen}|12|^|N|20260317090551|20260317090531|20260317090531||1^5||||20260317090531|serum|||||||||||||",
    ]
    for number, (item, value, flag, time) in enumerate(zip(chosen, tube.values, tube.flags, tube.times, strict=True), 1):
        limits = f"{item.low}-{item.high}"
        lines.append(f"OBX|{number}|NM|{item.code}|{item.name}|{value}|{item.unit}|{limits}|{flag}|||F||{value}|{time}||op|0||")
    return ("\r".join(lines) + "\r").encode("ascii")


def standard(chosen: Menu, tube: Tube) -> bytes:
    """The same tube as most laboratories' systems write it: OBX-3 is code^name^system."""
    lines = [
        f"MSH|^~\\&|LINE|LAB|||20260317094839||ORU^R01|{tube.specimen[-6:]}|P|2.5.1",
        f"PID|1||{tube.specimen}||Doe||19700101|F",
        f"OBR|1|{tube.specimen}|{tube.specimen}|PANEL^Panel^99LAB|||20260317090531",
    ]
    for number, (item, value, flag, time) in enumerate(zip(chosen, tube.values, tube.flags, tube.times, strict=True), 1):
        coded, limits = f"{item.code}^{item.name}^99LAB", f"{item.low}-{item.high}"
        lines.append(
            f"OBX|{number}|NM|{coded}||{value}|{item.unit}|{limits}|{flag}|||F|||{time}|LAB^Laboratory|7^Op||line-1^Line"
        )
    return ("\r".join(lines) + "\r").encode("ascii")


def mllp(message: bytes) -> bytes:
    """The message in its MLLP block."""
    return b"\x0b" + message + b"\x1c\r"


def lis2(chosen: Menu, tube: Tube) -> list[bytes]:
    """The records of the same tube as LIS2-A2."""
    records = ["H|\\^&|||Mindray^^|||||||PR|1394-97|20260317134000", f"P|1||{tube.specimen}||Doe^^||19700101|F"]
    records.append(f"O|1|1^^|{tube.specimen}||R|20260317124000|20260317123820||||||||serum")
    for number, (item, value, flag, time) in enumerate(zip(chosen, tube.values, tube.flags, tube.times, strict=True), 1):
        unit, limits = item.unit.replace("^", "*"), f"{item.low}^{item.high}"
        code = f"{item.code}^{item.name}^^F"
        records.append(f"R|{number}|{code}|{value}^^^^|{unit}|{limits}|{flag}||F|{value}^^^^|0|{time}||Mindray^")
    records.append("L|1|N")
    return [record.encode("ascii") + b"\r" for record in records]


def framed(records: list[bytes]) -> bytes:
    """Records framed one by one per LIS1-A (ETB but for the last), between ENQ and EOT."""
    return transmission([record + (b"\x03" if number == len(records) else b"\x17") for number, record in enumerate(records, 1)])


def packed(records: list[bytes]) -> bytes:
    """All records as one text, cut into frames of 240 characters wherever these end."""
    text = b"".join(records)
    cuts = [text[at : at + 240] for at in range(0, len(text), 240)]
    return transmission([*(cut + b"\x17" for cut in cuts[:-1]), cuts[-1] + b"\x03"])


def transmission(texts: list[bytes]) -> bytes:
    """Frame texts with their ETB or ETX, numbered and with checksums (LIS1-A 6.3)."""
    frames = [b"\x05"]
    for number, text in enumerate(texts, 1):
        body = b"%d" % (number % 8) + text
        frames.append(b"\x02" + body + b"%02X\r\n" % (sum(body) & 0xFF))
    return b"".join(frames) + b"\x04"
