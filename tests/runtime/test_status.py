from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from prometheus_client import generate_latest

from lis_bridge import settings
from lis_bridge.core.faults import Fault
from lis_bridge.runtime import status
from lis_bridge.runtime.metrics import registry
from lis_bridge.runtime.status import AnalyzerStatus, DestinationStatus, Snapshot
from tests.disk import no_file_above

NOW = datetime(2026, 3, 17, 1, 0, tzinfo=UTC)
SNAPSHOT = Snapshot(
    site="xinhe",
    pid=1,
    started_at=NOW - timedelta(hours=1),
    written_at=NOW,
    ready=True,
    processed=7,
    analyzers=(
        AnalyzerStatus(
            id="line-1",
            driver="mindray-bs",
            link="tcp-listen://127.0.0.1:5100",
            state="running",
            connections=1,
            messages=7,
            heard_at=NOW,
            fault=Fault("bad checksum", "9 bytes", "check the cable"),
        ),
    ),
    destinations=(DestinationStatus(id="lis", state="connected", delivered=3),),
)


@pytest.fixture
def config(tmp_path: Path) -> settings.Config:
    file = tmp_path / "bridge.toml"
    file.write_text('[site]\nid = "xinhe"\n[storage]\nurl = "sqlite:///data/bridge.db"\n')
    return settings.load(file)


def test_the_status_is_read_as_it_was_written_beside_the_database(config: settings.Config, tmp_path: Path) -> None:
    assert status.read(config) is None
    (tmp_path / "data").mkdir()
    status.write(config, SNAPSHOT)
    assert status.read(config) == SNAPSHOT
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["bridge.db.status.json"]


def test_a_full_disk_leaves_the_last_status(config: settings.Config, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    status.write(config, SNAPSHOT)
    with no_file_above(50), pytest.raises(OSError, match="too large"):
        status.write(config, msgspec.structs.replace(SNAPSHOT, processed=8))
    assert status.read(config) == SNAPSHOT
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["bridge.db.status.json"]


def test_a_damaged_status_is_none(config: settings.Config) -> None:
    status.file_of(config).parent.mkdir()
    status.file_of(config).write_bytes(b'{"site": ')
    assert status.read(config) is None


def test_a_status_that_is_not_renewed_is_not_alive() -> None:
    assert SNAPSHOT.alive(NOW + timedelta(seconds=5))
    assert not SNAPSHOT.alive(NOW + status.STALE)


@pytest.mark.parametrize(
    ("lost", "quiet", "state"),
    [
        (False, timedelta(seconds=1), "running"),
        (False, timedelta(minutes=10), "idle"),
        (False, timedelta(hours=2), "silent"),
        (False, None, "silent"),
        (True, timedelta(seconds=1), "link lost"),
    ],
)
def test_an_analyzers_state_is_one_of_four_words(lost: bool, quiet: timedelta | None, state: str) -> None:
    assert status.state_of(lost, None if quiet is None else NOW - quiet, NOW) == state


def test_metrics_are_the_status_in_prometheus_words() -> None:
    text = generate_latest(registry(lambda: SNAPSHOT)).decode()
    assert 'lis_bridge_messages_total{analyzer="line-1"} 7.0' in text
    assert 'lis_bridge_link_up{analyzer="line-1"} 1.0' in text
    assert 'lis_bridge_delivered_total{destination="lis"} 3.0' in text
