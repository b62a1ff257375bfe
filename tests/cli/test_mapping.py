"""``mapping`` and ``users token`` beside a service, and what other commands read of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lis_bridge import journal
from lis_bridge.core.holds import Reason
from lis_bridge.journal import Entry
from lis_bridge.storage import Store
from lis_bridge.storage.schema.holds import hold

from .conftest import Run

AT = datetime(2026, 3, 17, 9, 45, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A site whose journal holds one message that waits for the code NEW-1, and one that waits for NEW-2."""
    path = tmp_path / "bridge.toml"
    path.write_text(
        '[site]\nid = "x"\n[storage]\nurl = "sqlite:///bridge.db"\n'
        '[[analyzer]]\nid = "a1"\ndriver = "mindray-bs"\nlink = "tcp-listen://127.0.0.1:5100"\n'
    )
    with Store.open(f"sqlite:///{tmp_path}/bridge.db") as store, store.write() as tx:
        for codes in ("NEW-1\nNEW-3", "NEW-2"):
            id = journal.append(tx, Entry("a1", "", AT, "mllp", True, b"x"))
            journal.done(tx, id, "mindray-bs", 1)
            waits = {"journal_id": id, "analyzer": "a1", "reason": Reason.UNKNOWN_CODE.value, "codes": codes}
            tx.execute(hold.insert().values(**waits, state="open", created_at=AT.isoformat()))
    return path


def states(config: Path) -> list[str]:
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.read() as tx:
        return [line.state for line in reversed(journal.lines(tx))]


def test_a_code_is_mapped_what_waited_for_it_is_replayed_and_it_is_written_down(lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("mapping", "add", "a1", "NEW-1", "CysC", "-c", config, "--by", "Lin", "--json")
    assert json.loads(done.stdout) == {"analyzer": "a1", "said": "NEW-1", "means": "CysC", "replayed": 1}
    assert states(config) == ["pending", "done"]
    (made,) = json.loads(lis_bridge("mapping", "list", "-c", config, "--json").stdout)
    assert (made["analyzer"], made["kind"], made["said"], made["means"], made["by"]) == ("a1", "code", "NEW-1", "CysC", "Lin")
    (told,) = json.loads(lis_bridge("audit", "list", "-c", config, "--json").stdout)
    assert (told["action"], told["actor"], told["subject"]) == ("code mapped", "Lin", "analyzer a1")


def test_a_code_of_urine_is_mapped_as_the_quarantine_shows_it_and_reopens_its_entries_alone(
    lis_bridge: Run, config: Path
) -> None:
    with Store.open(f"sqlite:///{config.parent}/bridge.db") as store, store.write() as tx:
        tx.execute(hold.update().where(hold.c.codes == "NEW-2").values(codes="NEW-1@urine"))
    done = lis_bridge("mapping", "add", "a1", "NEW-1@urine", "U-ALB", "-c", config, "--json")
    assert json.loads(done.stdout)["replayed"] == 1
    assert states(config) == ["done", "pending"]
    assert lis_bridge("mapping", "ignore", "a1", "NEW-1@urine", "-c", config).returncode == 2
    assert lis_bridge("mapping", "ignore", "a1", "NEW-1", "-c", config).returncode == 0
    assert states(config) == ["pending", "pending"]


def test_a_mapping_is_removed_once(lis_bridge: Run, config: Path) -> None:
    assert lis_bridge("mapping", "add", "a1", "unit 15", "U/L", "--unit", "-c", config).returncode == 0
    assert lis_bridge("mapping", "remove", "a1", "unit 15", "-c", config).returncode == 2
    assert lis_bridge("mapping", "remove", "a1", "unit 15", "--unit", "-c", config).returncode == 0
    assert json.loads(lis_bridge("mapping", "list", "-c", config, "--json").stdout) == []


def test_a_code_is_ignored_listed_and_taken_back(lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("mapping", "ignore", "a1", "NEW-1", "-c", config, "--by", "Lin", "--json")
    assert json.loads(done.stdout) == {"analyzer": "a1", "said": "NEW-1", "replayed": 1}
    assert states(config) == ["pending", "done"]
    (made,) = json.loads(lis_bridge("mapping", "list", "-c", config, "--json").stdout)
    assert (made["analyzer"], made["kind"], made["said"], made["means"], made["by"]) == ("a1", "ignored", "NEW-1", "", "Lin")
    assert "a1: mapped: ignored NEW-1 (Lin)" in lis_bridge("config", "check", config).stdout
    assert lis_bridge("mapping", "add", "a1", "NEW-1", "CysC", "-c", config).returncode == 2
    assert lis_bridge("mapping", "remove", "a1", "NEW-1", "-c", config).stdout == "NEW-1 of a1 is ignored no more\n"
    told = json.loads(lis_bridge("audit", "list", "-c", config, "--json").stdout)
    assert sorted(one["action"] for one in told) == ["code ignored", "code ignored no more"]


@pytest.mark.parametrize("mapped_by", ["driver", "configuration", "person"])
def test_a_code_that_means_a_test_is_not_ignored(mapped_by: str, lis_bridge: Run, config: Path) -> None:
    if mapped_by == "configuration":
        config.write_text(config.read_text() + '[analyzer.codes]\n"NEW-1" = "CysC"\n')
    if mapped_by == "person":
        lis_bridge("mapping", "add", "a1", "NEW-1", "CysC", "-c", config)
    done = lis_bridge("mapping", "ignore", "a1", "ALT" if mapped_by == "driver" else "NEW-1", "-c", config)
    assert done.returncode == 2
    assert "a code that means a test is not ignored" in done.stderr


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("a2", "NEW-1", "CysC"), "there is no analyzer 'a2' (known: a1)"),
        (("a1", "NEW-1", "no test"), "the catalogue has no such test"),
        (("a1", "unit 15", "furlong", "--unit"), "the catalogue has no such unit"),
    ],
)
def test_a_mapping_that_means_nothing_is_refused(words: tuple[str, ...], what: str, lis_bridge: Run, config: Path) -> None:
    done = lis_bridge("mapping", "add", *words, "-c", config)
    assert done.returncode == 2
    assert what in done.stderr


