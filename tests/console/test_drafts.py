"""Drafts on the disk: whole whatever happens to a change of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from lis_bridge.console.onboarding.drafts import Draft, Drafts
from tests.disk import POSIX, folder_synced, no_file_above

NOW = datetime(2026, 3, 17, 1, 0, tzinfo=UTC)
CAPTURE = b"H|\\^&\r"


@dataclass(frozen=True)
class Begun:
    drafts: Drafts
    draft: Draft

    @property
    def folder(self) -> Path:
        return self.drafts.folder / self.draft.key


@pytest.fixture
def begun(tmp_path: Path) -> Begun:
    drafts = Drafts(tmp_path / "onboarding")
    return Begun(drafts, drafts.begin("acme-h1", {"one.bin": CAPTURE}, "wu", NOW))


def test_a_full_disk_leaves_the_draft_as_it_was(begun: Begun) -> None:
    changed = msgspec.structs.replace(begun.draft, name="x" * 1000)
    with no_file_above(500), pytest.raises(OSError, match="too large"):
        begun.drafts.keep(changed)
    assert begun.drafts.get(begun.draft.key).name == ""
    assert sorted(file.name for file in begun.folder.iterdir()) == ["1.bin", "draft.json"]


@POSIX
def test_two_changes_at_one_time_leave_one_of_them(begun: Begun) -> None:
    names = [letter * 20_000 for letter in "abcd"]
    changes = [msgspec.structs.replace(begun.draft, name=name) for name in names]
    with ThreadPoolExecutor(len(changes)) as threads:
        list(threads.map(lambda change: [begun.drafts.keep(change) for _ in range(20)], changes))
    assert begun.drafts.get(begun.draft.key).name in names


@POSIX
def test_what_a_person_decided_is_on_the_disk_with_its_name(begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = folder_synced(begun.folder, monkeypatch)
    begun.drafts.keep(msgspec.structs.replace(begun.draft, name="H1"), [CAPTURE])
    assert synced == [False, True] * 2
