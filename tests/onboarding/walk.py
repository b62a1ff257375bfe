"""Runs the commands of docs/onboarding.md one after the other and gives the document as it came out.

    python -m tests.onboarding.walk        prints what differs and writes the true outputs into the document

A fence ``console`` holds commands behind ``$`` and what they print; a fence ``diff`` changes the file that the line above it names.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "onboarding.md"
SERIAL = "/dev/ttyUSB0"
"""How the document names the simulated analyzer's line."""
_FENCE = re.compile(r"(?P<above>[^\n]*)\n\n```(?P<kind>console|diff)\n(?P<body>.*?)```", re.DOTALL)
_COMMAND = re.compile(
    r"^\$ (?P<command>[^\n]*<<'END'\n.*?\nEND|[^\n]*)\n(?P<said>(?:(?!\$ )[^\n]*\n)*)", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"`(?P<file>[^`\s]+\.toml)`")
_VARYING = (
    (re.compile(r"^date = \d{4}-\d\d-\d\d", re.MULTILINE), "date = 2026-03-20"),
    (re.compile(r'^("[^"]+" = "[^"]+"   # guessed: ).*(; seen: )', re.MULTILINE), r"\1…\2"),
    (re.compile(r"no capture of \d+ other drivers"), "no capture of … other drivers"),
)
"""What changes from day to day, and with every driver that comes onto the shelf."""


@contextmanager
def device():
    """The simulated analyzer; gives its serial line."""
    process = subprocess.Popen([sys.executable, "-m", "tests.onboarding.device"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def walk(page: str, folder: Path, serial: str) -> str:
    """The page with every output as it came out; diffs are applied in ``folder``. Raises LookupError where one does not fit."""

    exported: dict[str, str] = {}

    def fence(found: re.Match[str]) -> str:
        if found["kind"] == "diff":
            _apply(found["body"], folder / _file(found["above"]))
            return found[0]
        body = _COMMAND.sub(lambda one: f"$ {one['command']}\n{_run(one['command'], folder, serial, exported)}", found["body"])
        return f"{found['above']}\n\n```console\n{body}```"

    return _FENCE.sub(fence, page)


def _run(command: str, folder: Path, serial: str, exported: dict[str, str]) -> str:
    if command.startswith("export "):
        name, _, value = command.removeprefix("export ").partition("=")
        exported[name] = value
        return ""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "200", "USER": "wu", "LOGNAME": "wu", "TZ": "Asia/Shanghai"}
    for name in [name for name in environment if name.startswith("LIS_BRIDGE")]:
        del environment[name]
    environment |= exported
    words = ["bash", "-c", command.replace(SERIAL, serial)]
    done = subprocess.run(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False
    )  # fmt: skip
    said = done.stdout.replace(serial, SERIAL)
    for pattern, usual in _VARYING:
        said = pattern.sub(usual, said)
    return "".join(f"{line.rstrip()}\n" for line in said.splitlines())


def _file(above: str) -> str:
    found = _FILE.search(above)
    if found is None:
        raise LookupError(f"no file is named above a diff: {above!r}")
    return found["file"]


def _apply(diff: str, file: Path) -> None:
    """Blocks of ``-`` lines, each replaced by the ``+`` lines under it; a ``-`` line may be the beginning of one, ended by ``…``."""
    lines = file.read_text(encoding="utf-8").splitlines()
    at = 0
    for line in diff.splitlines():
        if line.startswith("+"):
            lines.insert(at, line[1:])
            at += 1
            continue
        at = _place(lines, line[1:])
        if line.startswith("-"):
            del lines[at]
        else:
            at += 1
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _place(lines: list[str], wanted: str) -> int:
    fits: Callable[[str], bool] = (
        (lambda line: line.startswith(wanted[:-1])) if wanted.endswith("…") else (lambda line: line == wanted)
    )
    for number, line in enumerate(lines):
        if fits(line):
            return number
    raise LookupError(f"no line {wanted!r}")


if __name__ == "__main__":
    with device() as serial, tempfile.TemporaryDirectory() as scratch:
        PAGE.write_text(walk(PAGE.read_text(encoding="utf-8"), Path(scratch), serial), encoding="utf-8")
