"""``doctor`` says what is wrong with this machine before an analyzer finds out."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lis_bridge import settings
from lis_bridge.cli import checkups
from lis_bridge.cli.checkups import Line
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
        "a1": "ok",
        "lis": "ok",
    }
    assert found["fsync"].state != "fail"
    assert list(tmp_path.iterdir()) == [tmp_path / "bridge.toml"]


def test_port_in_use_fails_and_says_how_to_find_the_holder(tmp_path: Path, listener: int) -> None:
    line = lines(tmp_path, f"tcp-listen://127.0.0.1:{listener}", listener)["a1"]
    assert line.state == "fail"
    assert f"sport = :{listener}" in line.remedy


def test_port_that_the_running_service_holds_is_no_failure(tmp_path: Path, listener: int) -> None:
    with Store.open(f"sqlite:///{tmp_path}/bridge.db", exclusive=True):
        found = lines(tmp_path, f"tcp-listen://127.0.0.1:{listener}", listener)
    assert found["a1"].state == "ok"
    assert str(os.getpid()) in found["service"].what


def test_service_that_does_not_listen_is_warned_of(tmp_path: Path, listener: int, free_port: int) -> None:
    with Store.open(f"sqlite:///{tmp_path}/bridge.db", exclusive=True):
        assert lines(tmp_path, f"tcp-listen://127.0.0.1:{free_port}", listener)["a1"].state == "warn"


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
    Store.open(f"sqlite:///{tmp_path}/bridge.db").close()
    with sqlite3.connect(tmp_path / "bridge.db") as connection:
        row = ("a1", "", "2026-11-21T08:00:00+00:00", "mllp", 1, b"x", "pending")
        connection.execute(
            "INSERT INTO journal (analyzer, peer, received_at, framing, complete, raw, state) VALUES (?, ?, ?, ?, ?, ?, ?)", row
        )
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
