"""``lis-bridge driver`` as a person uses it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from lis_bridge.core import resources

from .conftest import Run

BRIDGE = [sys.executable, "-m", "lis_bridge.cli.main"]
SHELF = resources.drivers()[-1]
CAPTURE = SHELF / "sysmex-xp" / "captures" / "sysmex-xp--02.astm"
UNKNOWN = b"\x02\xe6\x9d\xa1\xe7\xa0\x81:2603200117\r\nESR: 12\r\nHCT: 42.1\r\n\x03"


@pytest.fixture
def new(lis_bridge: Run, tmp_path: Path) -> Path:
    """A driver made from a capture."""
    done = lis_bridge("driver", "new", "acme-x1", "--from", CAPTURE, "--into", tmp_path / "mine")
    assert done.returncode == 0, done.stderr
    assert "note: sysmex-xp claims these bytes" in done.stderr
    return tmp_path / "mine"


def test_identify_names_the_one_family(lis_bridge: Run) -> None:
    done = lis_bridge("driver", "identify", CAPTURE, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["driver"], said["dialect"], said["framing"]) == (0, "sysmex-xp", "lis2", {"kind": "lis1a"})
    assert said["candidates"][0]["why"]


def test_identify_says_what_is_recognised_where_no_driver_claims_it(lis_bridge: Run, tmp_path: Path) -> None:
    (tmp_path / "unknown.bin").write_bytes(UNKNOWN)
    done = lis_bridge("driver", "identify", "unknown.bin")
    assert done.returncode == 1
    assert "no driver claims these bytes" in done.stdout
    assert "framing block, dialect pairs" in done.stdout


def test_identify_on_a_link_records_before_it_answers(lis_bridge: Run, tmp_path: Path, unused_tcp_port: int) -> None:
    link = f"tcp-listen://127.0.0.1:{unused_tcp_port}"
    words = ["driver", "identify", "--link", link, "-o", str(tmp_path / "heard.jsonl"), "--seconds", "60", "--json"]
    listening = subprocess.Popen([*BRIDGE, *words], stdout=subprocess.PIPE, text=True)
    while not (tmp_path / "heard.jsonl").exists():
        assert listening.poll() is None
        time.sleep(0.05)
    played = lis_bridge("simulate", "analyzer", "sysmex-xn", "--link", link.replace("listen", "connect"), "--tubes", "1")
    assert played.returncode == 0, played.stderr
    listening.send_signal(signal.SIGINT)
    said = json.loads(listening.communicate(timeout=20)[0])
    # A simulated analyzer does not name its model, so no driver claims it.
    assert (listening.returncode, said["driver"], said["dialect"], said["framing"]) == (1, None, "lis2", {"kind": "lis1a"})
    assert (tmp_path / "heard.bin").stat().st_size > 100


@pytest.mark.parametrize("words", [(), ("--link", "tcp-listen://127.0.0.1:1"), ("x", "--link", "tcp-listen://127.0.0.1:1")])
def test_identify_wants_a_file_or_a_link_with_a_recording(words: tuple[str, ...], lis_bridge: Run) -> None:
    done = lis_bridge("driver", "identify", *words)
    assert done.returncode == 2
    assert "(" in done.stderr


def test_new_writes_a_folder_that_loads_and_says_what_is_open(lis_bridge: Run, new: Path) -> None:
    folder = new / "acme-x1"
    assert {file.name for file in folder.iterdir()} == {"README.md", "captures", "driver.toml", "expected"}
    assert (folder / "captures" / "acme-x1--01.astm").read_bytes() == CAPTURE.read_bytes()
    assert (
        "not read by a person yet"
        in tomllib.loads((folder / "captures" / "acme-x1--01.toml").read_text(encoding="utf-8"))["shows"]
    )
    assert json.loads((folder / "expected" / "acme-x1--01.json").read_text(encoding="utf-8"))["messages"]
    done = lis_bridge("driver", "check", "acme-x1", "--drivers", new, "--json")
    (report,) = json.loads(done.stdout)
    assert (done.returncode, report["tier"]) == (1, "draft")
    assert {finding["check"] for finding in report["findings"]} == {"controls", "identify", "people"}


def test_new_never_writes_over_a_driver(lis_bridge: Run, new: Path) -> None:
    before = (new / "acme-x1" / "driver.toml").read_bytes()
    done = lis_bridge("driver", "new", "acme-x1", "--from", CAPTURE, "--into", new)
    assert done.returncode == 2
    assert "acme-x1: the folder is there already (" in done.stderr
    assert (new / "acme-x1" / "driver.toml").read_bytes() == before
    assert [entry.name for entry in new.iterdir()] == ["acme-x1"]


@pytest.mark.parametrize(
    ("id", "capture", "code", "words"),
    [
        ("Acme X1", CAPTURE, 2, "is no id"),
        ("acme", "none.bin", 2, "none.bin: No such file"),
        ("acme", "empty.bin", 6, "nothing|no framing"),
    ],
    ids=["id", "file", "bytes"],
)
def test_new_names_the_place_and_the_remedy(
    id: str, capture: Path | str, code: int, words: str, lis_bridge: Run, tmp_path: Path
) -> None:
    (tmp_path / "empty.bin").write_bytes(b"\x00\x01")
    done = lis_bridge("driver", "new", id, "--from", capture)
    assert done.returncode == code
    assert any(word in done.stderr for word in words.split("|"))
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "drivers").exists()


def test_prove_keeps_what_the_printout_proves(lis_bridge: Run, new: Path, tmp_path: Path) -> None:
    (tmp_path / "typed.txt").write_text("样本号：128\nWBC 白细胞计数 = 13.6 10^9/L\nHGB = 86 g/L\n", encoding="utf-8")
    done = lis_bridge("driver", "prove", "acme-x1", "--printout", "typed.txt", "--drivers", new, "--json", "--by", "wu")
    assert done.returncode == 0, done.stderr
    assert [(one["code"], one["mapping"], one["value"], one["unit"]) for one in json.loads(done.stdout)] == [
        ("WBC", "proved", "proved", "proved"),
        ("HGB", "proved", "proved", "proved"),
    ]
    kept = tomllib.loads((new / "acme-x1" / "evidence.toml").read_text(encoding="utf-8"))["proof"]
    assert [(proof["test"], proof["by"], proof["capture"]) for proof in kept] == [
        ("WBC", "wu", "acme-x1--01.astm"),
        ("HGB", "wu", "acme-x1--01.astm"),
    ]


def test_prove_refutes_with_exit_code_1(lis_bridge: Run, new: Path, tmp_path: Path) -> None:
    (tmp_path / "typed.txt").write_text("sample 128\nWBC = 1.36\nHGB = 8.6 g/L\n", encoding="utf-8")
    done = lis_bridge("driver", "prove", "acme-x1", "--printout", "typed.txt", "--drivers", new)
    assert done.returncode == 1
    assert "decimal point" in done.stdout
    assert "the driver reads g/dL, the printout says g/L" in done.stdout
    assert not (new / "acme-x1" / "evidence.toml").exists()


def test_prove_names_the_line_that_says_nothing(lis_bridge: Run, new: Path, tmp_path: Path) -> None:
    (tmp_path / "typed.txt").write_text("sample 128\nhello\n", encoding="utf-8")
    done = lis_bridge("driver", "prove", "acme-x1", "--printout", "typed.txt", "--drivers", new)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("typed.txt:2: no value in 'hello' (")
