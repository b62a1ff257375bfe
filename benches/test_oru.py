"""The message that the LIS gets, beside the same message written with python-hl7's own classes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import hl7

from benches import messages, subjects
from benches.race import Contestant, Race
from lis_bridge.core import moments
from lis_bridge.core.reports import Head, Report
from lis_bridge.forward.oru import Builder
from lis_bridge.settings import Destination

SIZE = 220
NOW = datetime(2026, 3, 17, 10, tzinfo=subjects.ZONE)
Tube = tuple[Head, tuple[Report, ...], str]


def test_building_the_oru(race: Callable[..., Race]) -> None:
    """ORU^R01 of 220 results for the LIS (µs a message)"""
    plan = subjects.plan(subjects.HL7_DRIVER, SIZE)
    destination = Destination.model_validate({"id": "lis", "link": "mllp://127.0.0.1:2575"})
    builder = Builder(destination, subjects.catalogue())
    tubes: list[Tube] = []
    for number, text in enumerate(subjects.hl7(SIZE)):
        (message,) = plan.decode(messages.mllp(text)).messages
        reports = tuple(Report(one, "F", "line-1") for one in message.observations)
        tubes.append((Head(str(message.specimen), str(message.specimen)), reports, f"LB-{number:010d}"))

    def ours(tube: Tube) -> bytes:
        return builder.build(*tube, NOW)

    theirs = _observations(_written(tubes[7]))
    assert _observations(ours(tubes[7])) == theirs
    assert len(theirs) == SIZE
    race(
        [
            Contestant("lis-bridge", ours, tubes),
            Contestant("f-strings, nothing else", _floor, tubes),
            Contestant("python-hl7", _written, tubes),
        ],
        goals={"python-hl7": 1 / 60},
        reference="f-strings, nothing else",
    )


def _observations(message: bytes) -> list[str]:
    return [line for line in message.decode().split("\r") if line.startswith("OBX")]


def _floor(tube: Tube) -> bytes:
    """A row of constants and one value each: no names, no units, no escapes."""
    return "\r".join(
        [f"OBX|{at}|NM|{one.observation.code}||{one.observation.value}|U/L|1-2|N|||F" for at, one in enumerate(tube[1])]
    ).encode()


def _written(tube: Tube) -> bytes:
    """The same rows through python-hl7's own constructors; it escapes every text, as a sender must."""
    head, reports, control_id = tube
    message = hl7.Message("\r")
    msh = ["MSH", "|", "^~\\&", "lis-bridge", "", "", "", "20260317100000+0800", "", "ORU^R01^ORU_R01", control_id, "P", "2.5.1"]
    message.append(message.create_segment([message.create_field([text]) for text in msh]))
    message.append(message.create_segment([message.create_field([text]) for text in ("OBR", "1", "", head.key)]))
    message.extend(_row(message, at, report) for at, report in enumerate(reports, 1))
    return str(message).encode()


def _row(message: Any, at: int, report: Report) -> Any:
    one = report.observation
    test = subjects.catalogue().test(one.test or "")
    assert test is not None
    coded = (test.loinc, test.long_name, "LN") if test.loinc else ("", "", "")
    limits = f"{one.low}-{one.high}" if one.low or one.high else ""
    texts: list[str | tuple[str, ...]] = ["OBX", str(at), "NM", (test.code, test.name_zh, "L", *coded), "", one.value or ""]
    texts += [test.ucum, limits, one.abnormal or "", "", "", report.status, "", ""]
    texts += [moments.hl7(one.observed_at or ""), "", "", "", report.analyzer]
    return message.create_segment([_field(message, text) for text in texts])


def _field(message: Any, text: str | tuple[str, ...]) -> Any:
    if isinstance(text, str):
        return message.create_field([message.escape(text)])
    return message.create_field(
        [message.create_repetition([message.create_component([_escape(message, part)]) for part in text])]
    )


def _escape(message: Any, text: str) -> str:
    """Its ``escape`` would turn every Chinese character into a sequence of its own, which no LIS reads."""
    return str(message.escape(text)) if text.isascii() else text
