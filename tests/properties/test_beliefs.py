"""Whatever comes, is decided and answered: in the end each LIS believes what the tubes report, and never a result of two specimens at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import hl7
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lis_bridge import outbox
from lis_bridge.core.faults import BridgeError
from lis_bridge.core.holds import BY_HAND
from lis_bridge.forward.oru import Builder
from lis_bridge.pipeline.deciding import Decisions, Reader
from lis_bridge.pipeline.outlet import Outlet
from lis_bridge.pipeline.pictures import building
from lis_bridge.settings import Destination
from lis_bridge.storage import Store
from lis_bridge.tubes import keys, views
from lis_bridge.tubes.events import Slot
from lis_bridge.tubes.store import Arrival, Tubes
from tests.forward.samples import CATALOGUE
from tests.tubes.samples import LINE, NOW, message, row

ZONE = ZoneInfo("Asia/Shanghai")
SPECIMENS = ("26031700881", "26031700882", "26031700883")
TESTS = ("GLU", "ALT")
READER = Reader({}, None, CATALOGUE)  # type: ignore[arg-type]
POLICY = outbox.Policy(retries=0)

ACTS = (
    "message", "message", "message", "corrected", "another code", "preliminary", "doubted",
    "withhold", "withhold", "withhold", "release", "release", "discard", "move", "move", "move hold", "move hold",
    "deliver", "deliver", "deliver", "refuse", "refuse", "resend", "clock back", "restart",
)  # fmt: skip
stories = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 11)), min_size=1, max_size=16)


class Lis:
    """One destination and what it believes: the value of each test of each specimen, as its accepted messages say."""

    def __init__(self, id: str, window: float) -> None:
        self.destination = Destination.model_validate({"id": id, "link": "mllp://127.0.0.1:2575", "window_seconds": window})
        self.outlet = Outlet(self.destination, CATALOGUE, ZONE)
        self.builder = Builder(self.destination, CATALOGUE)
        self.believes: dict[tuple[str, str], str] = {}

    def accepts(self, raw: bytes) -> None:
        read = hl7.parse(raw.decode())
        specimen = str(read.segment("OBR")[3])
        for obx in read.segments("OBX"):
            test, value, status = str(obx[3]).split("^")[0], str(obx[5]), str(obx[11])
            known = self.believes.get((specimen, test))
            if status == "W":
                assert known is not None, f"{specimen} {test} is withdrawn, and was not told"
                del self.believes[specimen, test]
                continue
            if status == "F":
                assert known in (None, value), f"{specimen} {test}: {value} is told as final where {known} was"
            assert not [where for where, what in self.believes.items() if what == value and where[0] != specimen], (
                f"{test} {value} is believed of two specimens"
            )
            self.believes[specimen, test] = value


class Story:
    """Three tubes of one analyzer, a person, two LISes. A value is measured once, and so names its specimen for good."""

    def __init__(self, store: Store, windows: tuple[float, float]) -> None:
        self.store, self.tubes, self.now = store, Tubes(), NOW
        self.lises = [Lis(id, window) for id, window in zip(("lis", "other"), windows, strict=True)]
        self.measured = 0
        self.entry = 0

    def take(self, what: str, choice: int) -> None:
        self.now += timedelta(seconds=1)
        acts: dict[str, Callable[[int], None]] = {
            "message": lambda choice: self.comes(choice),
            "preliminary": lambda choice: self.comes(choice, status="P"),
            "corrected": lambda choice: self.comes(choice, again=True, status="C"),
            "another code": lambda choice: self.comes(choice, code="X"),
            "doubted": lambda choice: self.comes(choice, doubted=True),
            "withhold": self.withholds,
            "release": lambda choice: self.decides(choice, lambda person, hold: person.release(hold.id)),
            "discard": lambda choice: self.decides(choice, lambda person, hold: person.discard(hold.id)),
            "move": self.moves,
            "move hold": lambda choice: self.decides(choice, lambda person, hold: self.elsewhere(person, hold, choice)),
            "deliver": lambda choice: self.answer(self.lises[choice % 2], lambda _: "AA"),
            "refuse": lambda choice: self.answer(self.lises[choice % 2], lambda _: "AR"),
            "resend": lambda choice: self.resend(self.lises[choice % 2]),
            "clock back": lambda _: self.sets_the_clock_back(),
            "restart": lambda _: self.restarts(),
        }
        acts[what](choice)

    def comes(self, choice: int, *, again: bool = False, code: str = "", **more: Any) -> None:
        """A message with a value that no other has; two of each three are of one moment, ``again`` is of the last one's."""
        self.measured += not again and self.entry % 3 != 0
        self.entry += 1
        specimen = SPECIMENS[choice % 2]
        tests = TESTS[: 1 + choice // 2 % 2]
        minute, second = divmod(self.measured, 60)
        rows = [
            row(test + code, f"{self.entry}.{TESTS.index(test)}{choice % 10}", f"09:{minute:02}:{second:02}", test=test, **more)
            for test in tests
        ]
        with self.store.write() as tx:
            receipt = self.tubes.file(
                tx, message(*rows, specimen=specimen), keys.named(specimen), LINE, Arrival(self.entry, 0, self.now)
            )
            if receipt.tube_id is not None and receipt.reports:
                for lis in self.lises:
                    lis.outlet.owe(tx, receipt, self.tubes.seal, self.now)

    def withholds(self, choice: int) -> None:
        self.with_results(choice, lambda person, tube, slots: person.withhold(tube, slots, BY_HAND[choice % 4], "", {}))

    def moves(self, choice: int) -> None:
        def move(person: Decisions, tube: int, slots: list[Slot]) -> None:
            with self.store.read() as tx:
                key = Tubes().state(tx, tube).key
            person.move_results(tube, slots, other_than(key, choice), {})

        self.with_results(choice, move)

    def with_results(self, choice: int, act: Callable[[Decisions, int, list[Slot]], object]) -> None:
        with self.store.write() as tx:
            tube = views.find(tx, SPECIMENS[choice % 3])
            if tube is not None:
                found = [
                    slot for _, slot in sorted((str(told.slot), told.slot) for told in Tubes().state(tx, tube).told.values())
                ]
                slots = found[choice // 3 % 2 :]
                if slots:
                    act(self.person(tx), tube, slots)

    def decides(self, choice: int, act: Callable[[Decisions, Any], object]) -> None:
        with self.store.read() as tx:
            holds = views.holds(tx)
        if holds:
            try:
                with self.store.write() as tx:
                    act(self.person(tx), holds[choice % len(holds)])
            except BridgeError:
                return  # a hold that cannot be released

    def elsewhere(self, person: Decisions, hold: Any, choice: int) -> None:
        person.move(hold.id, other_than(hold.key, choice), READER)

    def person(self, tx: Any) -> Decisions:
        return Decisions(tx, [lis.destination for lis in self.lises], "wu", self.now)

    def sets_the_clock_back(self) -> None:
        self.now -= timedelta(hours=1)

    def restarts(self) -> None:
        self.tubes = Tubes()

    def answer(self, lis: Lis, verdict: Callable[[int], str]) -> bool:
        """Seal what is due and have the LIS answer the first delivery of each tube; False where there was nothing to do."""
        self.now += timedelta(seconds=90)
        with self.store.write() as tx:
            build = building(tx, lis.builder, lis.destination, self.now.astimezone(ZONE))
            outbox.seal(tx, lis.destination.id, now=self.now, build=build, mark=self.tubes.seal)
            owed = sorted(outbox.pending(tx, lis.destination.id), key=lambda one: one.id)
            blocked = {one.tube: one.id for one in reversed([*owed, *outbox.dead(tx, lis.destination.id)])}
            for one in outbox.dead(tx, lis.destination.id):
                blocked[one.tube] = min(one.id, blocked[one.tube])
            first = [one for one in owed if blocked[one.tube] == one.id]
            for one in first:
                word = verdict(one.id)
                if word == "AA":
                    found = outbox.get(tx, one.id)
                    assert found is not None
                    assert found.message is not None
                    lis.accepts(found.message)
                outbox.settle(tx, one.id, word, "", self.now, POLICY)
        return bool(first)

    def resend(self, lis: Lis) -> None:
        with self.store.write() as tx:
            for one in outbox.dead(tx, lis.destination.id):
                self.person(tx).resend(one.id)

    def finish(self) -> None:
        for lis in self.lises:
            self.resend(lis)
            for _ in range(100):
                self.answer(lis, lambda _: "AA")
                with self.store.read() as tx:
                    if not (outbox.waiting(tx, lis.destination.id).open or outbox.waiting(tx, lis.destination.id).pending):
                        break
            else:
                raise AssertionError("deliveries wait for each other for ever")
            assert lis.believes == dict(self.reported())

    def reported(self) -> Iterator[tuple[tuple[str, str], str | None]]:
        with self.store.read() as tx:
            for specimen in SPECIMENS:
                tube = views.find(tx, specimen)
                if tube is not None:
                    for (_, test, _), found in Tubes().state(tx, tube).reported().items():
                        yield (specimen, str(test)), found.value


def other_than(key: str, choice: int) -> str:
    others = [specimen for specimen in SPECIMENS if specimen != key]
    return others[choice // 2 % len(others)]


RELEASED_AND_MOVED_BEHIND_A_REFUSAL = [("message", 0), ("withhold", 0), ("refuse", 0), ("release", 0), ("move", 0)]


@settings(max_examples=150, deadline=None)
@example((0.0, 0.0), RELEASED_AND_MOVED_BEHIND_A_REFUSAL)
@given(st.sampled_from([(0.0, 0.0), (0.0, 60.0), (60.0, 0.0), (60.0, 60.0)]), stories)
def test_every_lis_comes_to_believe_what_the_tubes_report_and_nothing_of_two_specimens(
    windows: tuple[float, float], story: list[tuple[str, int]]
) -> None:
    with TemporaryDirectory() as folder, Store.open(f"sqlite:///{Path(folder) / 'bridge.db'}") as store:
        told = Story(store, windows)
        for what, choice in story:
            told.take(what, choice)
        told.finish()