def test_config_check_shows_what_was_mapped(lis_bridge: Run, config: Path) -> None:
    lis_bridge("mapping", "add", "a1", "NEW-1", "CysC", "-c", config, "--by", "Lin")
    report = json.loads(lis_bridge("config", "check", config, "--json").stdout)
    assert [(one["said"], one["means"]) for one in report["mapped"]] == [("NEW-1", "CysC")]
    assert "a1: mapped: code NEW-1 = CysC (Lin)" in lis_bridge("config", "check", config).stdout


def test_config_check_makes_no_database(lis_bridge: Run, tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_text('[site]\nid = "x"\n[storage]\nurl = "sqlite:///bridge.db"\n')
    assert json.loads(lis_bridge("config", "check", path, "--json").stdout)["mapped"] == []
    assert not (tmp_path / "bridge.db").exists()


def test_config_check_says_that_it_did_not_look_at_a_server(lis_bridge: Run, tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_text('[site]\nid = "x"\n[storage]\nurl = "postgresql+psycopg://bridge@192.0.2.1/bridge"\n')
    assert json.loads(lis_bridge("config", "check", path, "--json").stdout)["mapped"] is None
    said = lis_bridge("config", "check", path).stdout
    assert f"mapped: not looked at, the database is a server's; lis-bridge mapping list -c {path} shows it" in said


def test_a_token_is_made_listed_without_itself_and_revoked(lis_bridge: Run, config: Path) -> None:
    assert lis_bridge("users", "add", "lin", "--role", "engineer", "--generate", "-c", config).returncode == 0
    made = lis_bridge("users", "token", "lin", "--for", "night export", "-c", config)
    assert made.stdout.startswith("lisb_")
    listed = lis_bridge("users", "tokens", "-c", config, "--json").stdout
    assert made.stdout.strip() not in listed
    assert [(one["user"], one["role"], one["revoked_at"]) for one in json.loads(listed)] == [("lin", "viewer", None)]
    assert lis_bridge("users", "revoke", 1, "-c", config).returncode == 0
    assert lis_bridge("users", "revoke", 1, "-c", config).returncode == 2
