"""``quarantine hold``: chosen results of a tube wait, and the LIS hears of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from lis_bridge.storage import Store
from lis_bridge.storage.schema.deliveries import delivery_part
from lis_bridge.tubes import views

from .conftest import Run
from .filing import KEY, arrives, message, processed


@pytest.fixture(autouse=True)
def _delivered(store: Store, config: Path) -> None:
    """A tube whose potassium and sodium a LIS has seen; nothing is owed any more."""
    arrives(store, message(("K", "4.10"), ("Na", "141")))
    processed(store, config)


def standing(store: Store) -> dict[str, str]:
    with store.read() as tx:
        return {run.observation.code: run.standing for run in views.view(tx, views.find(tx, KEY) or 0).runs}


def test_a_chosen_result_and_no_other_is_held(lis_bridge: Run, config: Path, store: Store) -> None:
    before = _owed(store)
    words = ("--code", "K", "--why", "clotted", "-c", config, "--by", "Lin", "--json")
    done = lis_bridge("quarantine", "hold", KEY, *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"tube": KEY, "results": 1, "holds": ["h1"]}
    assert standing(store) == {"K": "held", "Na": "reported"}
    assert _owed(store) == before + 1
    (audited,) = json.loads(lis_bridge("audit", "list", "-c", config, "--json").stdout)
    assert (audited["action"], audited["actor"], audited["subject"]) == ("results held", "Lin", f"tube {KEY}")


def test_a_hold_by_hand_is_released_again(lis_bridge: Run, config: Path, store: Store) -> None:
    lis_bridge("quarantine", "hold", KEY, "--why", "clotted", "-c", config)
    assert set(standing(store).values()) == {"held"}
    assert lis_bridge("quarantine", "release", "h1", "-c", config).returncode == 0
    assert set(standing(store).values()) == {"reported"}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--code", "Q"), "'Q'"),
        (("--reason", "unknown code"), "under review, conflicting value"),
        (("--analyzer", "x"), "no such result is reported"),
    ],
)
def test_what_names_nothing_changes_nothing_and_says_what_is_meant(
    lis_bridge: Run, config: Path, store: Store, words: tuple[str, str], hint: str
) -> None:
    done = lis_bridge("quarantine", "hold", KEY, *words, "--why", "x", "-c", config)
    assert done.returncode == 2
    assert hint in done.stderr
    assert set(standing(store).values()) == {"reported"}


def _owed(store: Store) -> int:
    """How many times the LIS is owed something."""
    with store.read() as tx:
        return int(tx.execute(select(func.count()).select_from(delivery_part)).scalar_one())
