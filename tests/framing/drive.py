"""One way to run every case: whole, byte by byte, in random pieces; the events must be the same."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import pairwise

from lis_bridge.framing import Body, Discarded, Event, Framer, FrameReceived, MessageReceived, Profile, Send, make

NOW = 100.0


def profile(kind: str, **options: object) -> Profile:
    return Profile.from_dict({"kind": kind, **options})


def feed(framer: Framer, pieces: Iterable[bytes], now: float = NOW) -> list[Event]:
    return [event for piece in pieces for event in framer.receive(piece, now)]


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


def run(profiles: Profile | Sequence[Profile], data: bytes, *, close: bool = False) -> list[Event]:
    """The events of ``data``, which must not depend on how it is split."""

    def events(parts: Iterable[bytes]) -> list[Event]:
        framer = make(profiles)
        return feed(framer, parts) + (framer.close(NOW) if close else [])

    whole = events([data])
    assert events(data[at : at + 1] for at in range(len(data))) == whole
    chance = random.Random(len(data))
    for _ in range(5):
        assert events(pieces(data, (chance.randrange(len(data) + 1) for _ in range(4)))) == whole
    return whole


def messages(events: Iterable[Event]) -> list[tuple[bytes, bool]]:
    return [(event.raw, event.complete) for event in events if isinstance(event, MessageReceived)]


def accepted(events: Iterable[Event]) -> list[bytes]:
    return [event.raw for event in events if isinstance(event, FrameReceived)]


def sent(events: Iterable[Event]) -> bytes:
    """What goes to the line when every commit succeeds."""
    return b"".join(
        event.data if isinstance(event, Send) else event.reply for event in events if not isinstance(event, Discarded)
    )


def faults(events: Iterable[Event]) -> list[str]:
    return [event.fault.kind for event in events if isinstance(event, Discarded)]


def kinds(bodies: Iterable[Body]) -> list[str]:
    return [fault.kind for body in bodies for fault in body.faults]


def maps_back(body: Body, raw: bytes) -> bool:
    """Whether every run of the text stands in the raw bytes where ``starts`` says; an ETX may stand for a CR."""
    bounds = [*(text for text, _ in body.starts[1:]), len(body.text)]
    for (text, at), bound in zip(body.starts, bounds, strict=True):
        run_text, run_raw = body.text[text:bound], raw[at : at + bound - text]
        if run_text != run_raw and not (run_text[:-1] == run_raw[:-1] and run_text[-1:] == b"\r" and run_raw[-1:] == b"\x03"):
            return False
    return True
