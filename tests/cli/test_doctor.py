"""``doctor`` says what is wrong with this machine before an analyzer finds out."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lis_bridge import journal, settings
from lis_bridge.core.faults import Fault
from lis_bridge.runtime import checkups, status, vitals
from lis_bridge.runtime.checkups import Line
from lis_bridge.runtime.status import AnalyzerStatus, DestinationStatus, Snapshot
from lis_bridge.storage import Store

from .conftest import Run

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@pytest.fixture
def listener() -> Iterator[int]:
    """A port of this machine that answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def configuration(folder: Path, link: str, lis: int) -> Path:
    path = folder / "bridge.toml"
    path.write_text(
        f'[site]\nid = "x"\n[storage]\nurl = "sqlite:///bridge.db"\n[[analyzer]]\nid = "a1"\ndriver = "mindray-bs"\nlink = "{link}"\n'
        f'[[destination]]\nid = "lis"\nlink = "mllp://127.0.0.1:{lis}"\n[console]\nenabled = false\n'
    )
    return path


def lines(folder: Path, link: str, lis: int, now: datetime = NOW) -> dict[str, Line]:
    return {line.check: line for line in checkups.site(settings.load(configuration(folder, link, lis)), now)}


def test_machine_that_is_fit_gets_no_failure() -> None:
    found = {line.check: line.state for line in checkups.machine(NOW)}
    assert found == {"python": "ok", "sqlite": "ok", "clock": "ok", "serial ports": "ok"}


def test_clock_before_the_bridge_was_written_fails() -> None:
    assert {line.check: line.state for line in checkups.machine(datetime(2000, 1, 1, tzinfo=UTC))}["clock"] == "fail"


def test_site_that_is_ready_gets_no_failure(tmp_path: Path, listener: int, free_port: int) -> None:
    found = lines(tmp_path, f"tcp-listen://127.0.0.1:{free_port}", listener)
    assert {name: line.state for name, line in found.items()} == {
        "disk space": "ok",
        "fsync": found["fsync"].state,
        "database": "ok",
        "service": "ok",
        "a1": "ok",
        "lis": "ok",
    }
    assert found["fsync"].state != "fail"
    assert list(tmp_path.iterdir()) == [tmp_path / "bridge.toml"]


def test_port_in_use_fails_and_says_how_to_find_the_holder(tmp_path: Path, listener: int) -> None:
    line = lines(tmp_path, f"tcp-listen://127.0.0.1:{listener}", listener)["a1"]
    assert line.state == "fail"
    assert f"sport = :{listener}" in line.remedy


def said(folder: Path, link: str, **values: Any) -> None:
    """A service of this configuration that last spoke a second before ``NOW``; ``values`` differ."""
    analyzer = AnalyzerStatus(id="a1", driver="mindray-bs", link=link, state="running", connections=1, heard_at=NOW, messages=7)
    destinations = (DestinationStatus(id="lis", state="connected", owed=1, delivered=6),)
    at = NOW - timedelta(seconds=1)
    common = {"site": "x", "pid": 4711, "started_at": at, "written_at": at, "ready": True}
    snapshot = Snapshot(**{**common, "analyzers": (analyzer,), "destinations": destinations, **values})  # type: ignore[arg-type]
    status.write(settings.load(configuration(folder, link, 1)), snapshot)


def test_service_that_runs_speaks_for_its_links(tmp_path: Path, free_port: int) -> None:
    """Nobody listens at either port, and the service says that both links stand."""
    link = f"tcp-listen://127.0.0.1:{free_port}"
    said(tmp_path, link)
    found = lines(tmp_path, link, free_port)
    assert [found[name].state for name in ("service", "a1", "lis")] == ["ok", "ok", "ok"]
    assert found["service"].what.startswith("process 4711 runs since ")
    assert found["a1"].what.startswith(f"{link} is running, 1 connections, heard at ")
    assert found["lis"].what == "connected, 1 deliveries owed, 6 delivered"


@pytest.mark.parametrize(
    ("state", "word"), [("running", "ok"), ("idle", "ok"), ("silent", "warn"), ("link lost", "fail")], ids=lambda value: value
)
def test_analyzer_stands_as_the_service_says(state: Any, word: str, tmp_path: Path, free_port: int) -> None:
    link = f"tcp-listen://127.0.0.1:{free_port}"
    fault = Fault("link lost", "/dev/ttyS9", "Is the cable in?")
    analyzer = AnalyzerStatus(id="a1", driver="mindray-bs", link=link, state=state, connections=0, fault=fault)
    said(tmp_path, link, analyzers=(analyzer,))
    line = lines(tmp_path, link, free_port)["a1"]
    assert (line.state, bool(line.remedy)) == (word, word != "ok")
    assert ("/dev/ttyS9" in line.what, line.remedy == "Is the cable in?") == (word == "fail", word == "fail")


@pytest.mark.parametrize(("state", "word"), [("connected", "ok"), ("starting", "ok"), ("away", "fail"), ("parked", "fail")])
def test_lis_stands_as_the_service_says(state: str, word: str, tmp_path: Path, free_port: int) -> None:
    link = f"tcp-listen://127.0.0.1:{free_port}"
    said(tmp_path, link, destinations=(DestinationStatus(id="lis", state=state, words="Connection refused", owed=3),))
    line = lines(tmp_path, link, free_port)["lis"]
    assert (line.state, bool(line.remedy), "Connection refused" in line.what) == (word, word == "fail", word == "fail")


