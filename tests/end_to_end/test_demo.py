"""``lis-bridge demo`` and ``simulate`` as a person or a script runs them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from lis_bridge.cli import demo as command
from lis_bridge.simulate.bridge import free_port
from lis_bridge.simulate.report import Report

LIS_BRIDGE = (sys.executable, "-m", "lis_bridge.cli.main")
FIGURES = {"p50", "p95", "p99"}


def test_the_demo_loses_doubles_and_misfiles_nothing(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    words = (*LIS_BRIDGE, "demo", "--tubes", "8", "--headless", "--report", str(file))
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_bytes())
    assert (found["lost"], found["duplicated"], found["misfiled"]) == (0, 0, 0)
    assert found["tubes"] == 8
    assert found["results"] == found["sent"] > 600
    assert found["held"] == found["to_hold"] == 1
    assert found["deliveries"] > 8  # one at least for each tube, and a correction
    assert set(found["latency_ms"]) == {"acknowledged", "processed", "delivered", "whole"}
    assert all(set(stage) == FIGURES for stage in found["latency_ms"].values())
    assert done.stdout == ""


def test_the_demo_s_console_stays_up_until_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    words = (*LIS_BRIDGE, "demo", "--tubes", "1", "--report", str(file))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr is not None
        said = next(line for line in demo.stderr if line.startswith("console: "))
        assert re.fullmatch(r"console: http://127\.0\.0\.1:\d+  user: demo  password: \S{12}  \(for this run only\)\n", said)
        assert any("until Ctrl-C" in line for line in demo.stderr)
        with urlopen(said.split()[1] + "/login") as page:
            assert page.status == 200
        assert json.loads(file.read_bytes())["lost"] == 0  # there before anybody leaves
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0


def report_of(**wrong: int) -> Report:
    counts = {"lost": 0, "duplicated": 0, "misfiled": 0, **wrong}
    details = {kind: ("26000001/line-1/GLU",) for kind, count in counts.items() if count}
    return Report(
        tubes=1,
        messages=1,
        sent=1,
        results=1,
        deliveries=1,
        **counts,
        held=0,
        to_hold=0,
        seconds=1.0,
        latency_ms={},
        details=details,
    )


@pytest.mark.parametrize("kind", ["lost", "duplicated", "misfiled"])
def test_anything_wrong_is_exit_code_1_and_names_the_place(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_played", lambda tubes, folder, seed, guest: report_of(**{kind: 1}))
    assert command.demo(tubes=1) == 1
    told = capsys.readouterr()
    assert f"{kind}: 26000001/line-1/GLU" in told.out
    folder = Path(told.err.strip().split()[-1])
    assert folder.is_dir()  # evidence is kept
    folder.rmdir()


def test_without_a_file_the_report_is_the_only_thing_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(command, "_played", lambda tubes, folder, seed, guest: report_of())
    assert command.demo(tubes=1, headless=True) == 0
    assert json.loads(capsysbinary.readouterr().out)["lost"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_simulated_lis_ends_cleanly_when_told(number: signal.Signals) -> None:
    words = (*LIS_BRIDGE, "simulate", "lis", "--listen", "127.0.0.1:0")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as lis:
        assert lis.stdout is not None
        assert lis.stdout.readline().startswith("listening on 127.0.0.1:")
        lis.send_signal(number)
        told, wrong = lis.communicate(timeout=60)
    assert (lis.returncode, wrong) == (0, "")
    assert "0 messages received" in told


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_an_interrupted_analyzer_leaves_no_traceback() -> None:
    words = (
        *LIS_BRIDGE,
        "simulate",
        "analyzer",
        "mindray-bs",
        "--link",
        f"tcp-connect://127.0.0.1:{free_port()}",
        "--tubes",
        "1",
    )
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as analyzer:
        assert analyzer.stdout is not None
        assert "of 1 tubes" in analyzer.stdout.readline()
        analyzer.send_signal(signal.SIGINT)
        _, wrong = analyzer.communicate(timeout=60)
    assert analyzer.returncode == 130
    assert "Traceback" not in wrong


def test_a_wrong_word_is_a_usage_error_with_its_place() -> None:
    words = (*LIS_BRIDGE, "simulate", "lis", "--verdict", "XX")
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--verdict" in done.stderr
