"""What came in at a site with one analyzer, processed as the service does: for tests of what a replay would do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lis_bridge import journal, settings
from lis_bridge.core.clock import SystemClock
from lis_bridge.journal import Entry
from lis_bridge.runtime.plans import compiled
from lis_bridge.runtime.work import Parts, work
from lis_bridge.storage import Store, Writer
from lis_bridge.tubes import views
from lis_bridge.tubes.store import Tubes

AT = datetime(2026, 3, 18, 3, 0, tzinfo=UTC)
KEY = "2603180457"
SITE = """\
[site]
id = "x"
[storage]
url = "sqlite:///bridge.db"
[[destination]]
id = "lis"
link = "mllp://127.0.0.1:2575"
[[analyzer]]
id = "line-1"
driver = "mindray-bs"
link = "tcp-listen://127.0.0.1:5100"
"""


def configured(folder: Path) -> Path:
    """The site's configuration in a file of the folder."""
    file = folder / "bridge.toml"
    file.write_text(SITE)
    return file


@contextmanager
def opened(config: Path, *raws: bytes) -> Iterator[Store]:
    """The site's database, in which these messages arrived and were processed."""
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store:
        for raw in raws:
            arrives(store, raw)
        if raws:
            processed(store, config)
        yield store


def message(*rows: tuple[str, str], specimen: str = KEY) -> bytes:
    """A patient's message of the device codes and values."""
    head = "MSH|^~\\&|||||20260318095000||ORU^R01|7|P|2.3.1||||0||ASCII|||\rPID|1||||||F\r"
    order = f"OBR|1|{specimen}|23|^|N|20260318090551|20260318090531|||1^5||||20260318090531|serum\r"
    found = "".join(
        f"OBX|{number}|NM|{code}|{code}|{value}|mmol/L|-|N|||F||{value}|20260318094542||x|0|\r"
        for number, (code, value) in enumerate(rows, 1)
    )
    return b"\x0b" + (head + order + found).encode() + b"\x1c\r"


def arrives(store: Store, raw: bytes, analyzer: str = "line-1") -> int:
    with store.write() as tx:
        return journal.append(tx, Entry(analyzer, "", AT, "mllp", True, raw))


def processed(store: Store, config: Path, *, delivered: bool = True) -> None:
    """Process what is pending as the service does; ``delivered``: a LIS has seen it."""
    found = settings.load(config)
    with Writer(store) as writer:
        process = work(Parts(found, compiled(found), store, writer, SystemClock())).process
    with store.write() as tx:
        for entry in journal.pending(tx, 100):
            process(tx, entry)
        for line in views.tubes(tx) if delivered else ():
            Tubes().seal(tx, line.id, line.version)


def content(config: Path) -> list[Any]:
    """Every row of the database."""
    with sqlite3.connect(config.parent / "bridge.db") as connection:
        return list(connection.iterdump())
