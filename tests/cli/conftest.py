"""The real command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lis_bridge.storage import Store

from .filing import configured, opened

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def lis_bridge(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs ``lis-bridge`` with its arguments in an empty folder, with a cache of its own."""
    cache = str(tmp_path_factory.mktemp("cache"))

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lis_bridge.cli.main", *map(str, arguments)]
        env = {**os.environ, "COLUMNS": "200", "PYTHONPATH": str(Path(__file__).parents[2]), "XDG_CACHE_HOME": cache}
        env |= environment
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of ``filing``'s site."""
    return configured(tmp_path)


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    """Its database."""
    with opened(config) as store:
        yield store
