"""Blood counts with pictures through the process step and the outbox, for tests of what a LIS hears of them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import hl7
from sqlalchemy import Connection

from lis_bridge import journal, outbox
from lis_bridge.catalogue.derive import Formulas
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.forward.oru import Builder
from lis_bridge.pipeline.deciding import Reader
from lis_bridge.pipeline.pictures import building
from lis_bridge.pipeline.process import Instrument, Process
from lis_bridge.pipeline.screening import expectation
from lis_bridge.settings import Destination
from lis_bridge.storage import Store
from lis_bridge.tubes import views
from lis_bridge.tubes.events import Slot
from lis_bridge.tubes.keys import SpecimenRules
from lis_bridge.tubes.store import Tubes

from .clocks import Stopped

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 18, 3, 0, tzinfo=UTC)
LIBRARY, TESTS = Library.load(resources.drivers()), TestCatalogue.load()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


RBC = ("789-8", "RBC", "4.51")
PLAN = LIBRARY.plan("dymind-dh", TESTS, zone=ZONE)
READER = Reader({"one": PLAN}, Formulas.load(), TESTS)


def lis(attachments: str, id: str = "lis", window: float = 0) -> Destination:
    return Destination.model_validate(
        {"id": id, "link": "mllp://127.0.0.1:2575", "window_seconds": window, "attachments": attachments}
    )


def step(
    wanted: str = "forward", *, window: float = 0, lises: Sequence[Destination] = (), require_order: bool = False
) -> Process:
    rules = SpecimenRules(re.compile(r"[A-Za-z0-9-]{8,}"), 24, ZONE)
    instrument = Instrument(PLAN, expectation(None, PLAN.manifest.models, {}), "dymind-1", require_order)
    return Process({"one": instrument}, lises or [lis(wanted, window=window)], rules, TESTS, Formulas.load(), Stopped(NOW))


def blood_count(
    specimen: str,
    control_id: int,
    *,
    picture: bytes | None = PNG,
    wbc: str = "6.40",
    more: tuple[str, str, str] | None = None,
    at: str = "20260318100000",
) -> bytes:
    results = [("6690-2", "WBC", wbc), *([more] if more else [])]
    return message(specimen, control_id, results, {} if picture is None else {"12003": picture}, at)


def other_results(control_id: int) -> bytes:
    """What another message brings the same tube: whatever waits goes along with it."""
    return message("2603180457", control_id, [("718-7", "HGB", "131")], {}, "20260318102000")


def message(
    specimen: str, control_id: int, results: Sequence[tuple[str, str, str]], images: Mapping[str, bytes], at: str
) -> bytes:
    lines = [
        f"MSH|^~\\&|DH76|Dymind|||20260318104500||ORU^R01|{control_id}|P|2.3.1||||||UNICODE",
        "PID|1||||Zhang San||19800101|M",
        f"OBR|1||{specimen}|00001^Automated Count^99MRC||{at}|{at}",
        *(f"OBX|1|NM|{code}^{name}^LN||{value}|{_unit(name)}|||||F" for code, name, value in results),
    ]
    for code, data in images.items():
        lines.append(f"OBX|2|ED|{code}^Histogram. PNG^99MRC||^Image^PNG^Base64^{base64.b64encode(data).decode()}||||||F")
    return b"\x0b" + "\r".join(lines).encode() + b"\r\x1c\r"


def _unit(name: str) -> str:
    return {"WBC": "10*9/L", "RBC": "10*12/L", "HGB": "g/L"}[name]


def arrives(store: Store, process: Process, raw: bytes) -> None:
    with store.write() as tx:
        entry = journal.get(tx, journal.append(tx, journal.Entry("one", "", NOW, "mllp", True, raw)))
        assert entry is not None
        process(tx, entry)


def sent(store: Store, to: str = "lis") -> list[list[list[str]]]:
    """The OBX of every message in order, read by python-hl7."""
    with store.read() as tx:
        lines = sorted((line for line in outbox.lines(tx, limit=50) if line.destination == to), key=lambda line: line.id)
        raw = [outbox.get(tx, line.id) for line in lines]
    return [
        [[str(field) for field in row] for row in hl7.parse(one.message.decode()) if str(row[0]) == "OBX"]
        for one in raw
        if one is not None and one.message is not None
    ]


def pictures(message: list[list[str]]) -> list[tuple[str, str, str]]:
    return [(row[3], row[5], row[11]) for row in message if row[2] == "ED"]


def told(store: Store, to: str = "lis") -> list[list[str]]:
    """OBX-11 of each picture, message by message."""
    return [[status for _, _, status in pictures(message)] for message in sent(store, to)]


def seal(store: Store, to: Destination | None = None) -> None:
    """Deliver whatever is owed, until nothing more is: what waits for another delivery goes behind it."""
    to = to or lis("forward")
    later = NOW + timedelta(minutes=1)
    for _ in range(5):
        later += timedelta(minutes=1)
        with store.write() as tx:
            build = building(tx, Builder(to, TESTS), to, NOW.astimezone(ZONE))
            outbox.seal(tx, to.id, now=later, build=build, mark=Tubes().seal)
            for owed in outbox.pending(tx, to.id):
                outbox.settle(tx, owed.id, "AA", "", later, outbox.Policy(3))


def tube_of(tx: Connection, specimen: str) -> int:
    found = views.find(tx, specimen)
    assert found is not None
    return found


def slots(tx: Connection, tube: int, code: str) -> list[Slot]:
    runs = views.view(tx, tube).runs
    return [(run.source, run.observation.code, "") for run in runs if (run.standing, run.observation.code) == ("reported", code)]
