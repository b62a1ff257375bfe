"""A driver compiled: bytes of a journal entry in, messages in the bridge's words out.

Compiling happens once per analyzer; the plan holds no state but bounded caches and reads no clock.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import partial

import msgspec

from lis_bridge.catalogue import replies
from lis_bridge.catalogue.dialect import CompiledDialect, joined, left_out
from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.overrides import NO_OVERRIDES, Overrides
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.catalogue.wide import answered, narrowed
from lis_bridge.core.faults import Fault
from lis_bridge.core.holds import Reason
from lis_bridge.core.results import Message
from lis_bridge.dialects.csv_rows import DamagedRowError
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.unframe import Body, Framings, unframe_among

__all__ = ["NO_OVERRIDES", "Decoded", "Overrides", "Plan"]


class Decoded(msgspec.Struct, frozen=True):
    """What stood in some bytes: messages in order, and what was wrong."""

    messages: tuple[Message, ...]
    faults: tuple[Fault, ...]


class Plan:
    """A manifest over a test catalogue, ready to decode."""

    def __init__(self, manifest: Manifest, tests: TestCatalogue, *, zone: tzinfo, overrides: Overrides = NO_OVERRIDES) -> None:
        self.manifest = manifest
        self.driver = manifest.id
        self.revision = manifest.revision
        chosen = {
            name: dialect
            for name, dialect in manifest.dialect.items()
            if (name == overrides.dialect if overrides.dialect else name in (manifest.speaks or manifest.dialect))
        }
        if not chosen:
            wanted = overrides.dialect or ", ".join(manifest.speaks)
            raise ValueError(f"{manifest.id} has no dialect {wanted}; it has {', '.join(manifest.dialect)}")
        self.dialects = tuple(
            CompiledDialect(name, dialect, manifest, tests, zone, overrides) for name, dialect in chosen.items()
        )
        self.profiles: tuple[Profile, ...] = tuple(
            dict.fromkeys(Profile.from_dict(framing) for dialect in chosen.values() for framing in dialect.framing)
        )
        self._framings = Framings(self.profiles)
        self._gathers = any(dialect.spec.gathered for dialect in self.dialects)

    def decode(self, raw: bytes, *, complete: bool = True, repair: bool = False) -> Decoded:
        """The messages of a journal entry or capture; bad bytes become faults, never exceptions."""
        found: list[Message] = []
        faults: list[Fault] = []
        for body in unframe_among(raw, self._framings, repair=repair):
            faults.extend(body.faults)
            if body.text:
                messages, wrong = self.decode_body(body, complete=complete and body.complete, repair=repair)
                found.extend(messages)
                faults.extend(wrong)
        if self._gathers:
            found = _gathered(found)
        return Decoded(tuple(found), tuple(faults))

    def acknowledge(self, raw: bytes, now: datetime | None = None) -> bytes | None:
        """The framed application-level reply that a message is owed; None where the framing's own reply is all."""
        for dialect in self.dialects:
            reply = partial(replies.reply, spec=dialect.spec.reply, now=now)
            answer = answered(raw, reply) if dialect.wide else reply(raw)
            if answer is not None:
                return answer
        return None

    def decode_body(self, body: Body, *, complete: bool, repair: bool = False) -> tuple[list[Message], list[Fault]]:
        """The messages of one unframed body by the first dialect that can read it; a torn last line is left out before its charset matters."""
        for dialect in self.dialects:
            said = narrowed(body) if dialect.wide else body
            if said is None:
                continue
            raw = said.text if complete else whole_lines(said.text)
            text, fault = dialect.text_of(raw)
            message = dialect.message(text, said) if complete and fault is None and not repair else None
            if message is not None:
                return [message], []
            try:
                readings = dialect.read(text, raw, complete, said.starts, repair=repair)
            except DamagedRowError as damaged:
                return [], [damaged.fault]
            if readings is not None:
                messages, wrong = dialect.messages(readings, said, complete), left_out(readings, said) if repair else []
                return (messages, wrong) if fault is None else ([_unreadable(message) for message in messages], [fault, *wrong])
        where = f"bytes {body.starts[0][1] if body.starts else 0}–, {len(body.text)} long"
        return [], [
            Fault("no dialect", where, f"No dialect of {self.driver} reads this; check the driver and the link's framing")
        ]


def _gathered(messages: list[Message]) -> list[Message]:
    """One message per specimen, in the order in which they were first named; what was cut off stays apart."""
    found: dict[object, list[Message]] = {}
    for number, message in enumerate(messages):
        is_whole = message.complete and message.closed and message.specimen
        found.setdefault((message.kind, message.specimen) if is_whole else number, []).append(message)
    return [joined(parts) for parts in found.values()]


def whole_lines(text: bytes) -> bytes:
    """A text that was cut off, without its torn last line; one without lines (fixed width) stays as it is."""
    end = max(text.rfind(b"\r"), text.rfind(b"\n")) + 1
    return text[:end] if end else text


def _unreadable(message: Message) -> Message:
    """The message of a text whose charset is unknown: every value in it is held."""
    problem = Reason.UNKNOWN_ENCODING.value
    rows = tuple(msgspec.structs.replace(row, problem=problem) if row.is_result else row for row in message.observations)
    return msgspec.structs.replace(message, observations=rows)
