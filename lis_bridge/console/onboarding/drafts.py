"""Drafts on the disk, beside the database, for their owner's eyes only: captures hold patients' data until they are anonymised."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from lis_bridge.core.faults import UsageError
from lis_bridge.core.replacing import replace_file
from lis_bridge.runtime.status import home
from lis_bridge.settings import Config

MOST, MOST_FILES, LARGEST = 50, 10, 8 * 1024 * 1024
"""Drafts at one time, captures of one draft, bytes of one capture."""
_KEY = re.compile(r"[0-9a-f]{12}")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_HEAD = "draft.json"


class Draft(msgspec.Struct, frozen=True):
    """What was decided so far. ``chosen`` are tests and ``units`` units by row of the proposal, ``ignored`` its rows that are no results;
    ``left`` says what a person should look at before the anonymised captures are shared.
    """

    key: str
    driver: str
    by: str
    began_at: datetime
    captures: Sequence[str]
    name: str = ""
    manufacturer: str = ""
    chosen: Mapping[str, str] = {}
    units: Mapping[str, str] = {}
    ignored: Sequence[str] = ()
    anonymised: bool = False
    left: Sequence[str] = ()
    saved_in: str = ""


class Drafts:
    """The folder of a site's drafts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, driver: str, captures: Mapping[str, bytes], by: str, now: datetime) -> Draft:
        """A new draft from captures by their names. Raises UsageError for an id that is none, and where there is too much."""
        _check(driver, captures)
        if len(self.listed()) >= MOST:
            raise UsageError("there are too many drafts", where=str(self.folder), hint="Discard those that are done with")
        draft = Draft(secrets.token_hex(6), driver, by, now, [name[:100] for name in captures])
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / draft.key).mkdir(mode=0o700)
        self.keep(draft, list(captures.values()))
        return draft

    def listed(self) -> list[Draft]:
        """All of them, the newest first."""
        found = [self._read(file) for file in self.folder.glob(f"*/{_HEAD}")]
        return sorted(found, key=lambda draft: draft.began_at, reverse=True)

    def get(self, key: str) -> Draft:
        """The draft. Raises UsageError for one that is not there."""
        file = self.folder / key / _HEAD
        if not _KEY.fullmatch(key) or not file.is_file():
            raise UsageError("there is no such draft", where=key, hint="It may have been discarded: load the page again")
        return self._read(file)

    def captures(self, draft: Draft) -> list[bytes]:
        """The wire bytes of its captures, in order."""
        return [self._capture(draft, number).read_bytes() for number in range(len(draft.captures))]

    def keep(self, draft: Draft, captures: Sequence[bytes] = ()) -> None:
        """Put it on the disk as it now is, with ``captures`` where they are new."""
        for number, raw in enumerate(captures):
            replace_file(self._capture(draft, number), raw, durable=True, private=True)
        replace_file(self.folder / draft.key / _HEAD, msgspec.json.encode(draft), durable=True, private=True)

    def discard(self, key: str) -> None:
        """Take it off the disk with its captures. Raises UsageError."""
        shutil.rmtree(self.folder / self.get(key).key)

    def _capture(self, draft: Draft, number: int) -> Path:
        return self.folder / draft.key / f"{number + 1}.bin"

    def _read(self, file: Path) -> Draft:
        return msgspec.json.decode(file.read_bytes(), type=Draft)


def drafts_of(config: Config) -> Drafts:
    """The drafts of a configuration's site."""
    return Drafts(home(config) / "onboarding")


def checked_id(driver: str) -> str:
    """A driver's id. Raises UsageError."""
    if not _ID.fullmatch(driver) or len(driver) > 60:
        raise UsageError("this is no id of a driver", where=driver, hint="Small letters and digits, parted by dashes: acme-h1")
    return driver


def _check(driver: str, captures: Mapping[str, bytes]) -> None:
    checked_id(driver)
    if not any(captures.values()):
        raise UsageError("the capture is empty", where=driver, hint="Choose the file that the analyzer's bytes are in")
    if len(captures) > MOST_FILES or any(len(raw) > LARGEST for raw in captures.values()):
        raise UsageError("the captures are too large", where=driver, hint="Ten files of 8 MB at the most: a few tubes say enough")
