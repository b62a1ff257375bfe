"""Seeded messages for the benchmarks: tubes with the same menu and ever new values, as HL7, bare LIS2-A2 and framed LIS2-A2."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

SEED = 20260317


@dataclass(frozen=True)
class Menu:
    """What is measured of every tube: (code, name, unit, decimals, low, high)."""

    tests: tuple[tuple[str, str, str, int, str, str], ...]


@dataclass(frozen=True)
class Tube:
    """One tube's values in the menu's order, as texts."""

    specimen: str
    values: tuple[str, ...]


def menu(size: int) -> Menu:
    """A menu of ``size`` numeric tests with plausible names, units and ranges."""
    rng = random.Random(SEED)
    units = ("U/L", "mmol/L", "umol/L", "g/L", "ng/mL", "mIU/L")
    rows = []
    for number in range(size):
        decimals = rng.randrange(4)
        low = f"{rng.uniform(0, 50):.{decimals}f}"
        high = f"{rng.uniform(50, 400):.{decimals}f}"
        rows.append((f"T{number:03d}", f"Test {number}", rng.choice(units), decimals, low, high))
    return Menu(tuple(rows))


def tubes(chosen: Menu, count: int) -> Iterator[Tube]:
    """``count`` tubes with values that never repeat by design."""
    rng = random.Random(SEED + 1)
    for number in range(count):
        values = tuple(f"{rng.uniform(0, 500):.{decimals}f}" for *_, decimals, _low, _high in chosen.tests)
        yield Tube(f"26031{number:07d}", values)


def hl7(chosen: Menu, tube: Tube) -> bytes:
    """An ORU^R01 as a Mindray line sends it."""
    lines = [
        f"MSH|^~\\&|||||20260317094839||ORU^R01|{tube.specimen[-6:]}|P|2.3.1||||0||ASCII|||",
        f"PID|1|{tube.specimen}|||Doe||19700101|F|||||||||||||||||||||||",
        f"OBR|1|{tube.specimen}|12|^|N|20260317090551|20260317090531|20260317090531||1^5||||20260317090531|serum|||||||||||||",
    ]
    for number, ((code, name, unit, _decimals, low, high), value) in enumerate(zip(chosen.tests, tube.values, strict=True), 1):
        second = f"2026031709{number // 60 % 60:02d}{number % 60:02d}"
        lines.append(f"OBX|{number}|NM|{code}|{name}|{value}|{unit}|{low}-{high}|N|||F||{value}|{second}||op|0||")
    return ("\r".join(lines) + "\r").encode("ascii")


def lis2(chosen: Menu, tube: Tube) -> list[bytes]:
    """The records of the same tube as LIS2-A2."""
    records = ["H|\\^&|||Mindray^^|||||||PR|1394-97|20260317134000", f"P|1||{tube.specimen}||Doe^^||19700101|F"]
    records.append(f"O|1|1^^|{tube.specimen}||R|20260317124000|20260317123820||||||||serum")
    for number, ((code, name, unit, _decimals, low, high), value) in enumerate(zip(chosen.tests, tube.values, strict=True), 1):
        second = f"2026031709{number // 60 % 60:02d}{number % 60:02d}"
        records.append(f"R|{number}|{code}^{name}^^F|{value}^^^^|{unit}|{low}^{high}|N||F|{value}^^^^|0|{second}||Mindray^")
    records.append("L|1|N")
    return [record.encode("ascii") + b"\r" for record in records]


def framed(records: list[bytes]) -> bytes:
    """Records framed one by one per LIS1-A (ETB but for the last), between ENQ and EOT."""
    frames = [b"\x05"]
    for number, record in enumerate(records, 1):
        body = b"%d" % (number % 8) + record + (b"\x03" if number == len(records) else b"\x17")
        frames.append(b"\x02" + body + b"%02X\r\n" % (sum(body) & 0xFF))
    return b"".join(frames) + b"\x04"
