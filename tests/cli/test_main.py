"""The command line: what it lists, how it fails, what scripts may rely on."""

from __future__ import annotations

from pathlib import Path

import pytest

from lis_bridge.cli.commands import COMMANDS, built
from lis_bridge.cli.exits import CODES, Exit, code_of
from lis_bridge.core.faults import BridgeError

from .conftest import Run

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def test_help_lists_every_command_that_is_built(lis_bridge: Run) -> None:
    said = lis_bridge("--help").stdout
    assert [command.name for command in COMMANDS if built(command) and f"│ {command.name} " not in said] == []


@pytest.mark.parametrize("command", [command for command in COMMANDS if built(command)], ids=lambda command: command.name)
def test_every_command_has_help_and_an_example(command: object, lis_bridge: Run) -> None:
    name = command.name  # type: ignore[attr-defined]
    done = lis_bridge(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"`lis-bridge {name}" in PAGE


def test_word_that_is_no_command_names_the_nearest(lis_bridge: Run) -> None:
    done = lis_bridge("docter")
    assert done.returncode == Exit.USAGE
    assert "Did you mean 'doctor'?" in done.stderr


def test_error_that_a_user_can_mend_is_one_line_without_a_traceback(lis_bridge: Run, tmp_path: Path) -> None:
    done = lis_bridge("doctor", "--config", tmp_path / "none.toml")
    assert done.returncode == Exit.CONFIG
    assert done.stderr == f"{tmp_path / 'none.toml'}: No such file or directory (Name a file that can be read)\n"


def test_drivers_folder_that_is_not_there_is_named(lis_bridge: Run) -> None:
    done = lis_bridge("driver", "list", LIS_BRIDGE_DRIVERS="/none/such")
    assert done.returncode == Exit.DRIVER
    assert done.stderr.startswith("LIS_BRIDGE_DRIVERS=/none/such: no such folder (")


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("decode", "capture", "--driver", "mindray-bz"), "--driver"),
        (("simulate", "analyzer", "mindray-bz", "--link", "tcp-connect://127.0.0.1:1"), "simulate analyzer"),
    ],
    ids=["decode", "simulate"],
)
def test_driver_that_is_not_there_is_wrong_usage_and_names_the_nearest(
    words: tuple[str, ...], where: str, lis_bridge: Run, tmp_path: Path
) -> None:
    (tmp_path / "capture").write_bytes(b"x")
    done = lis_bridge(*words)
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert done.stderr.startswith(f"{where}: there is no driver 'mindray-bz' (did you mean 'mindray-b")


def test_every_kind_of_error_has_its_exit_code() -> None:
    assert set(CODES) == set(BridgeError.__subclasses__())
    assert {code_of(kind("x")) for kind in CODES} == {2, 3, 4, 5, 6}
    assert code_of(BridgeError("x")) == 1


@pytest.mark.parametrize("code", list(Exit), ids=lambda code: code.name)
def test_exit_codes_are_documented(code: Exit) -> None:
    assert f"| {code.value} |" in PAGE


def test_version_is_the_project_s(lis_bridge: Run) -> None:
    assert lis_bridge("--version").stdout.startswith("lis-bridge 0.")
