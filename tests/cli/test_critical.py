"""``critical``: a value beyond the limits is listed until somebody was told of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from lis_bridge import journal
from lis_bridge.core.results import Message, Observation
from lis_bridge.journal import Entry
from lis_bridge.pipeline.alarms import shipped
from lis_bridge.storage import Store
from lis_bridge.tubes import keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.store import Arrival, Tubes

from .conftest import Run

AT = datetime(2026, 3, 17, 9, 45, tzinfo=UTC)


@pytest.fixture
def critical(store: Store) -> None:
    """A potassium of 7.9 mmol/L."""
    with store.write() as tx:
        entry = journal.append(tx, Entry("line-1", "", AT, "mllp", True, b"x"))
        row = Observation("K", "K", "7.9", "7.9", Decimal("7.9"), unit="mmol/L", observed_at="2026-03-17T09:40:00+08:00")
        message = Message("patient", "26031700881", observations=(row,))
        receipt = Tubes().file(tx, message, keys.named("26031700881"), Context("line-1"), Arrival(entry, 0, AT))
        shipped().note(tx, receipt, AT)


@pytest.mark.usefixtures("critical")
def test_a_critical_value_is_listed_until_somebody_was_told(lis_bridge: Run, config: Path) -> None:
    (found,) = json.loads(lis_bridge("critical", "list", "-c", config, "--json").stdout)
    assert (found["tube"], found["test"], found["value"], found["side"]) == ("26031700881", "K", "7.9", "high")
    words = ("--told", "Dr Wang", "--ward", "ICU", "--read-back", "-c", config, "--by", "Lin")
    assert lis_bridge("critical", "call", found["number"], *words).returncode == 0
    assert json.loads(lis_bridge("critical", "list", "-c", config, "--json").stdout) == []
    (audited,) = json.loads(lis_bridge("audit", "list", "-c", config, "--json").stdout)
    assert (audited["action"], audited["actor"]) == ("critical value called", "Lin")


@pytest.mark.usefixtures("critical")
def test_a_value_is_called_once(lis_bridge: Run, config: Path) -> None:
    words = ("critical", "call", 1, "--told", "Dr Wang", "-c", config)
    assert lis_bridge(*words).returncode == 0
    again = lis_bridge(*words)
    assert again.returncode == 1
    assert "waits no more" in again.stderr
