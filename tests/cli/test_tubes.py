"""``tubes``, ``tube`` and the decisions about holds, on a database that the real rooms have filled."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from lis_bridge import journal, outbox, settings
from lis_bridge.core.holds import Reason
from lis_bridge.core.results import Message, Observation, Patient
from lis_bridge.journal import Entry
from lis_bridge.outbox import Line
from lis_bridge.runtime.plans import compiled
from lis_bridge.storage import Store, schema
from lis_bridge.tubes import keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.store import Arrival, Tubes

from .conftest import Run

AT = datetime(2026, 3, 17, 9, 45, tzinfo=UTC)


def glucose(value: str) -> Observation:
    return Observation("GLU-D", "GLU", value, value, Decimal(value), unit="mmol/L", observed_at="2026-03-17T09:40:00+08:00")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A site with a reported tube SPECIMEN-1 and a tube SPECIMEN-2 whose transmission was cut off (h1)."""
    path = tmp_path / "bridge.toml"
    path.write_text(
        '[site]\nid = "x"\n[storage]\nurl = "sqlite:///bridge.db"\n'
        '[[destination]]\nid = "lis"\nlink = "mllp://127.0.0.1:2575"\n[[destination]]\nid = "archive"\nlink = "mllp://127.0.0.1:2576"\n'
    )
    messages = (
        Message("patient", "SPECIMEN-1", Patient("P1", "Test^One"), observations=(glucose("5.10"),)),
        Message("patient", "SPECIMEN-2", observations=(glucose("6.20"),), complete=False),
    )
    with Store.open(f"sqlite:///{tmp_path}/bridge.db") as store, store.write() as tx:
        for message in messages:
            entry = journal.append(tx, Entry("a1", "", AT, "mllp", message.complete, b"x"))
            Tubes().file(tx, message, keys.named(message.specimen or ""), Context("a1"), Arrival(entry, 0, AT))
            journal.done(tx, entry, "mindray-bs", 1)
    return path


def owed(config: Path) -> list[Line]:
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.read() as tx:
        return sorted(outbox.lines(tx), key=lambda line: line.id)


def tube(lis_bridge: Run, config: Path, key: str) -> Any:
    done = lis_bridge("tube", key, "-c", config, "--json")
    assert done.stderr == ""
    return json.loads(done.stdout)


def standings(document: Any) -> list[tuple[str, str]]:
    return [(run["observation"][2], run["standing"]) for run in document["runs"]]


def test_list_finds_tubes_and_those_with_holds(lis_bridge: Run, config: Path) -> None:
    def keys_of(*options: str) -> list[str]:
        return [line["key"] for line in json.loads(lis_bridge("tubes", "-c", config, "--json", *options).stdout)]

    assert keys_of() == ["SPECIMEN-2", "SPECIMEN-1"]
    assert keys_of("--search", "test^one") == ["SPECIMEN-1"]
    assert keys_of("--held") == ["SPECIMEN-2"]
    assert keys_of("--limit", "1") == ["SPECIMEN-2"]
    assert keys_of("--before", "2") == ["SPECIMEN-1"]


def states(lis_bridge: Run, config: Path) -> dict[str, str]:
    """What the list says of each tube; as a table it says the same."""
    found = {line["key"]: line["state"] for line in json.loads(lis_bridge("tubes", "-c", config, "--json").stdout)}
    printed = lis_bridge("tubes", "-c", config).stdout
    assert all(re.search(rf"{key} .* {state} ", printed) for key, state in found.items()), printed
    return found


def sealed(config: Path, verdict: str = "") -> None:
    """Every window closes; with a ``verdict`` the LIS answers so."""
    later, policy = datetime.now(UTC) + timedelta(hours=1), outbox.Policy(0)
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.write() as tx:
        for to in ("lis", "archive"):
            owed = outbox.seal(tx, to, now=later, build=lambda *_: b"MSH|", mark=lambda *_: None).owed
            for one in owed if verdict else ():
                outbox.settle(tx, one.id, verdict, "", later, policy)


def test_list_says_what_became_of_each_tube(lis_bridge: Run, config: Path) -> None:
    assert states(lis_bridge, config) == {"SPECIMEN-1": "measuring", "SPECIMEN-2": "held"}
    lis_bridge("quarantine", "release", "h1", "-c", config)
    assert states(lis_bridge, config)["SPECIMEN-2"] == "waiting"
    sealed(config, "AA")
    assert states(lis_bridge, config)["SPECIMEN-2"] == "delivered"


def test_tube_whose_deliveries_a_person_gave_up_is_not_being_measured(lis_bridge: Run, config: Path) -> None:
    lis_bridge("quarantine", "release", "h1", "-c", config)
    sealed(config, "AR")
    assert states(lis_bridge, config)["SPECIMEN-2"] == "refused"
    for line in owed(config):
        assert lis_bridge("deliveries", "dismiss", line.id, "-c", config).returncode == 0
    assert states(lis_bridge, config) == {"SPECIMEN-1": "measuring", "SPECIMEN-2": "dismissed"}


