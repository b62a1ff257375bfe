"""What the driver reads of a capture before and after: the same, except for persons, specimens and dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from lis_bridge.catalogue.anonymise.text import names_somebody
from lis_bridge.core.faults import BridgeError
from lis_bridge.core.results import Message, Observation


def left_standing(before: Sequence[Message], after: Sequence[Message], shift: int) -> tuple[str, ...]:
    """What still stands as it was; ``shift`` is how many days the dates were moved. Raises BridgeError where anything else is read differently."""
    if list(map(_kept, before)) != list(map(_kept, after)):
        hint = "Damaged or repeated frames in it may be the cause: cut them out, or share the capture with nobody"
        raise BridgeError("the capture would be read differently", hint=hint)
    found = (
        f"message {number}: {what} stands as it was"
        for number, (one, other) in enumerate(zip(before, after, strict=True), 1)
        for what in _standing(one, other, shift)
    )
    return tuple(dict.fromkeys(found))


def _standing(one: Message, other: Message, shift: int) -> list[str]:
    found = []
    if one.patient and other.patient:
        persons = ((one.patient.id, other.patient.id), (one.patient.name, other.patient.name))
        found += ["the patient's id or name" for was, now in persons if was and was == now]
    if one.kind == "patient" and one.specimen and one.specimen == other.specimen and names_somebody(one.specimen):
        found.append("the specimen id")
    rows = zip(one.observations, other.observations, strict=True)
    if any(_moved(was.observed_at, shift) != now.observed_at for was, now in rows):
        found.append("a date of its results")
    return found


def _kept(message: Message) -> tuple[object, ...]:
    rows = tuple(_row(seen) if seen.test or seen.number is not None else seen.code for seen in message.observations)
    return message.kind, message.complete, message.closed, bool(message.specimen), rows, message.curves


def _row(seen: Observation) -> tuple[object, ...]:
    what = (seen.code, seen.test, seen.value, seen.raw, seen.unit, seen.low, seen.high)
    return (*what, seen.flags, seen.status, seen.superseded, seen.aspect, seen.doubted)


def _moved(moment: str | None, shift: int) -> str | None:
    if moment is None or moment[:10].count("-") != 2:
        return moment
    return f"{date.fromisoformat(moment[:10]) + timedelta(days=shift)}{moment[10:]}"
