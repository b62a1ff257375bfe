"""A file to write and load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SMALLEST = """\
[site]
id = "xinhe"
[storage]
url = "sqlite:///data/bridge.db"
[[analyzer]]
id = "line-1"
driver = "mindray-bs"
link = "tcp-listen://127.0.0.1:5100"
[[destination]]
id = "lis"
link = "mllp://127.0.0.1:2575"
version = "2.5.1"
charset = "UTF-8"
[console]
listen = "127.0.0.1:8080"
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str) -> Path:
        path = tmp_path / "bridge.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_file
