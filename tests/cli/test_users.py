"""``users`` and ``audit`` beside a service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lis_bridge.storage import Store

from .conftest import Run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.toml"
    path.write_text('[site]\nid = "x"\n[storage]\nurl = "sqlite:///bridge.db"\n')
    Store.open(f"sqlite:///{tmp_path}/bridge.db").close()
    return path


def made(lis_bridge: Run, config: Path, name: str, role: str) -> None:
    assert lis_bridge("users", "add", name, "--role", role, "--generate", "-c", config, "--by", "Wu").returncode == 0


def test_a_user_is_made_listed_changed_and_locked_out_and_each_is_written_down(lis_bridge: Run, config: Path) -> None:
    made(lis_bridge, config, "lin", "engineer")
    made(lis_bridge, config, "Jiang", "technician")
    assert lis_bridge("users", "role", "jiang", "viewer", "-c", config).returncode == 0
    assert lis_bridge("users", "password", "jiang", "--generate", "-c", config).returncode == 0
    assert lis_bridge("users", "disable", "jiang", "-c", config).returncode == 0
    listed = json.loads(lis_bridge("users", "list", "-c", config, "--json").stdout)
    assert [(one["name"], one["role"], one["disabled"]) for one in listed] == [
        ("jiang", "viewer", True),
        ("lin", "engineer", False),
    ]
    told = json.loads(lis_bridge("audit", "list", "-c", config, "--json").stdout)
    assert [line["action"] for line in reversed(told)] == [
        "user added",
        "user added",
        "user role changed",
        "user password changed",
        "user disabled",
    ]
    assert {line["actor"] for line in told[-2:]} == {"Wu"}
    assert "password" not in json.dumps([line["detail"] for line in told])


@pytest.mark.parametrize("words", [("role", "lin", "viewer"), ("disable", "lin")], ids=str)
def test_the_last_engineer_stays_one(words: tuple[str, ...], lis_bridge: Run, config: Path) -> None:
    made(lis_bridge, config, "lin", "engineer")
    done = lis_bridge("users", *words, "-c", config)
    assert done.returncode == 2
    assert "make another engineer first" in done.stderr
    assert json.loads(lis_bridge("users", "list", "-c", config, "--json").stdout)[0]["role"] == "engineer"


def test_without_a_terminal_nothing_is_asked(lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("users", "add", "lin", "-c", config)
    assert (done.returncode, "--password-stdin" in done.stderr) == (2, True)


def test_verify_prints_a_head_and_holds_against_it(lis_bridge: Run, config: Path) -> None:
    made(lis_bridge, config, "lin", "engineer")
    said = lis_bridge("audit", "verify", "-c", config)
    assert said.returncode == 0
    head = said.stdout.split()[-1]
    made(lis_bridge, config, "wang", "viewer")
    assert lis_bridge("audit", "verify", "-c", config, "--head", head).returncode == 0
    assert lis_bridge("audit", "verify", "-c", config, "--head", "1:" + "f" * 64).returncode == 1
    assert lis_bridge("audit", "verify", "-c", config, "--head", "nonsense").returncode == 2


def test_a_log_that_somebody_changed_is_exit_code_1_and_names_the_entry(lis_bridge: Run, config: Path) -> None:
    made(lis_bridge, config, "lin", "engineer")
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.write() as tx:
        tx.exec_driver_sql("DROP TRIGGER audit_no_update")
        tx.exec_driver_sql("UPDATE audit SET actor = 'nobody'")
    done = lis_bridge("audit", "verify", "-c", config)
    assert (done.returncode, done.stderr.startswith("entry 1:")) == (1, True)
