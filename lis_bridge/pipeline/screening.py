"""What is asked of a decoded entry before any tube hears of it: was anything understood, and is the link who it says it is? Pure.

A reason is the stable word in the quarantine; the detail names place and remedy (promises 8 and 9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lis_bridge.catalogue.plan import Decoded
from lis_bridge.core.results import Message


class Refused(NamedTuple):
    """Why an entry is quarantined whole."""

    reason: str
    detail: str


class Expectation(NamedTuple):
    """What is known of the instrument behind a link; ``others`` maps model names of other families to their driver."""

    serial: str | None
    models: frozenset[str]
    others: Mapping[str, str]


def screen(found: Decoded, expected: Expectation) -> Refused | None:
    """The reason to keep an entry from the tubes, or None."""
    if not found.messages:
        return _nothing(found)
    return next(filter(None, (_stranger(message, expected) for message in found.messages)), None)


def _nothing(found: Decoded) -> Refused:
    if found.faults:
        fault = found.faults[0]
        return Refused(fault.kind, f"{fault.where}: {fault.hint}")
    return Refused("no message", "nothing in these bytes is a message; check the driver and the link's framing")


def _stranger(message: Message, expected: Expectation) -> Refused | None:
    if expected.serial is not None and message.serial is not None and message.serial != expected.serial:
        return Refused(
            "another analyzer",
            f"the link is pinned to serial {expected.serial}, the message says {message.serial}; check the cable or the pin",
        )
    model = plain_model(message.model)
    if model and model not in expected.models and model in expected.others:
        return Refused("another model", f"{message.model} belongs to driver {expected.others[model]}; check the link's driver")
    return None


def plain_model(name: str | None) -> str:
    """A model's name without blanks, case and dashes: ``XN-550`` and ``xn 550`` are one."""
    return "".join(letter for letter in (name or "").casefold() if letter.isalnum())


def expectation(serial: str | None, models: Iterable[str], others: Mapping[str, Iterable[str]]) -> Expectation:
    """What to expect on a link: the pinned serial, the driver's models, and every other driver's."""
    own = frozenset(map(plain_model, models))
    foreign = {plain_model(model): driver for driver, names in others.items() for model in names}
    return Expectation(serial, own, foreign)
