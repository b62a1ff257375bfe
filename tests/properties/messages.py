"""Generated messages of HL7 v2 and LIS2-A2, from well-behaved to careless, and what lines do to bytes. Seeded: a number is a message."""

from __future__ import annotations

from random import Random

from benches.messages import framed, packed

CODES = ("T0000", "T0001", "T0002", "T0003", "GLU", "", "T 1", "\\S\\", "Ä", "白")
VALUES = (
    "4.10", "0.05", "7", "12.", ".5", "+3", "-0.2", "<5", ">= 7.5", "≤3", "", " 5.1 ", "Negative", "1_000", "１２", "nan", "1e5",
    "1\\S\\2", "a~b", "5^6", "1&2", "-0x0fffffff", "***", "阳性", "\\X0D\\", "5\\",
)  # fmt: skip
UNITS = ("mmol/L", "U/L", "10\\S\\9/L", "", "g/L", "mg\\F\\dL")
RANGES = ("3.5-5.1", "", "<5", "a-b", "1^2", "0.9 - 1.75", "-")
FLAGS = ("N", "H", "L", "", "H~A", "^^")
STATUSES = ("F", "P", "C", "", "X")
TIMES = ("20260317090531", "20260317", "", "202603170905", "20261399", "x", "20260317090531+0800")
NOISE = (
    "|", "\r", "\n", "^", "~", "\\", "&", "||", "\rOBX|", "OBX|", "\rR|", "\r", "\robx|1", "\r OBX|2|NM", "\rNTE|1||x\r", "\rC|1|I|x\r",
    "\rOBR|2|7\r", "\rPID|2\r", "\rO|2||8\r", "\rP|2\r", "\rL|1\r", "\rMSH|^~\\&|", "\rH|\\^&|", "\x0b", "\x1c\r", "\x02", "\x03", "\x05",
    "白", "\x00",
)  # fmt: skip


def hl7(rng: Random, *, tidy: bool = False) -> str:
    """One ORU^R01; most runs are uniform, as on a line, and a ``tidy`` one's is, with nothing escaped."""
    marks = "|^~\\&" if tidy else rng.choice(("|^~\\&",) * 8 + ("#*~\\&", "|^~\\", "|@!%$"))
    uniform, width = tidy or rng.random() < 0.6, rng.randrange(15, 20)
    lines = ["|||||20260317094839||ORU^R01|1|P|2.3.1||||0||ASCII|||", "PID|1|77||||Doe^Ann||19700101|F", "OBR|1|26031|12"]
    for number in range(1, rng.randrange(2, 14)):
        lines.append(_padded(_obx(rng, number), width if uniform else rng.randrange(3, 20)))
        if tidy:
            lines[-1] = lines[-1].replace("\\", "/")
        elif rng.random() < 0.04:
            lines.append(rng.choice(("NTE|1||note", "OBR|2|26032|12", "PID|2|78", "ORC|RE", "ZDS|a|b")))
    return f"MSH{marks}" + "\r".join(_spoken(line, marks) for line in lines) + "\r"


def _obx(rng: Random, number: int) -> list[str]:
    coded = f"{rng.choice(CODES)}^Test {number}^99LAB" if rng.random() < 0.9 else rng.choice(CODES)
    row = ["OBX", str(number), "NM", coded, "", _value(rng), rng.choice(UNITS), rng.choice(RANGES), rng.choice(FLAGS)]
    return [*row, "", "", rng.choice(STATUSES), "", "", rng.choice(TIMES)]


def _value(rng: Random) -> str:
    return f"{rng.uniform(0, 400):.{rng.randrange(4)}f}" if rng.random() < 0.85 else rng.choice(VALUES)


def _padded(row: list[str], width: int) -> str:
    return "|".join((row + [""] * width)[:width])


def _spoken(line: str, marks: str) -> str:
    """The line in the message's own separators."""
    return line.translate(str.maketrans("|^~\\&"[: len(marks)], marks))


def lis2(rng: Random, *, tidy: bool = False) -> list[bytes]:
    """The records of one LIS2-A2 message, each with its CR; a ``tidy`` one's run is uniform with nothing escaped."""
    uniform, width = tidy or rng.random() < 0.6, rng.randrange(11, 16)
    records = [
        "H|\\^&|||Mindray^^|||||||PR|1394-97|20260317134000",
        "P|1||77||Doe^Ann||19700101|F",
        "O|1|1^^|26031||R|20260317124000",
    ]
    for number in range(1, rng.randrange(2, 14)):
        value = _value(rng)
        row = [
            "R",
            str(number),
            f"{rng.choice(CODES)}^Test^^F",
            f"{value}^^^^" if rng.random() < 0.9 else value,
            rng.choice(UNITS),
        ]
        row += [rng.choice(RANGES), rng.choice(FLAGS), "", rng.choice(STATUSES), "", "0", rng.choice(TIMES)]
        records.append(_padded(row, width if uniform else rng.randrange(3, 16)))
        if tidy:
            records[-1] = records[-1].replace("&", "+")
        elif rng.random() < 0.04:
            records.append(rng.choice(("C|1|I|note", "O|2|2^^|26032", "P|2||78", "M|1|x", "")))
    return [record.encode() + b"\r" for record in (*records, "L|1|N")]


def wired(rng: Random, *, tidy: bool = False) -> bytes:
    """The records of one LIS2-A2 message as they come over a line: bare, a frame for each, or frames of 240 characters."""
    return rng.choice((framed, packed, b"".join))(lis2(rng, tidy=tidy))


def spoiled(raw: bytes, rng: Random) -> bytes:
    """The bytes with up to three pieces put in, left out, doubled or written over."""
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(raw) + 1)
        end = min(len(raw), at + rng.randrange(1, 12))
        piece = rng.choice((rng.choice(NOISE).encode(), b"", raw[at:end] * 2, bytes([rng.randrange(256)])))
        raw = raw[:at] + piece + raw[rng.choice((at, end)) :]
    return raw
