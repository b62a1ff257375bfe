"""The bridge under measurement: ``lis-bridge run`` as a process of its own, and what the kernel says that it spent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benches.whole_path.shapes import Shape, codes
from lis_bridge import settings
from lis_bridge.runtime import status
from lis_bridge.simulate.bridge import free_port

READY_SECONDS = 60.0
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """Processor seconds, and bytes that were handed to the disk."""

    cpu: float
    written: int

    def since(self, before: Spent) -> Spent:
        return Spent(self.cpu - before.cpu, self.written - before.written)


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds at this moment."""
    return [free_port() for _ in range(count)]


def configure(folder: Path, shape: Shape, ports: Sequence[int], lis: int) -> Path:
    """The configuration of a site with the shape's analyzers and one LIS; the window is 0: nothing waits for company."""
    mapping = "\n".join(f'"{code}" = "{test}"' for code, test in codes().items())
    analyzers = "\n".join(
        f'[[analyzer]]\nid = "line-{number}"\ndriver = "{shape.driver}"\nlink = "tcp-listen://127.0.0.1:{port}"\n'
        f"new_codes = {json.dumps(list(codes()))}\n"
        f"[analyzer.codes]\n{mapping}\n"
        for number, port in enumerate(ports, 1)
    )
    file = folder / "bridge.toml"
    file.write_text(
        f'[site]\nid = "bench"\n[storage]\nurl = "sqlite:///bridge.db"\n{analyzers}'
        f'[[destination]]\nid = "lis"\nlink = "mllp://127.0.0.1:{lis}"\nwindow_seconds = 0\n'
        f'[console]\nlisten = "127.0.0.1:{free_ports(1)[0]}"\n',
        encoding="utf-8",
    )
    return file


@contextmanager
def running(config: Path, *before: str) -> Iterator[int]:
    """The bridge's process id, once it is ready; ``before`` are words in front of the command, for a profiler."""
    words = (*before, sys.executable, "-m", "lis_bridge.cli.main", "run", "--config", str(config))
    with config.with_suffix(".log").open("ab") as log, subprocess.Popen(words, stderr=log) as process:
        try:
            yield _ready(config, process)
        finally:
            process.terminate()
            process.wait()


def _ready(config: Path, process: subprocess.Popen[bytes]) -> int:
    site = settings.load(config)
    ends = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        found = status.read(site)
        if found is not None and found.ready and Path(f"/proc/{found.pid}").exists():
            return found.pid
        time.sleep(0.05)
    raise RuntimeError(f"the bridge is not ready; see {config.with_suffix('.log')}")


def spent(pid: int) -> Spent:
    """What a process spent up to now (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    written = next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
    return Spent((int(fields[11]) + int(fields[12])) / _TICK, written)
