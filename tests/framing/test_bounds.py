"""Garbage of any size is taken in bounded memory and in linear work, and the line is usable afterwards."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from lis_bridge.framing import Discarded, make
from lis_bridge.framing.events import EVIDENCE_BYTES
from lis_bridge.framing.mllp import wrap
from lis_bridge.framing.sender import transmission
from lis_bridge.framing.snibe import envelope
from tests.framing.drive import NOW, feed, messages, profile

MEBIBYTE = 1 << 20
MESSAGE = b"H|\\^&\rP|1\rL|1|N\r"
FORMS = {
    "lis1a": (profile("lis1a", max_message=MEBIBYTE), transmission([MESSAGE])),
    "mllp": (profile("mllp", max_message=MEBIBYTE), wrap(MESSAGE)),
    "block": (profile("block", start="02", max_message=MEBIBYTE), b"\x02" + MESSAGE + b"\x03"),
    "snibe": (profile("snibe", max_message=MEBIBYTE), b"".join(envelope(MESSAGE))),
    "bare": (profile("bare-lis2", max_message=MEBIBYTE), b"\r" + MESSAGE),
    "lines": (profile("lines", max_message=MEBIBYTE), b"\n1 PTs 12.1\n"),
    "auto": (profile("auto"), b""),
}
GARBAGE = {
    "random": random.Random(1).randbytes(MEBIBYTE),
    "plain": b"x" * MEBIBYTE,
    "opened": b"\x05\x021H\x0b" + b"x" * MEBIBYTE,
    "starts": b"\x02" * 65536,
    "enqs": b"\x05" * 16384,
}


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("form", FORMS)
def test_garbage_is_taken_in_bounded_memory_and_the_next_message_is_read(form: str, garbage: str) -> None:
    said, message = FORMS[form]
    framer = make(said)
    tracemalloc.start()
    try:
        for at in range(0, len(GARBAGE[garbage]), 8192):
            for event in framer.receive(GARBAGE[garbage][at : at + 8192], NOW):
                assert not isinstance(event, Discarded) or len(event.raw) <= EVIDENCE_BYTES
        assert tracemalloc.get_traced_memory()[1] < 8 * MEBIBYTE
    finally:
        tracemalloc.stop()
    framer.tick(NOW + 60)
    assert form == "auto" or (framer.receive(message + message, NOW + 61) and messages(framer.receive(message, NOW + 61)))


@pytest.mark.parametrize("form", ["mllp", "lis1a", "block", "snibe", "bare"])
def test_a_long_message_byte_by_byte_is_one_message(form: str) -> None:
    text = b"H|" + b"x" * 60_000 + b"\rL|1|N\r"
    wire = {
        "mllp": wrap(text),
        "lis1a": transmission([text], size=63_000, style="message"),
        "block": b"\x02" + text + b"\x03",
        "snibe": b"".join(envelope(text)),
        "bare": text,
    }[form]
    framer = make(FORMS[form][0])
    events = feed(framer, (wire[at : at + 1] for at in range(len(wire))))
    assert [complete for _, complete in messages(events)] == [True]
