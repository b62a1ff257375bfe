"""``quarantine`` and ``replay`` beside a service: what waits for a person, and what he decides."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from lis_bridge import journal
from lis_bridge.journal import Entry
from lis_bridge.storage import Store
from lis_bridge.storage.schema.holds import hold

from .conftest import Run

AT = datetime(2026, 3, 17, 9, 45, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A site whose journal holds: 1 quarantined of a1, 2 done with an open hold of a1, 3 done, 4 quarantined of a2."""
    path = tmp_path / "bridge.toml"
    path.write_text('[site]\nid = "x"\n[storage]\nurl = "sqlite:///bridge.db"\n')
    with Store.open(f"sqlite:///{tmp_path}/bridge.db") as store, store.write() as tx:
        for analyzer, raw in (("a1", b"\x0bMSH|\xff\r\x1c\r"), ("a1", b"two"), ("a1", b"three"), ("a2", b"four")):
            journal.append(tx, Entry(analyzer, "", AT, "mllp", True, raw))
        for id in (1, 4):
            journal.quarantine(tx, id, "no dialect", "check the driver")
        for id in (2, 3):
            journal.done(tx, id, "mindray-bs", 1)
        for id, state in ((2, "open"), (3, "released")):
            waits = {"journal_id": id, "analyzer": "a1", "reason": "unknown code", "state": state, "created_at": AT.isoformat()}
            tx.execute(insert(hold).values(waits))
    return path


def states(config: Path) -> list[str]:
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.read() as tx:
        return [line.state for line in reversed(journal.lines(tx))]


def test_list_shows_reason_and_remedy_of_what_is_quarantined(lis_bridge: Run, config: Path) -> None:
    listed = json.loads(lis_bridge("quarantine", "list", "-c", config, "--json").stdout)
    assert [(line["id"], line["analyzer"], line["reason"]) for line in listed["messages"]] == [
        (4, "a2", "no dialect"),
        (1, "a1", "no dialect"),
    ]
    assert [(line["id"], line["journal_id"], line["reason"]) for line in listed["holds"]] == [(1, 2, "unknown code")]
    said = lis_bridge("quarantine", "list", "-c", config).stdout.splitlines()
    assert [line.split()[0] for line in said] == ["hold", "h1", "message", "4", "1"]
    assert said[1].endswith("Map the code, then replay")
    assert said[4].endswith("check the driver")


def test_show_gives_the_wire_s_bytes_exactly(lis_bridge: Run, config: Path, tmp_path: Path) -> None:
    assert "<VT>MSH|<xFF><CR>\n<FS><CR>\n" in lis_bridge("quarantine", "show", 1, "-c", config).stdout
    document = json.loads(lis_bridge("quarantine", "show", 1, "-c", config, "--json").stdout)
    assert (document["message"]["bytes"], document["raw"]) == (9, "C01TSHz/DRwN")


def test_show_of_a_hold_gives_the_message_that_it_came_in(lis_bridge: Run, config: Path) -> None:
    document = json.loads(lis_bridge("quarantine", "show", "h1", "-c", config, "--json").stdout)
    assert (document["hold"]["reason"], document["message"]["entry"], document["raw"]) == ("unknown code", 2, "dHdv")
    assert "hold          h1\n" in lis_bridge("quarantine", "show", "h1", "-c", config).stdout


@pytest.mark.parametrize("id", ["99", "h99", "x1"])
def test_show_of_what_is_not_there_is_refused(id: str, lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("quarantine", "show", id, "-c", config)
    assert (done.returncode, done.stdout) == (2, "")


def test_replayed_message_is_pending_again(lis_bridge: Run, config: Path) -> None:
    assert lis_bridge("quarantine", "replay", 4, "-c", config).returncode == 0
    assert states(config) == ["quarantined", "done", "done", "pending"]


def test_replayed_hold_makes_its_message_pending_again(lis_bridge: Run, config: Path) -> None:
    assert lis_bridge("quarantine", "replay", "h1", "-c", config).returncode == 0
    assert states(config) == ["quarantined", "pending", "done", "quarantined"]


def test_message_that_is_done_is_not_replayed_from_the_quarantine(lis_bridge: Run, config: Path) -> None:
    assert lis_bridge("quarantine", "replay", 3, "-c", config).returncode == 2
    assert states(config) == ["quarantined", "done", "done", "quarantined"]


def test_discard_keeps_the_bytes_and_who_and_why(lis_bridge: Run, config: Path) -> None:
    assert lis_bridge("quarantine", "discard", 1, "-c", config).returncode == 2  # without a reason
    assert lis_bridge("quarantine", "discard", 1, "-c", config, "--by", "Lin", "--why", "service test").returncode == 0
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.read() as tx:
        found = journal.get(tx, 1)
    assert found is not None
    assert (found.state, found.detail, found.raw) == ("discarded", "Lin: service test", b"\x0bMSH|\xff\r\x1c\r")


@pytest.mark.parametrize(
    ("options", "replayed"),
    [
        (["--quarantined"], [1, 4]),
        (["--held"], [2]),
        (["--quarantined", "--held"], [1, 2, 4]),
        (["--quarantined", "--held", "--analyzer", "a1"], [1, 2]),
        ([3], [3]),
        (["--quarantined", 3], [1, 3, 4]),
    ],
    ids=str,
)
def test_replay_takes_what_waits_and_nothing_else(
    options: list[object], replayed: list[int], lis_bridge: Run, config: Path
) -> None:
    before = states(config)
    done = lis_bridge("replay", "-c", config, "--json", *options)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"replayed": replayed})
    assert states(config) == ["pending" if id in replayed else before[id - 1] for id in range(1, 5)]


def test_replay_of_nothing_chosen_is_refused(lis_bridge: Run, config: Path) -> None:
    assert lis_bridge("replay", "-c", config).returncode == 2
    assert states(config) == ["quarantined", "done", "done", "quarantined"]


def test_replay_is_whole_or_not_at_all(lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("replay", "-c", config, 1, 99)
    assert done.returncode == 2
    assert done.stderr.startswith("journal entry 99: there is no such entry")
    assert states(config) == ["quarantined", "done", "done", "quarantined"]


def test_replay_where_nothing_waits_says_so(lis_bridge: Run, config: Path) -> None:
    assert lis_bridge("replay", "-c", config, "--quarantined", "--analyzer", "none").returncode == 1


def test_command_makes_no_database(lis_bridge: Run, config: Path) -> None:
    (config.parent / "bridge.db").unlink()
    done = lis_bridge("quarantine", "list", "-c", config)
    assert done.returncode == 4
    assert done.stderr.startswith(f"{config.parent}/bridge.db: no database is there yet (")
    assert not (config.parent / "bridge.db").exists()


def test_decisions_are_made_beside_a_running_service(lis_bridge: Run, config: Path) -> None:
    with Store.open(f"sqlite:///{config.parent}/bridge.db", exclusive=True):
        assert lis_bridge("replay", "-c", config, "--quarantined").returncode == 0
    assert states(config) == ["pending", "done", "done", "pending"]
