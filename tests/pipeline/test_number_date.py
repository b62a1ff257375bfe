"""Running numbers of analyzers that send no date: held, unless the site says that the day of reception dates them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from lis_bridge import journal, settings
from lis_bridge.core import resources
from lis_bridge.pipeline.process import Process
from lis_bridge.runtime.plans import compiled
from lis_bridge.runtime.work import process_of
from lis_bridge.storage import Store
from lis_bridge.storage.schema.deliveries import delivery_part
from lis_bridge.tubes import views

from .clocks import Stopped

MONDAY, TUESDAY = datetime(2026, 3, 16, 2, 30, tzinfo=UTC), datetime(2026, 3, 17, 2, 30, tzinfo=UTC)
EVENING = datetime(2026, 3, 16, 15, 59, 59, tzinfo=UTC)  # one second before Tuesday in Shanghai
LATER = datetime(
    2026, 3, 20, 2, 30, tzinfo=UTC
)  # of processing: days behind every reception, for only the journal's moment may date a number
AT_RECEPTION = 'number_date = "reception"\n'


def process(folder: Path, driver: str = "succeeder-sf8050", said: str = AT_RECEPTION) -> Process:
    """The process step of a configuration file with one analyzer."""
    file = folder / "bridge.toml"
    file.write_text(
        f'[site]\nid = "x"\n[storage]\nurl = "sqlite:///bridge.db"\n[[analyzer]]\nid = "one"\ndriver = "{driver}"\n'
        f'link = "serial:///dev/ttyS0"\n{said}[[destination]]\nid = "lis"\nlink = "mllp://127.0.0.1:2575"\n'
    )
    config = settings.load(file)
    return process_of(config, compiled(config), Stopped(LATER))


def arrives(store: Store, step: Process, raw: bytes, at: datetime = MONDAY) -> int:
    """A message that was received at a moment, processed; its journal entry."""
    with store.write() as tx:
        id = journal.append(tx, journal.Entry("one", "", at, "lines", True, raw))
    run(store, step, id)
    return id


def run(store: Store, step: Process, id: int) -> None:
    with store.write() as tx:
        entry = journal.get(tx, id)
        assert entry is not None
        step(tx, entry)


def replay(store: Store, step: Process, id: int) -> None:
    with store.write() as tx:
        journal.reopen(tx, id)
    run(store, step, id)


def tubes(store: Store) -> dict[str, dict[str | None, str | None]]:
    """Reported values by test, of every tube by its key."""
    with store.read() as tx:
        keys = [line.key for line in views.tubes(tx)]
        shown = {key: views.view(tx, found) for key in keys if (found := views.find(tx, key)) is not None}
    return {
        key: {run.observation.test: run.observation.value for run in view.runs if run.standing == "reported"}
        for key, view in shown.items()
    }


def holds(store: Store) -> list[tuple[str, str]]:
    with store.read() as tx:
        return [(str(hold.reason), hold.detail) for hold in views.holds(tx)]


def owed(store: Store) -> int | None:
    with store.read() as tx:
        return tx.scalar(select(func.count()).select_from(delivery_part))


PT = b"12 PTs 12.1\n"


def test_by_default_a_number_without_a_date_is_held(store: Store, tmp_path: Path) -> None:
    arrives(store, process(tmp_path, said=""), PT)
    assert tubes(store) == {}
    ((reason, detail),) = holds(store)
    assert (reason, detail.startswith("'12': a running number without a date [")) == ("identity doubtful", True)


def test_the_day_of_reception_dates_the_number_where_the_site_says_so(store: Store, tmp_path: Path) -> None:
    arrives(store, process(tmp_path), PT)
    assert (tubes(store), holds(store)) == ({"20260316-one-12": {"PT": "12.1"}}, [])


def test_a_number_twelve_of_two_days_is_two_tubes(store: Store, tmp_path: Path) -> None:
    step = process(tmp_path)
    arrives(store, step, PT, MONDAY)
    arrives(store, step, b"12 PTs 18.6\n", TUESDAY)
    assert tubes(store) == {"20260316-one-12": {"PT": "12.1"}, "20260317-one-12": {"PT": "18.6"}}


def test_the_day_is_the_one_of_the_sites_timezone(store: Store, tmp_path: Path) -> None:
    step = process(tmp_path)
    arrives(store, step, PT, EVENING)
    arrives(store, step, PT, EVENING.replace(hour=16, minute=0, second=0))
    assert set(tubes(store)) == {"20260316-one-12", "20260317-one-12"}


def test_a_replay_days_later_files_under_the_day_of_the_first_reception_and_doubles_nothing(store: Store, tmp_path: Path) -> None:
    id = arrives(store, process(tmp_path), PT)
    before = owed(store)
    for _ in range(2):
        replay(store, process(tmp_path), id)
        assert (tubes(store), owed(store)) == ({"20260316-one-12": {"PT": "12.1"}}, before)


def test_what_was_held_before_the_site_said_so_goes_by_a_replay_under_the_day_it_came(store: Store, tmp_path: Path) -> None:
    id = arrives(store, process(tmp_path, said=""), PT)
    replay(store, process(tmp_path), id)
    assert (tubes(store), holds(store)) == ({"20260316-one-12": {"PT": "12.1"}}, [])


def test_lines_of_one_number_and_day_are_one_tube_and_another_value_is_held(store: Store, tmp_path: Path) -> None:
    step = process(tmp_path)
    for line in (PT, b"12 FIBg/L 2.87\n", PT):
        arrives(store, step, line)
    assert (tubes(store), holds(store)) == ({"20260316-one-12": {"PT": "12.1", "FIB": "2.87"}}, [])
    arrives(store, step, b"12 PTs 30.0\n")
    assert tubes(store)["20260316-one-12"]["PT"] == "12.1"
    assert [reason for reason, _ in holds(store)] == ["conflicting value"]


def test_a_barcode_stays_the_key_by_itself(store: Store, tmp_path: Path) -> None:
    arrives(store, process(tmp_path), b"2603160012 PTs 12.1\n")
    assert set(tubes(store)) == {"2603160012"}


def test_a_message_that_has_a_date_keeps_it(store: Store, tmp_path: Path) -> None:
    """Mejer's text A: dry chemistry without a date, sediment with the date of the day before."""
    raw = (resources.drivers()[-1] / "mejer-urine" / "captures" / "mejer-urine--01.txt").read_bytes()
    arrives(store, process(tmp_path, "mejer-urine"), raw, datetime(2024, 5, 22, 0, 5, tzinfo=UTC))
    assert set(tubes(store)) == {"20240522-one-7", "20240521-one-43", "20240522-one-8"}


def test_a_date_far_from_reception_is_still_doubted(store: Store, tmp_path: Path) -> None:
    raw = (resources.drivers()[-1] / "mejer-urine" / "captures" / "mejer-urine--01.txt").read_bytes()
    arrives(store, process(tmp_path, "mejer-urine"), raw)
    assert set(tubes(store)) == {"20260316-one-7", "20260316-one-8"}
    assert [detail.partition(",")[0] for _, detail in holds(store)] == ["'0043': dated 2024-05-21"]
