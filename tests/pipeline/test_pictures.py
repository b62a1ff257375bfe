"""Pictures and curves from the journal to the LIS: with their results, once, and never with somebody else's."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import hl7

from lis_bridge import attachments, journal, outbox
from lis_bridge.catalogue.derive import Formulas
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.pipeline.deciding import Decisions
from lis_bridge.pipeline.process import Instrument, Process
from lis_bridge.pipeline.screening import expectation
from lis_bridge.settings import Destination
from lis_bridge.storage import Store
from lis_bridge.tubes import views
from lis_bridge.tubes.keys import SpecimenRules

from .clocks import Stopped

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 18, 3, 0, tzinfo=UTC)
LIBRARY, TESTS = Library.load(resources.drivers()), TestCatalogue.load()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))


def lis(attachments: str) -> Destination:
    return Destination.model_validate(
        {"id": "lis", "link": "mllp://127.0.0.1:2575", "window_seconds": 0, "attachments": attachments}
    )


def step(wanted: str = "forward") -> Process:
    plan = LIBRARY.plan("dymind-dh", TESTS, zone=ZONE)
    rules = SpecimenRules(re.compile(r"[A-Za-z0-9-]{8,}"), 24, ZONE)
    instrument = Instrument(plan, expectation(None, plan.manifest.models, {}), "dymind-1")
    return Process({"one": instrument}, [lis(wanted)], rules, TESTS, Formulas.load(), Stopped(NOW))


def blood_count(specimen: str, control_id: int, *, picture: bytes = PNG, wbc: str = "6.40") -> bytes:
    image = base64.b64encode(picture).decode()
    lines = (
        f"MSH|^~\\&|DH76|Dymind|||20260318104500||ORU^R01|{control_id}|P|2.3.1||||||UNICODE",
        "PID|1||||Zhang San||19800101|M",
        f"OBR|1||{specimen}|00001^Automated Count^99MRC||20260318100000|20260318103000",
        f"OBX|1|NM|6690-2^WBC^LN||{wbc}|10*9/L|4.00-10.00||||F",
        f"OBX|2|ED|12003^WBC Histogram. PNG^99MRC||^Image^PNG^Base64^{image}||||||F",
    )
    return b"\x0b" + "\r".join(lines).encode() + b"\r\x1c\r"


def arrives(store: Store, process: Process, raw: bytes) -> None:
    with store.write() as tx:
        entry = journal.get(tx, journal.append(tx, journal.Entry("one", "", NOW, "mllp", True, raw)))
        assert entry is not None
        process(tx, entry)


def sent(store: Store) -> list[list[list[str]]]:
    """The OBX of every message in order, read by python-hl7."""
    with store.read() as tx:
        lines = sorted(outbox.lines(tx, limit=50), key=lambda line: line.id)
        raw = [outbox.get(tx, line.id) for line in lines]
    return [
        [[str(field) for field in row] for row in hl7.parse(one.message.decode()) if str(row[0]) == "OBX"]
        for one in raw
        if one is not None and one.message is not None
    ]


def pictures(message: list[list[str]]) -> list[tuple[str, str, str]]:
    return [(row[3], row[5], row[11]) for row in message if row[2] == "ED"]


def test_a_picture_goes_with_the_results_that_it_came_with(store: Store) -> None:
    arrives(store, step(), blood_count("2603180457", 1))
    (message,) = sent(store)
    assert pictures(message) == [("12003^^L", f"^IM^PNG^Base64^{base64.b64encode(PNG).decode()}", "F")]
    assert [row[1] for row in message] == ["1", "2"]


def test_a_destination_gets_no_picture_that_it_did_not_ask_for(store: Store) -> None:
    arrives(store, step("drop"), blood_count("2603180457", 1))
    assert [pictures(message) for message in sent(store)] == [[]]
    with store.read() as tx:
        tube = views.find(tx, "2603180457")
        assert tube is not None
        (kept,) = attachments.lines(tx, tube)
        assert (kept.code, kept.media, attachments.content(tx, kept.id)) == ("12003", "image/png", PNG)


def test_a_picture_that_comes_again_is_kept_and_sent_once(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    arrives(store, process, blood_count("2603180457", 2, wbc="6.60"))
    assert [len(pictures(message)) for message in sent(store)][1:] in ([], [0])
    with store.read() as tx:
        tube = views.find(tx, "2603180457")
        assert tube is not None
        assert len(attachments.lines(tx, tube)) == 1


def test_a_picture_of_held_results_waits_until_they_are_released(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    arrives(store, process, blood_count("2603180458", 2))  # the same time and value under another specimen: held
    assert [len(pictures(message)) for message in sent(store)] == [1]
    with store.write() as tx:
        (hold,) = views.holds(tx)
        Decisions(tx, [lis("forward")], "wu", NOW).release(hold.id)
        sealed = outbox.seal(tx, "lis", now=NOW, build=_build(tx), mark=lambda tx, tube, seq: None)
    assert len(sealed.owed) == 1
    assert [len(pictures(message)) for message in sent(store)] == [1, 1]


def test_moved_results_take_their_picture_along_and_the_lis_hears_of_both(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    with store.write() as tx:
        tube = views.find(tx, "2603180457")
        assert tube is not None
        run = next(run for run in views.view(tx, tube).runs if run.standing == "reported")
        slot = (run.source, run.observation.code, run.observation.aspect)
        Decisions(tx, [lis("forward")], "wu", NOW).move_results(tube, [slot], "2603180499", {})
    for hour in (4, 5):  # the withdrawal first; what follows waits for it
        with store.write() as tx:
            made = outbox.seal(
                tx, "lis", now=datetime(2026, 3, 18, hour, tzinfo=UTC), build=_build(tx), mark=lambda tx, tube, seq: None
            )
            for owed in made.owed:
                outbox.settle(tx, owed.id, "AA", "", NOW, outbox.Policy(3))
    messages = sent(store)
    assert [[(code, status) for code, _, status in pictures(message)] for message in messages] == [
        [("12003^^L", "F")],
        [("12003^^L", "W")],
        [("12003^^L", "F")],
    ]
    assert pictures(messages[1])[0][1] == '^IM^PNG^Base64^""'


def _build(tx: object) -> outbox.sealing.Build:
    from lis_bridge.forward.oru import Builder
    from lis_bridge.pipeline.pictures import building

    return building(tx, Builder(lis("forward"), TESTS), lis("forward"), NOW.astimezone(ZONE))  # type: ignore[arg-type]
