"""Captures of an analyzer that no driver knows: what the simulated one of ``tests.onboarding`` says, framed as on its line."""

from __future__ import annotations

from lis_bridge.framing.sender import frame
from tests.onboarding.device import messages


def capture() -> bytes:
    """Three tubes over LIS1-A."""
    return b"".join(map(_sent, messages()))


def _sent(message: bytes) -> bytes:
    records = [record for record in message.split(b"\r") if record.strip()]
    frames = (frame(number % 8, record + b"\r", b"\x03") for number, record in enumerate(records, start=1))
    return b"\x05" + b"".join(frames) + b"\x04"
