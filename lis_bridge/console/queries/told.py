"""What each LIS was told of a tube's results, read from the very messages that were sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from lis_bridge import outbox
from lis_bridge.core.results import Observation
from lis_bridge.forward.escaping import escaped
from lis_bridge.outbox import Line

MOST = 100
"""Deliveries of a tube that are read, the newest; each holds many results."""

Delivered = Literal["delivered", "waiting", "refused", "untold"]
_WORST: tuple[Delivered, ...] = ("refused", "untold", "waiting", "delivered")
_STATES: Mapping[str, Delivered] = {"delivered": "delivered", "pending": "waiting", "dead": "refused", "dismissed": "untold"}


@dataclass(frozen=True, slots=True)
class Told:
    """One result in one message: OBX-11 ``status`` and the delivery; ``ack`` is the LIS's answer and ``words`` what it said."""

    destination: str
    delivery: int
    control_id: str
    state: str
    status: str
    value: str
    ack: str
    words: str
    sealed_at: datetime | None
    settled_at: datetime | None


class Tellings:
    """The messages of one tube, the newest last."""

    def __init__(self, tx: Connection, tube_id: int, charsets: Mapping[str, str]) -> None:
        self._lines = outbox.lines(tx, tube_id=tube_id, limit=MOST)[::-1]
        self._open = {line.destination for line in self._lines if line.state == "open"}
        self._told: dict[tuple[str, str, str], list[Told]] = {}
        for line in self._lines:
            delivery = outbox.get(tx, line.id)
            if delivery is not None and delivery.message is not None:
                self._read(line, _text(delivery.message, charsets.get(line.destination, "UTF-8")))

    def of(self, row: Observation, analyzer: str) -> Sequence[Told]:
        """What was told of a result's test, in the order in which it was sent."""
        return self._told.get((escaped(row.test or row.code), row.aspect, escaped(analyzer)), ())

    def state(self, row: Observation, analyzer: str, since: datetime) -> tuple[Delivered, bool]:
        """What became of a result that is reported since then, at the LIS that is worst off; and whether it went as a correction."""
        last = {told.destination: told for told in self.of(row, analyzer)}
        states: list[Delivered] = [self._state(told, since) for told in last.values()]
        states += ["waiting" for destination in self._open if destination not in last]
        worst: Delivered = min(states, key=_WORST.index, default="untold")
        return worst, any(told.status == "C" for told in last.values())

    def _state(self, told: Told, since: datetime) -> Delivered:
        if told.status != "W" and told.sealed_at is not None and told.sealed_at >= since:
            return _STATES.get(told.state, "untold")
        return "waiting" if told.destination in self._open else "untold"

    def _read(self, line: Line, message: str) -> None:
        for test, aspect, analyzer, value, status in _results(message):
            told = Told(
                line.destination,
                line.id,
                line.control_id,
                line.state,
                status,
                value,
                line.verdict or "",
                line.lis_text or "",
                line.sealed_at,
                line.settled_at,
            )
            self._told.setdefault((test, aspect, analyzer), []).append(told)


def _text(message: bytes, charset: str) -> str:
    """The text as it was encoded; a destination that writes another charset since leaves replacement characters, in names only."""
    return message.decode(charset, "replace")


def _results(message: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Test, sub-id, analyzer, value and status of every OBX (HL7 v2.5.1 7.4.2), escaped as they stand."""
    for segment in message.split("\r"):
        if segment.startswith("OBX|"):
            fields = segment.split("|")
            yield fields[3].partition("^")[0], fields[4], fields[18] if len(fields) > 18 else "", fields[5], fields[11]