def test_analyzer_and_lis_that_the_service_does_not_know_are_warned_of(tmp_path: Path, free_port: int) -> None:
    said(tmp_path, f"tcp-listen://127.0.0.1:{free_port}", destinations=())
    found = lines(tmp_path, "serial:///dev/null", free_port)
    assert [(found[name].state, found[name].remedy) for name in ("a1", "lis")] == [("warn", vitals.OLDER)] * 2


def test_service_that_fell_silent_fails_and_its_links_are_probed(tmp_path: Path, listener: int) -> None:
    link = "serial:///dev/none-such"
    said(tmp_path, link, written_at=NOW - 2 * status.STALE)
    found = lines(tmp_path, link, listener)
    assert [found[name].state for name in ("service", "a1", "lis")] == ["fail", "fail", "ok"]


def test_service_that_ended_cleanly_is_no_failure_and_its_links_are_probed(tmp_path: Path, listener: int) -> None:
    link = "serial:///dev/none-such"
    said(tmp_path, link, ready=False)
    found = lines(tmp_path, link, listener)
    assert [found[name].state for name in ("service", "a1", "lis")] == ["ok", "fail", "ok"]
    assert found["service"].what.startswith("does not run")


def test_lis_that_does_not_answer_fails(tmp_path: Path, free_port: int) -> None:
    line = lines(tmp_path, "serial:///dev/null", free_port)["lis"]
    assert (line.state, line.what) == ("fail", f"127.0.0.1:{free_port} does not answer: Connection refused")


def test_analyzer_that_is_off_is_a_warning(tmp_path: Path, listener: int, free_port: int) -> None:
    assert lines(tmp_path, f"tcp-connect://127.0.0.1:{free_port}", listener)["a1"].state == "warn"


@pytest.mark.parametrize(
    ("link", "state", "what"),
    [
        ("serial:///dev/none-such?baud=9600", "fail", "/dev/none-such is not there"),
        ("serial://COM77", "fail", "COM77 is not there"),
        ("folder:///none/such", "fail", "/none/such is no folder"),
        ("folder:///dev", "ok", "/dev is there"),
    ],
)
def test_device_or_folder_is_looked_for(link: str, state: str, what: str, tmp_path: Path, listener: int) -> None:
    line = lines(tmp_path, link, listener)["a1"]
    assert (line.state, line.what) == (state, what)


def test_pseudo_terminal_counts_as_a_serial_device(tmp_path: Path, listener: int) -> None:
    master, slave = os.openpty()
    try:
        assert lines(tmp_path, f"serial://{os.ttyname(slave)}?baud=9600", listener)["a1"].state == "ok"
    finally:
        os.close(master)
        os.close(slave)


def test_clock_behind_the_journal_fails(tmp_path: Path, listener: int) -> None:
    with Store.open(f"sqlite:///{tmp_path}/bridge.db") as store, store.write() as tx:
        journal.append(tx, journal.Entry("a1", "", datetime(2026, 11, 21, 8, tzinfo=UTC), "mllp", True, b"x"))
    assert lines(tmp_path, "serial:///dev/null", listener)["database"].state == "fail"
    later = datetime(2026, 11, 22, tzinfo=UTC)
    assert lines(tmp_path, "serial:///dev/null", listener, later)["database"].state == "ok"


def test_file_that_is_no_database_fails(tmp_path: Path, listener: int) -> None:
    (tmp_path / "bridge.db").write_bytes(b"not a database, and long enough to be read as one" * 100)
    assert lines(tmp_path, "serial:///dev/null", listener)["database"].state == "fail"


def test_disk_that_is_nearly_full_fails() -> None:
    assert [checkups._space(Path("/x"), free).state for free in (checkups.GIB - 1, 5 * checkups.GIB, 50 * checkups.GIB)] == [
        "fail",
        "warn",
        "ok",
    ]


def test_json_and_exit_code_for_scripts(tmp_path: Path, lis_bridge: Run, listener: int, free_port: int) -> None:
    good = lis_bridge("doctor", "--json", "-c", configuration(tmp_path, f"tcp-listen://127.0.0.1:{free_port}", listener))
    assert (good.returncode, json.loads(good.stdout)["ok"]) == (0, True)
    bad = lis_bridge("doctor", "--json", "-c", configuration(tmp_path, "serial:///dev/none-such", listener))
    failed = [line for line in json.loads(bad.stdout)["checks"] if line["state"] == "fail"]
    assert (bad.returncode, [line["check"] for line in failed]) == (1, ["a1"])
    assert all(line["remedy"] for line in failed)


def test_words_for_people_name_state_check_and_remedy(tmp_path: Path, lis_bridge: Run, listener: int) -> None:
    said = lis_bridge("doctor", "-c", configuration(tmp_path, "serial:///dev/none-such", listener)).stdout
    assert "fail  a1: /dev/none-such is not there (Is the adapter plugged in?" in said
    assert said.splitlines()[-1].endswith("1 fail")
