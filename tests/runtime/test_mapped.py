"""A running service and what is mapped beside it: what waited is filed, what comes is read anew, and nothing that was delivered changes by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lis_bridge import audit, journal, outbox
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import UsageError
from lis_bridge.mappings import Kind
from lis_bridge.pipeline.deciding import Decisions
from lis_bridge.runtime.service import Service
from lis_bridge.storage import Store
from lis_bridge.tubes import views

from ..console.serving import configured
from ..console.wire import bring, oru

TUBE, OTHER = "20260317000012", "20260317000021"
TESTS = TestCatalogue.load()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    running = Service(configured(tmp_path))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def beside(service: Service) -> Store:
    """The database as a command of another process opens it."""
    return Store.open(service.config.storage.url)


def map_(store: Store, kind: Kind, said: str, means: str) -> int:
    with store.write() as tx:
        return Decisions(tx, (), "lin", datetime.now(UTC)).map("line-1", kind, said, means, TESTS)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)


def holds(store: Store) -> list[tuple[str, tuple[str, ...]]]:
    with store.read() as tx:
        return [(hold.reason, hold.codes) for hold in reversed(views.holds(tx))]


def reported(store: Store, key: str = TUBE) -> dict[str, str | None]:
    with store.read() as tx:
        number = views.find(tx, key)
        runs = views.view(tx, number).runs if number is not None else ()
    return {run.observation.test or "?": run.observation.value for run in runs if run.standing == "reported"}


def quiet(store: Store) -> bool:
    with store.read() as tx:
        return not journal.pending(tx, 1)


async def test_what_waited_for_a_code_is_filed_once_another_process_mapped_it(service: Service, beside: Store) -> None:
    bring(beside, oru(TUBE, ("ALT", "42.1", "U/L"), ("NEW-1", "0.92", "mg/L")))
    await until(lambda: holds(beside) == [("unknown code", ("NEW-1",))])
    assert map_(beside, "code", "NEW-1", "CysC") == 1
    await until(lambda: holds(beside) == [])
    assert reported(beside) == {"ALT": "42.1", "CysC": "0.92"}
    with beside.read() as tx:
        (line,) = audit.lines(tx, action="code mapped")
        assert isinstance(audit.verify(tx), audit.Head)
    assert (line.actor, line.subject, line.detail) == ("lin", "analyzer line-1", '{"means":"CysC","replayed":1,"said":"NEW-1"}')


async def test_what_comes_after_is_read_by_the_mapping(service: Service, beside: Store) -> None:
    map_(beside, "code", "NEW-1", "CysC")
    bring(beside, oru(TUBE, ("NEW-1", "0.92", "mg/L")))
    await until(lambda: bool(reported(beside)))
    assert (reported(beside), holds(beside)) == ({"CysC": "0.92"}, [])


async def test_a_message_that_still_waits_for_another_code_is_held_for_that_one_alone(service: Service, beside: Store) -> None:
    bring(beside, oru(TUBE, ("NEW-1", "0.92", "mg/L"), ("NEW-2", "5.1", "mmol/L")))
    await until(lambda: holds(beside) == [("unknown code", ("NEW-1", "NEW-2"))])
    map_(beside, "code", "NEW-1", "CysC")
    await until(lambda: holds(beside) == [("unknown code", ("NEW-2",))])
    assert reported(beside) == {"CysC": "0.92"}


async def test_a_unit_is_explained_for_what_waits(service: Service, beside: Store) -> None:
    bring(beside, oru(TUBE, ("ALT", "42.1", "unit-15")))
    await until(lambda: holds(beside) == [("unknown unit", ("ALT",))])
    map_(beside, "unit", "unit unit-15", "U/L")
    await until(lambda: holds(beside) == [])
    assert reported(beside) == {"ALT": "42.1"}


async def test_a_mapping_that_contradicts_what_is_reported_is_held_for_a_person(service: Service, beside: Store) -> None:
    """Promise 5: where it would change what was delivered, nothing is sent without a person."""
    bring(beside, oru(TUBE, ("ALT", "42.1", "U/L"), ("ALT-X", "55.0", "U/L")))
    await until(lambda: holds(beside) == [("unknown code", ("ALT-X",))])
    with beside.read() as tx:
        before = len(outbox.lines(tx))
    map_(beside, "code", "ALT-X", "ALT")
    await until(lambda: holds(beside) == [("conflicting value", ("ALT-X",))])
    with beside.read() as tx:
        assert len(outbox.lines(tx)) == before
    assert reported(beside) == {"ALT": "42.1"}


async def test_a_known_code_that_is_mapped_anew_changes_nothing_that_was_filed(service: Service, beside: Store) -> None:
    bring(beside, oru(TUBE, ("ALT", "42.1", "U/L")))
    await until(lambda: reported(beside) == {"ALT": "42.1"})
    assert map_(beside, "code", "ALT", "AST") == 0
    bring(beside, oru(TUBE, ("ALT", "42.1", "U/L")))  # the analyzer sends it again
    bring(beside, oru(OTHER, ("ALT", "43.0", "U/L"), name="江月"))
    await until(lambda: reported(beside, OTHER) == {"AST": "43.0"})
    assert (reported(beside), holds(beside)) == ({"ALT": "42.1"}, [])


async def test_what_the_plan_before_has_read_is_read_again(service: Service, beside: Store) -> None:
    """Many entries are on their way while the mapping comes: none of them waits for it afterwards."""
    for number in range(60):
        bring(beside, oru(f"202603170001{number:02}", ("NEW-1", f"0.{number + 10}", "mg/L"), name=f"患者{number}"))
        if number == 30:
            map_(beside, "code", "NEW-1", "CysC")
    await until(lambda: quiet(beside) and not holds(beside))
    for number in (0, 30, 59):
        assert reported(beside, f"202603170001{number:02}") == {"CysC": f"0.{number + 10}"}


async def test_a_mapping_is_taken_back_for_what_comes(service: Service, beside: Store) -> None:
    map_(beside, "code", "NEW-1", "CysC")
    with beside.write() as tx:
        Decisions(tx, (), "lin", datetime.now(UTC)).unmap("line-1", "code", "NEW-1")
    bring(beside, oru(TUBE, ("NEW-1", "0.92", "mg/L")))
    await until(lambda: holds(beside) == [("unknown code", ("NEW-1",))])


def ignore(store: Store, code: str, *known: str) -> int:
    with store.write() as tx:
        return Decisions(tx, (), "lin", datetime.now(UTC)).ignore("line-1", code, known)


def unmap(store: Store, kind: Kind, said: str) -> None:
    with store.write() as tx:
        Decisions(tx, (), "lin", datetime.now(UTC)).unmap("line-1", kind, said)


def standings(store: Store, code: str, key: str = TUBE) -> list[tuple[str | None, str]]:
    with store.read() as tx:
        number = views.find(tx, key)
        runs = views.view(tx, number).runs if number is not None else ()
    return [(run.observation.value, run.standing) for run in runs if run.observation.code == code]


async def test_what_waited_for_a_code_that_is_ignored_is_information_and_nothing_is_reported(
    service: Service, beside: Store
) -> None:
    bring(beside, oru(TUBE, ("ALT", "42.1", "U/L"), ("NEW-1", "0.92", "mg/L")))
    await until(lambda: holds(beside) == [("unknown code", ("NEW-1",))])
    assert ignore(beside, "NEW-1") == 1
    await until(lambda: holds(beside) == [])
    assert reported(beside) == {"ALT": "42.1"}
    assert standings(beside, "NEW-1") == [("0.92", "ended"), ("0.92", "aside")]
    with beside.read() as tx:
        assert [line.state for line in views.holds(tx, state=None)] == ["replaced"]
        assert sum(line.results for line in outbox.lines(tx)) == 1
        (line,) = audit.lines(tx, action="code ignored")
        assert isinstance(audit.verify(tx), audit.Head)
    assert (line.actor, line.subject, line.detail) == ("lin", "analyzer line-1", '{"replayed":1,"said":"NEW-1"}')


async def test_what_comes_of_an_ignored_code_is_held_no_more_until_that_is_taken_back(service: Service, beside: Store) -> None:
    ignore(beside, "NEW-1")
    bring(beside, oru(TUBE, ("ALT", "42.1", "U/L"), ("NEW-1", "0.92", "mg/L")))
    await until(lambda: reported(beside) == {"ALT": "42.1"})
    assert (holds(beside), standings(beside, "NEW-1")) == ([], [("0.92", "aside")])
    unmap(beside, "ignored", "NEW-1")
    bring(beside, oru(OTHER, ("NEW-1", "0.95", "mg/L"), name="江月"))
    await until(lambda: holds(beside) == [("unknown code", ("NEW-1",))])


async def test_a_result_that_was_ignored_is_held_and_then_reported_when_it_comes_again(service: Service, beside: Store) -> None:
    ignore(beside, "NEW-1")
    raw = oru(TUBE, ("ALT", "42.1", "U/L"), ("NEW-1", "0.92", "mg/L"))
    bring(beside, raw)
    await until(lambda: reported(beside) == {"ALT": "42.1"})
    unmap(beside, "ignored", "NEW-1")
    bring(beside, raw)
    await until(lambda: holds(beside) == [("unknown code", ("NEW-1",))])
    map_(beside, "code", "NEW-1", "CysC")
    await until(lambda: reported(beside) == {"ALT": "42.1", "CysC": "0.92"})
    assert holds(beside) == []


async def test_a_message_that_waits_for_two_codes_waits_for_the_one_that_is_not_ignored(service: Service, beside: Store) -> None:
    bring(beside, oru(TUBE, ("NEW-1", "0.92", "mg/L"), ("NEW-2", "5.1", "mmol/L")))
    await until(lambda: holds(beside) == [("unknown code", ("NEW-1", "NEW-2"))])
    assert ignore(beside, "NEW-1") == 1
    await until(lambda: holds(beside) == [("unknown code", ("NEW-2",))])
    assert reported(beside) == {}


async def test_what_was_delivered_under_a_code_stays_when_it_is_ignored(service: Service, beside: Store) -> None:
    map_(beside, "code", "NEW-1", "CysC")
    raw = oru(TUBE, ("NEW-1", "0.92", "mg/L"))
    bring(beside, raw)
    await until(lambda: reported(beside) == {"CysC": "0.92"})
    unmap(beside, "code", "NEW-1")
    ignore(beside, "NEW-1")
    bring(beside, raw)
    await until(lambda: quiet(beside))
    assert (reported(beside), holds(beside)) == ({"CysC": "0.92"}, [])


async def test_a_code_that_means_a_test_is_not_ignored_and_an_ignored_one_not_mapped(service: Service, beside: Store) -> None:
    with pytest.raises(UsageError, match="means a test"):
        ignore(beside, "ALT", "ALT", "AST")
    ignore(beside, "NEW-1")
    with pytest.raises(UsageError, match="is ignored"):
        map_(beside, "code", "NEW-1", "CysC")


async def test_a_code_of_urine_is_held_and_mapped_by_a_name_of_its_own_and_the_same_code_of_serum_is_untouched(
    service: Service, beside: Store
) -> None:
    bring(beside, oru(TUBE, ("NEW-1", "12.0", "mg/L"), material="urine"))
    bring(beside, oru(OTHER, ("NEW-1", "0.92", "mg/L"), name="江月"))
    await until(lambda: holds(beside) == [("unknown code", ("NEW-1@urine",)), ("unknown code", ("NEW-1",))])
    assert map_(beside, "code", "NEW-1@urine", "U-ALB") == 1
    await until(lambda: reported(beside) == {"U-ALB": "12.0"})
    assert (holds(beside), reported(beside, OTHER)) == ([("unknown code", ("NEW-1",))], {})
    assert map_(beside, "code", "NEW-1", "CysC") == 1
    await until(lambda: reported(beside, OTHER) == {"CysC": "0.92"})
    assert (holds(beside), reported(beside)) == ([], {"U-ALB": "12.0"})


async def test_a_code_that_is_known_of_serum_is_mapped_for_urine_and_means_the_same_of_serum(
    service: Service, beside: Store
) -> None:
    bring(beside, oru(TUBE, ("ALB", "12.0", "mg/L"), material="尿液"))
    await until(lambda: holds(beside) == [("unknown code", ("ALB@尿液",))])
    map_(beside, "code", "ALB@尿液", "U-ALB")
    await until(lambda: reported(beside) == {"U-ALB": "12.0"})
    bring(beside, oru(OTHER, ("ALB", "41.0", "g/L"), name="江月"))
    await until(lambda: reported(beside, OTHER) == {"ALB": "41.0"})
    assert holds(beside) == []


async def test_a_code_of_urine_is_ignored_and_the_same_code_of_serum_still_waits(service: Service, beside: Store) -> None:
    bring(beside, oru(TUBE, ("NEW-1", "12.0", "mg/L"), material="urine"))
    bring(beside, oru(OTHER, ("NEW-1", "0.92", "mg/L"), name="江月"))
    await until(lambda: len(holds(beside)) == 2)
    assert ignore(beside, "NEW-1@urine") == 1
    await until(lambda: holds(beside) == [("unknown code", ("NEW-1",))])
    assert standings(beside, "NEW-1") == [("12.0", "ended"), ("12.0", "aside")]
    unmap(beside, "ignored", "NEW-1@urine")
    bring(beside, oru("20260317000031", ("NEW-1", "13.0", "mg/L"), name="何青", material="urine"))
    await until(lambda: holds(beside)[1:] == [("unknown code", ("NEW-1@urine",))])


async def test_a_unit_that_urine_is_sent_without_is_said_of_the_code_of_urine_alone(service: Service, beside: Store) -> None:
    map_(beside, "code", "NEW-1@urine", "U-ALB")
    map_(beside, "code", "NEW-1", "CysC")
    bring(beside, oru(TUBE, ("NEW-1", "12.0", ""), material="urine"))
    bring(beside, oru(OTHER, ("NEW-1", "0.92", ""), name="江月"))
    await until(lambda: holds(beside) == [("unknown unit", ("NEW-1@urine",)), ("unknown unit", ("NEW-1",))])
    map_(beside, "unit", "NEW-1@urine", "mg/L")
    await until(lambda: reported(beside) == {"U-ALB": "12.0"})
    assert (holds(beside), reported(beside, OTHER)) == ([("unknown unit", ("NEW-1",))], {})


async def test_urine_and_serum_of_one_specimen_id_stand_beside_each_other(service: Service, beside: Store) -> None:
    """Two materials under one code are two measurements: neither replaces the other, whichever is mapped later."""
    bring(beside, oru(TUBE, ("ALB", "41.0", "g/L")))
    bring(beside, oru(TUBE, ("ALB", "12.0", "mg/L"), material="urine"))
    bring(beside, oru(TUBE, ("ALB", "13.0", "mg/L"), at="20260317101000", material="urine"))
    await until(lambda: len(holds(beside)) == 2)
    map_(beside, "code", "ALB@urine", "U-ALB")
    await until(lambda: reported(beside) == {"ALB": "41.0", "U-ALB": "13.0"})
    assert holds(beside) == []


@pytest.mark.parametrize(
    ("kind", "said", "means", "what"),
    [
        ("code", "NEW-1", "no such test", "no such test"),
        ("unit", "unit 15", "furlong", "no such unit"),
        ("code", "", "ALT", "nothing that a device writes"),
        ("code", "a\nb", "ALT", "nothing that a device writes"),
    ],
)
async def test_a_mapping_under_which_results_would_still_be_held_is_refused(
    kind: Kind, said: str, means: str, what: str, service: Service, beside: Store
) -> None:
    with pytest.raises(UsageError, match=what):
        map_(beside, kind, said, means)
