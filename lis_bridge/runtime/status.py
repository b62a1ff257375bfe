"""What the service says of itself to other processes: a JSON file beside the database, replaced as a whole every few seconds.

It holds states, counts and times, nothing of any specimen. A reader tells by ``written_at`` whether the service still lives.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from lis_bridge.core.faults import Fault
from lis_bridge.core.replacing import replace_file
from lis_bridge.settings import Config

EVERY_SECONDS = 2.0
STALE = timedelta(seconds=15)
"""A service that has not written for so long is gone or stuck."""
_BUSY = timedelta(minutes=1)
_QUIET = timedelta(hours=1)

State = Literal["running", "idle", "silent", "link lost", "stopped"]
"""running: heard within a minute; idle: within the hour; silent: not for an hour, or never; link lost: the link cannot be had; stopped: by a person."""


class AnalyzerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One analyzer; ``since`` is when the link was lost or stopped, ``fault`` the last thing wrong with link or bytes, ``told`` the bytes that
    went to the analyzer.
    """

    id: str
    driver: str
    link: str
    state: State
    connections: int
    peers: tuple[str, ...] = ()
    heard_at: datetime | None = None
    message_at: datetime | None = None
    bytes: int = 0
    told: int = 0
    messages: int = 0
    cut_off: int = 0
    faults: int = 0
    refused: int = 0
    turned_away: int = 0
    since: datetime | None = None
    stopped_by: str = ""
    recording: bool = False
    fault: Fault | None = None


class DestinationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One LIS; ``words`` are the last ones of it or of its network, ``owed`` the sealed deliveries that it has not taken."""

    id: str
    state: str
    since: datetime | None = None
    owed: int = 0
    delivered: int = 0
    words: str = ""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The whole service at ``written_at``."""

    site: str
    pid: int
    started_at: datetime
    written_at: datetime
    ready: bool
    processed: int = 0
    quarantined: int = 0
    analyzers: tuple[AnalyzerStatus, ...] = ()
    destinations: tuple[DestinationStatus, ...] = ()

    def alive(self, now: datetime) -> bool:
        """True when it is fresh; ``now`` is aware."""
        return abs(now - self.written_at) < STALE


def state_of(lost: bool, heard_at: datetime | None, now: datetime) -> State:
    """The word for an analyzer."""
    if lost:
        return "link lost"
    quiet = _QUIET if heard_at is None else now - heard_at
    return "running" if quiet < _BUSY else "idle" if quiet < _QUIET else "silent"


def home(config: Config) -> Path:
    """The folder of what the service keeps beside its database (beside the configuration, where the database is a server)."""
    place = config.storage.url.removeprefix("sqlite:///")
    return Path(place).parent if place != config.storage.url else config.path.parent


def file_of(config: Config) -> Path:
    """Where the status stands."""
    place = config.storage.url.removeprefix("sqlite:///")
    name = Path(place).name if place != config.storage.url else config.path.name
    return home(config) / f"{name}.status.json"


def read(config: Config) -> Snapshot | None:
    """The last status of the configuration's service, or None where there is none that can be read."""
    try:
        return msgspec.json.decode(file_of(config).read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError):
        return None


def write(config: Config, snapshot: Snapshot) -> None:
    """Replace the file; readers see the old one or the new one. Raises OSError."""
    replace_file(file_of(config), msgspec.json.format(msgspec.json.encode(snapshot), indent=1), durable=False)
