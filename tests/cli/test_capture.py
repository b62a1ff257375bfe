"""``lis-bridge capture`` as a person uses it: a process, a simulated analyzer, Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.conftest import Run

BRIDGE = [sys.executable, "-m", "lis_bridge.cli.main"]


def test_what_a_simulated_analyzer_sends_is_captured_and_decodes(lis_bridge: Run, tmp_path: Path, unused_tcp_port: int) -> None:
    recording = tmp_path / "unknown.jsonl"
    link = f"tcp-listen://127.0.0.1:{unused_tcp_port}"
    capture = subprocess.Popen(
        [*BRIDGE, "capture", link, "-o", str(recording), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not recording.exists():
        assert capture.poll() is None
        time.sleep(0.05)
    played = lis_bridge("simulate", "analyzer", "mindray-bs", "--link", link.replace("listen", "connect"), "--tubes", "2")
    assert played.returncode == 0, played.stderr
    capture.send_signal(signal.SIGINT)
    told = json.loads(capture.communicate(timeout=20)[0])
    assert capture.returncode == 0
    assert told["bytes"] == (tmp_path / "unknown.bin").stat().st_size > 1000
    for file in (told["wire"], told["recording"]):
        decoded = json.loads(lis_bridge("decode", file, "--driver", "mindray-bs").stdout)
        assert decoded["faults"] == []
        assert len({message["specimen"] for message in decoded["messages"] if message["kind"] == "patient"}) == 2


def test_a_capture_that_heard_nothing_says_so(lis_bridge: Run, tmp_path: Path, unused_tcp_port: int) -> None:
    done = lis_bridge(
        "capture", f"tcp-listen://127.0.0.1:{unused_tcp_port}", "-o", tmp_path / "none.jsonl", "--seconds", "0.3", "--json"
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["bytes"] == 0
    assert not (tmp_path / "none.bin").exists()


def test_a_device_that_is_not_there_is_a_link_error_with_a_remedy(lis_bridge: Run, tmp_path: Path) -> None:
    done = lis_bridge("capture", "serial:///dev/no-such-device", "-o", tmp_path / "x.jsonl", "--seconds", "5")
    assert done.returncode == 5
    assert "no such serial device" in done.stderr
