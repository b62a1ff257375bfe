"""``deliveries``: what the LIS is owed, and what a person decides about a dead delivery."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from lis_bridge import outbox
from lis_bridge.core.reports import Report
from lis_bridge.core.results import Observation
from lis_bridge.outbox.sealing import keep_message
from lis_bridge.storage import Store
from lis_bridge.storage.schema.deliveries import delivery
from lis_bridge.storage.schema.tubes import tube

from .conftest import Run

AT = datetime(2026, 3, 17, 9, 45, tzinfo=UTC)
MESSAGE = "MSH|^~\\&|lis-bridge\rOBX|1|ST|X||阴性\r"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A site that owes the LIS a dead delivery (the first) and an open one."""
    path = tmp_path / "bridge.toml"
    path.write_text(
        '[site]\nid = "x"\n[storage]\nurl = "sqlite:///bridge.db"\n'
        '[[destination]]\nid = "lis"\nlink = "mllp://127.0.0.1:2575"\ncharset = "GB18030"\n'
    )
    with Store.open(f"sqlite:///{tmp_path}/bridge.db") as store, store.write() as tx:
        for key in ("20260317-001", "20260317-002"):
            tx.execute(insert(tube).values(key=key, specimen=key, created_at=AT.isoformat(), updated_at=AT.isoformat()))
        report = Report(Observation("GLU", "GLU", "5.10"), "F", "line-1")
        ids = [outbox.owe(tx, "lis", number, [report], stat=False, now=AT, window=2.0) for number in (1, 2)]
        keep_message(tx, "lis", ids[0], MESSAGE.encode("gb18030"))
        dead = {"state": "dead", "verdict": "AR", "lis_text": "unknown\rpatient", "attempts": 1}
        tx.execute(update(delivery).where(delivery.c.id == ids[0]).values(dead))
    return path


def listed(lis_bridge: Run, config: Path, *options: object) -> list[tuple[str, str]]:
    """Tube and state of every delivery that list shows."""
    done = lis_bridge("deliveries", "list", "-c", config, "--json", *options)
    assert done.stderr == ""
    return [(line["tube"], line["state"]) for line in json.loads(done.stdout)]


def number(lis_bridge: Run, config: Path) -> int:
    """The dead delivery's."""
    found: int = json.loads(lis_bridge("deliveries", "list", "-c", config, "--json", "--state", "dead").stdout)[0]["id"]
    return found


def test_list_shows_the_newest_first_and_filters(lis_bridge: Run, config: Path) -> None:
    assert listed(lis_bridge, config) == [("20260317-002", "open"), ("20260317-001", "dead")]
    assert listed(lis_bridge, config, "--state", "open") == [("20260317-002", "open")]
    assert listed(lis_bridge, config, "--destination", "other") == []


def test_words_of_the_lis_stay_on_their_line(lis_bridge: Run, config: Path) -> None:
    said = lis_bridge("deliveries", "list", "-c", config).stdout
    assert "unknown\N{MIDDLE DOT}patient" in said
    assert len(said.splitlines()) == 3


def test_show_gives_the_message_in_the_destination_s_charset(lis_bridge: Run, config: Path) -> None:
    id = number(lis_bridge, config)
    document = json.loads(lis_bridge("deliveries", "show", id, "-c", config, "--json").stdout)
    assert (document["delivery"]["verdict"], document["message"]) == ("AR", MESSAGE)
    assert "OBX|1|ST|X||阴性\n" in lis_bridge("deliveries", "show", id, "-c", config).stdout


def test_open_delivery_has_no_message_yet(lis_bridge: Run, config: Path) -> None:
    document = json.loads(lis_bridge("deliveries", "show", number(lis_bridge, config) + 1, "-c", config, "--json").stdout)
    assert (document["delivery"]["state"], document["message"]) == ("open", None)


@pytest.mark.parametrize(("decision", "state"), [("resend", "pending"), ("dismiss", "dismissed")])
def test_dead_delivery_is_decided_about_once(decision: str, state: str, lis_bridge: Run, config: Path) -> None:
    id = number(lis_bridge, config)
    assert lis_bridge("deliveries", decision, id, "-c", config).returncode == 0
    assert listed(lis_bridge, config)[1] == ("20260317-001", state)
    again = lis_bridge("deliveries", decision, id, "-c", config)
    assert again.returncode == 2
    assert again.stderr.startswith(f"delivery {id}: it is {state} (")


@pytest.mark.parametrize(("decision", "event"), [("resend", "delivery resent"), ("dismiss", "delivery dismissed")])
def test_who_decided_about_a_delivery_is_written_down_once_it_is_so(
    decision: str, event: str, lis_bridge: Run, config: Path
) -> None:
    id = number(lis_bridge, config)
    for expected in (0, 2):  # the second time there is nothing to decide
        assert lis_bridge("deliveries", decision, id, "-c", config, "--by", "Lin").returncode == expected
        (line,) = json.loads(lis_bridge("audit", "list", "-c", config, "--json").stdout)
        assert (line["action"], line["subject"], line["actor"]) == (event, f"delivery {id}", "Lin")


def test_delivery_that_is_not_there_is_refused(lis_bridge: Run, config: Path) -> None:
    for word in ("show", "resend", "dismiss"):
        done = lis_bridge("deliveries", word, 999999, "-c", config)
        assert done.returncode == 2
        assert "there is no such delivery" in done.stderr