def test_tube_whose_results_were_withdrawn_before_they_were_told_is_not_being_measured(lis_bridge: Run, config: Path) -> None:
    lis_bridge("quarantine", "release", "h1", "-c", config)
    assert lis_bridge("move", "SPECIMEN-2", "--to", "SPECIMEN-3", "-c", config, "--yes").returncode == 0
    sealed(config, "AA")
    found = states(lis_bridge, config)
    assert (found["SPECIMEN-2"], found["SPECIMEN-3"]) == ("dismissed", "delivered")


def test_a_long_list_says_states_too(lis_bridge: Run, config: Path) -> None:
    at = AT.isoformat()
    named = ({"key": f"T{number}", "specimen": f"T{number}", "created_at": at, "updated_at": at} for number in range(40_000))
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.write() as tx:
        tx.execute(insert(schema.tubes.tube), list(named))
    done = lis_bridge("tubes", "-c", config, "--limit", "50000", "--json")
    assert len(json.loads(done.stdout)) == 40_002


def test_tube_shows_its_results_and_why_they_are_held(lis_bridge: Run, config: Path) -> None:
    assert standings(tube(lis_bridge, config, "SPECIMEN-1")) == [("5.10", "reported")]
    said = lis_bridge("tube", "SPECIMEN-2", "-c", config).stdout
    assert "held: transmission cut off (h1)" in said
    assert "nothing was sent" in said


def test_tube_that_is_not_there_is_refused(lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("tube", "SPECIMEN-9", "-c", config)
    assert (done.returncode, done.stderr[:35]) == (2, "SPECIMEN-9: there is no such tube (")


def test_released_hold_is_owed_to_every_destination_once(lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("quarantine", "release", "h1", "-c", config, "--by", "Lin")
    assert (done.returncode, done.stdout) == (0, "h1 is released: 1 results go to the LIS\n")
    assert [(line.destination, line.tube, line.results) for line in owed(config)] == [
        ("lis", "SPECIMEN-2", 1),
        ("archive", "SPECIMEN-2", 1),
    ]
    assert standings(tube(lis_bridge, config, "SPECIMEN-2")) == [("6.20", "reported")]
    again = lis_bridge("quarantine", "release", "h1", "-c", config, "--by", "Lin")
    assert again.returncode == 1
    assert again.stderr.startswith("hold 1: this hold is released already (")
    assert len(owed(config)) == 2


def test_discarded_hold_is_owed_to_nobody(lis_bridge: Run, config: Path) -> None:
    assert lis_bridge("quarantine", "discard", "h1", "-c", config, "--by", "Lin").returncode == 0
    assert owed(config) == []
    shown = json.loads(lis_bridge("quarantine", "show", "h1", "-c", config, "--json").stdout)["hold"]
    assert (shown["state"], shown["decided_by"]) == ("discarded", "Lin")


def test_moved_hold_is_reported_under_the_other_specimen_only(lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("quarantine", "move", "h1", "--to", "SPECIMEN-3", "-c", config, "--by", "Lin")
    assert (done.returncode, done.stderr) == (0, "")
    assert [(line.destination, line.tube, line.results) for line in owed(config)] == [
        ("lis", "SPECIMEN-3", 1),
        ("archive", "SPECIMEN-3", 1),
    ]
    assert standings(tube(lis_bridge, config, "SPECIMEN-3")) == [("6.20", "reported")]
    assert "reported" not in dict(standings(tube(lis_bridge, config, "SPECIMEN-2"))).values()


def test_message_without_a_specimen_is_filed_under_the_one_that_a_person_names(lis_bridge: Run, config: Path) -> None:
    capture = Path(__file__).parents[2] / "drivers" / "mindray-bs" / "captures" / "mindray-bs--01.hl7"
    config.write_text(
        config.read_text() + '[[analyzer]]\nid = "line-1"\ndriver = "mindray-bs"\nlink = "tcp-listen://127.0.0.1:5100"\n'
    )
    message = compiled(settings.load(config)).plans["line-1"].decode(capture.read_bytes()).messages[0]
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.write() as tx:
        entry = journal.append(tx, Entry("line-1", "", AT, "mllp", True, capture.read_bytes()))
        nameless = keys.Key("", "", doubt=Reason.SPECIMEN_MISSING, detail="the message names no specimen")
        receipt = Tubes().file(tx, message, nameless, Context("line-1"), Arrival(entry, 0, AT))
        journal.done(tx, entry, "mindray-bs", 1)
    done = lis_bridge("quarantine", "move", f"h{receipt.opened[0]}", "--to", "SPECIMEN-4", "-c", config, "--by", "Lin")
    assert (done.returncode, done.stderr) == (0, "")
    values = [seen.value for seen in message.observations if seen.is_result]
    assert [run["observation"][2] for run in tube(lis_bridge, config, "SPECIMEN-4")["runs"]] == values
    assert [(line.destination, line.tube) for line in owed(config)] == [("lis", "SPECIMEN-4"), ("archive", "SPECIMEN-4")]


def test_whole_message_is_neither_released_nor_moved(lis_bridge: Run, config: Path) -> None:
    assert lis_bridge("quarantine", "release", "1", "-c", config).returncode == 2
    assert lis_bridge("quarantine", "move", "1", "--to", "SPECIMEN-3", "-c", config).returncode == 2
