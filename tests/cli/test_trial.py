"""``replay --dry-run``: what a replay would do, by the service's own process step, and nothing of it done."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from lis_bridge import journal, settings
from lis_bridge.core.faults import UsageError
from lis_bridge.runtime.trial import trial
from lis_bridge.storage import Store
from lis_bridge.tubes import views

from .conftest import Run
from .filing import KEY, SITE, arrives, content, message, processed


def site(config: Path, *codes: str) -> None:
    """The configuration with the site's own codes."""
    config.write_text(SITE + "[analyzer.codes]\n" + "".join(f"{code}\n" for code in codes))


def quarantined(store: Store, *ids: int) -> None:
    with store.write() as tx:
        for id in ids:
            journal.quarantine(tx, id, "no dialect", "check the driver")


def test_held_result_whose_code_is_mapped_now_would_be_filed_and_nothing_is_written(
    lis_bridge: Run, config: Path, store: Store
) -> None:
    arrives(store, message(("K", "4.10"), ("NEW-K", "4.90")))
    processed(store, config)
    site(config, '"NEW-K" = "Na"')
    before = content(config)
    done = lis_bridge("replay", "-c", config, "--held", "--dry-run", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    looked = {"entry": 1, "analyzer": "line-1", "state": "done", "reason": None, "tubes": [KEY], "owed": 1}
    assert json.loads(done.stdout) == {"entries": [{**looked, "outcomes": {"new": 1, "repeat": 1}}], "changes": [], "rest": []}
    assert content(config) == before


def test_delivered_result_that_would_go_to_another_test_is_shown_and_is_a_finding(
    lis_bridge: Run, config: Path, store: Store
) -> None:
    arrives(store, message(("K", "4.10")))
    processed(store, config)
    site(config, '"K" = "Na"')
    done = lis_bridge("replay", 1, "-c", config, "--dry-run", "--json")
    assert done.returncode == 1
    (change,) = json.loads(done.stdout)["changes"]
    assert (change["tube"], change["code"], change["delivered"], change["outcome"]) == (KEY, "K", True, "remapped")
    assert (change["before"]["test"], change["after"]["test"]) == ("K", "Na")
    said = lis_bridge("replay", 1, "-c", config, "--dry-run").stdout
    assert "1 remapped" in said
    assert "K 4.10 mmol/L" in said
    assert "Na 4.10 mmol/L" in said


def test_result_that_no_lis_has_seen_may_be_read_differently(lis_bridge: Run, config: Path, store: Store) -> None:
    arrives(store, message(("K", "4.10")))
    processed(store, config, delivered=False)
    site(config, '"K" = "Na"')
    done = lis_bridge("replay", 1, "-c", config, "--dry-run", "--json")
    assert done.returncode == 0
    (change,) = json.loads(done.stdout)["changes"]
    assert (change["delivered"], change["outcome"]) == (False, "replace")


def test_delivered_value_that_another_message_contradicts_is_shown_with_both(config: Path, store: Store) -> None:
    arrives(store, message(("K", "4.10")))
    processed(store, config)
    quarantined(store, arrives(store, message(("K", "4.80"))))
    (change,) = trial(settings.load(config), store, [2]).changes
    assert (change.before.value, change.after.value, change.outcome, change.delivered) == ("4.10", "4.80", "held", True)


def test_entries_of_one_trial_see_each_other(config: Path, store: Store) -> None:
    quarantined(store, *(arrives(store, message(("K", "4.10"))) for _ in range(2)))
    found = trial(settings.load(config), store, [1, 2])
    assert [(looked.outcomes, looked.owed) for looked in found.entries] == [({"new": 1}, 1), ({"repeat": 1}, 0)]
    assert found.harmless


def test_trial_tells_what_a_replay_then_does(config: Path, store: Store) -> None:
    arrives(store, message(("K", "4.10"), ("NEW-K", "4.90")))
    processed(store, config)
    site(config, '"NEW-K" = "Na"')
    (looked,) = trial(settings.load(config), store, [1]).entries
    with store.write() as tx:
        journal.reopen(tx, 1)
    processed(store, config)
    with store.read() as tx:
        (tube,) = views.tubes(tx)
        known = views.view(tx, tube.id)
        entry = journal.get(tx, 1)
    assert (looked.state, looked.tubes, looked.owed) == (entry and entry.state, (tube.key,), tube.results - 1)
    assert [run.observation.test for run in known.runs if run.standing == "reported"] == ["K", "Na"]


def test_entry_that_would_be_quarantined_says_why_and_nothing_is_logged(lis_bridge: Run, config: Path, store: Store) -> None:
    quarantined(store, arrives(store, message(("K", "4.10")), "gone-1"))
    done = lis_bridge("replay", "-c", config, "--quarantined", "--dry-run", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (looked,) = json.loads(done.stdout)["entries"]
    assert (looked["state"], looked["reason"], looked["owed"]) == ("quarantined", "unknown analyzer", 0)


def test_entry_that_cannot_be_processed_is_a_finding_and_the_others_are_looked_at(config: Path, store: Store) -> None:
    arrives(store, message(("K", "4.10")))
    arrives(store, message(("K", "4.10"), specimen="2603180458"))
    processed(store, config)
    with sqlite3.connect(config.parent / "bridge.db") as connection:
        connection.execute("UPDATE tube_event SET content = x'00ff' WHERE id = 1")
    found = trial(settings.load(config), store, [1, 2])
    assert [looked.state for looked in found.entries] == ["failed", "done"]
    assert not found.harmless


def test_entries_that_time_did_not_allow_are_named_and_are_a_finding(config: Path, store: Store) -> None:
    quarantined(store, *(arrives(store, message(("K", "4.10"))) for _ in range(3)))
    found = trial(settings.load(config), store, [1, 2, 3], seconds=-1.0)
    assert ([looked.entry for looked in found.entries], found.rest, found.harmless) == ([1], (2, 3), False)


def test_entry_that_waits_already_or_is_not_there_is_refused(config: Path, store: Store) -> None:
    arrives(store, message(("K", "4.10")))
    for id in (1, 99):
        with pytest.raises(UsageError):
            trial(settings.load(config), store, [id])


def test_trial_of_nothing_that_waits_says_so(lis_bridge: Run, config: Path, store: Store) -> None:
    assert lis_bridge("replay", "-c", config, "--quarantined", "--dry-run").returncode == 1


def test_mapping_that_run_would_refuse_is_not_tried(lis_bridge: Run, config: Path, store: Store) -> None:
    arrives(store, message(("K", "4.10")))
    processed(store, config)
    site(config, '"K" = "NO-SUCH-TEST"')
    assert lis_bridge("replay", 1, "-c", config, "--dry-run").returncode == 3


def test_delivered_result_whose_code_nobody_maps_any_more_is_a_finding(config: Path, store: Store) -> None:
    """A replay adds nothing; a person should know that the mapping has lost what was delivered."""
    site(config, '"NEW-K" = "Na"')
    arrives(store, message(("NEW-K", "4.90")))
    processed(store, config)
    site(config)
    found = trial(settings.load(config), store, [1])
    (change,) = found.changes
    assert (change.before.test, change.after.test, change.outcome, found.harmless) == ("Na", None, "repeat", False)
