"""``move``: delivered results of one specimen that belong to another; a person is shown both and asked twice."""

from __future__ import annotations

import json
import os
import pty
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lis_bridge import journal, outbox
from lis_bridge.cli.move import check_unchanged, plan_of
from lis_bridge.core.faults import BridgeError
from lis_bridge.core.results import Message, Observation, Patient
from lis_bridge.journal import Entry
from lis_bridge.storage import Store
from lis_bridge.tubes import keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.store import Arrival, Tubes

from .conftest import Run

AT = datetime(2026, 3, 17, 9, 45, tzinfo=UTC)
OLD, NEW = "SPECIMEN-1", "SPECIMEN-2"


def row(code: str, test: str, value: str) -> Observation:
    return Observation(code, test, value, value, Decimal(value), unit="mmol/L", observed_at="2026-03-17T09:40:00+08:00")


def file(store: Store, specimen: str, patient: str, rows: tuple[Observation, ...], analyzer: str = "line-1") -> None:
    with store.write() as tx:
        entry = journal.append(tx, Entry(analyzer, "", AT, "mllp", True, b"x"))
        message = Message("patient", specimen, Patient(patient, f"Test^{patient}"), observations=rows)
        receipt = Tubes().file(tx, message, keys.named(specimen), Context(analyzer), Arrival(entry, 0, AT))
        journal.done(tx, entry, "mindray-bs", 1)
        assert receipt.tube_id is not None
        Tubes().seal(tx, receipt.tube_id, receipt.seq)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A site that told the LIS of three results of two analyzers of ``OLD``, and of one of ``NEW``."""
    path = tmp_path / "bridge.toml"
    path.write_text(
        '[site]\nid = "x"\n[storage]\nurl = "sqlite:///bridge.db"\n[[destination]]\nid = "lis"\nlink = "mllp://127.0.0.1:2575"\n'
    )
    with Store.open(f"sqlite:///{tmp_path}/bridge.db") as store:
        file(store, OLD, "P1", (row("G", "GLU", "5.10"), row("U", "UREA", "6.20")))
        file(store, OLD, "P1", (row("G", "GLU", "5.30"),), "spare-1")
        file(store, NEW, "P2", (row("K", "K", "4.10"),))
    return path


def reported(config: Path, specimen: str) -> list[tuple[str, str]]:
    """Device code and value of everything that the LIS should know of a tube."""
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.write() as tx:
        known = Tubes().open(tx, keys.named(specimen), AT).reported()
    return sorted((row.code, str(row.value)) for row in known.values())


ALL = [("G", "5.10"), ("G", "5.30"), ("U", "6.20")]


@pytest.mark.parametrize(
    ("options", "moved"),
    [
        ([], ALL),
        (["--analyzer", "line-1"], [("G", "5.10"), ("U", "6.20")]),
        (["--code", "G"], [("G", "5.10"), ("G", "5.30")]),
        (["--code", "G", "--code", "U", "--analyzer", "line-1"], [("G", "5.10"), ("U", "6.20")]),
    ],
    ids=["all", "analyzer", "code", "codes-of-analyzer"],
)
def test_chosen_results_and_no_others_are_moved(
    options: list[str], moved: list[tuple[str, str]], lis_bridge: Run, config: Path
) -> None:
    done = lis_bridge("move", OLD, "--to", NEW, "-c", config, "--by", "Lin", "--yes", "--json", *options)
    assert (done.returncode, done.stderr) == (0, "")
    said = {"from": OLD, "to": NEW, "withdrawn": len(moved), "filed": len(moved), "held": []}
    assert json.loads(done.stdout) == said
    assert reported(config, OLD) == sorted(set(ALL) - set(moved))
    assert reported(config, NEW) == sorted([*moved, ("K", "4.10")])
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.read() as tx:
        owed = sorted(outbox.lines(tx), key=lambda line: line.id)
    assert [(line.tube, line.results) for line in owed] == [(OLD, len(moved)), (NEW, len(moved))]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["SPECIMEN-9", "--to", NEW], "SPECIMEN-9: there is no such tube"),
        ([OLD, "--to", OLD], f"--to {OLD}: the results stand there already"),
        ([OLD, "--to", NEW, "--code", "G", "--code", "GG"], f"tube {OLD}: no result of code 'GG' is reported"),
        ([OLD, "--to", NEW, "--analyzer", "none"], f"tube {OLD}: no such result is reported"),
    ],
    ids=["tube", "target", "code", "analyzer"],
)
def test_what_cannot_be_moved_is_refused(words: list[str], complaint: str, lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("move", *words, "-c", config, "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(complaint)
    assert reported(config, OLD) == ALL


def test_without_a_terminal_nothing_is_moved_unasked(lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("move", OLD, "--to", NEW, "-c", config)
    assert (done.returncode, done.stderr[:12]) == (2, "lis-bridge m")
    assert reported(config, OLD) == ALL


def at_a_terminal(config: Path, *answers: str) -> tuple[int, str]:
    """Run ``move`` on a pseudo-terminal, where a person types the answers; exit code and screen."""
    pid, screen = pty.fork()
    if pid == 0:
        words = ["-m", "lis_bridge.cli.main", "move", OLD, "--to", NEW, "-c", str(config), "--by", "Lin"]
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
        os.execv(sys.executable, [sys.executable, *words])
    os.write(screen, "".join(f"{answer}\n" for answer in answers).encode())
    seen = b""
    while chunk := _read(screen):
        seen += chunk
    os.close(screen)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 4096)
    except OSError:  # Linux says so when the other end is closed
        return b""


def test_person_sees_both_patients_and_agrees_twice(config: Path) -> None:
    code, seen = at_a_terminal(config, "y", NEW)
    assert code == 0, seen
    assert all(word in seen for word in (OLD, NEW, "Test^P1", "Test^P2", "5.10", "5.30", "6.20"))
    assert reported(config, OLD) == []


@pytest.mark.parametrize("answers", [("n",), ("y", OLD), ("y", "")], ids=["no", "another-specimen", "nothing"])
def test_person_who_does_not_agree_twice_moves_nothing(answers: tuple[str, ...], config: Path) -> None:
    code, seen = at_a_terminal(config, *answers)
    assert (code, "nothing was moved" in seen) == (1, True)
    assert reported(config, OLD) == ALL
    assert reported(config, NEW) == [("K", "4.10")]


@pytest.mark.parametrize("specimen", [OLD, NEW])
def test_tube_that_changed_while_the_person_looked_is_not_moved(specimen: str, config: Path) -> None:
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store:
        with store.read() as tx:
            plan = plan_of(tx, OLD, NEW, None, ())
        file(store, specimen, "P1" if specimen == OLD else "P2", (row("N", "NA", "140"),))
        with store.write() as tx, pytest.raises(BridgeError, match="changed meanwhile"):
            check_unchanged(tx, plan)


def test_specimen_that_became_known_while_the_person_looked_is_not_moved_to(config: Path) -> None:
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store:
        with store.read() as tx:
            plan: Any = plan_of(tx, OLD, "SPECIMEN-3", None, ())
        assert plan.new is None
        file(store, "SPECIMEN-3", "P3", (row("N", "NA", "140"),))
        with store.write() as tx, pytest.raises(BridgeError, match="changed meanwhile"):
            check_unchanged(tx, plan)
