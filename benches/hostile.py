"""Bytes that mean harm to any driver: one of its captures, drowned in or torn open by what expressions and framers may stumble over."""

from __future__ import annotations

from collections.abc import Iterator

from benches import subjects
from lis_bridge.catalogue.captures import captures_of
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.plan import Plan
from lis_bridge.core import resources

FILLERS = (
    b"9", b" ", b"A", b"|", b"\r", b"\n", b"\r\n", b"\t", b"0.", b"a:1\r\n", b"*", b"-", b";", b"1,", b'"', b"(1,2)", b"\x02", b"\x03",
    b"\x021", b"\x05", b"\x0b", b"\rH|\\^&", b" 1A.-/:", b"\n ", b"^", b"\\", b"~",
)  # fmt: skip
LIBRARY = Library.load(resources.drivers())
CAPTURED = tuple(id for id in LIBRARY.ids() if any(captures_of(LIBRARY.driver(id).folder)))


def capture(driver: str) -> bytes:
    """The driver's first short capture, or the beginning of one."""
    found = [capture.raw for capture in captures_of(LIBRARY.driver(driver).folder)]
    return next((raw for raw in found if len(raw) < 8000), found[0][:4000])


def texts(raw: bytes, size: int) -> Iterator[bytes]:
    """About ``size`` bytes of each kind: a filler alone, a filler in the middle of a message, the message again and again, and without its ends."""
    fillings = [(filler * size)[:size] for filler in FILLERS]
    yield from fillings
    yield from (raw[: len(raw) // 2] + filling + raw[len(raw) // 2 :] for filling in fillings)
    yield raw * (size // len(raw) + 1)
    endless = raw.replace(b"\r", b"").replace(b"\x03", b"").replace(b"\x1c", b"")
    yield endless * (size // len(endless) + 1)


def plan(driver: str) -> Plan:
    """The driver as it is shipped."""
    return LIBRARY.plan(driver, subjects.catalogue(), zone=subjects.ZONE)
