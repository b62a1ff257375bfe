"""Whatever comes and whatever a person decides: no LIS keeps a picture of results that are all held, discarded or moved, nor lacks one of reported ones."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import hl7
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge import outbox
from lis_bridge.core.holds import Reason
from lis_bridge.pipeline.deciding import Decisions
from lis_bridge.storage import Store
from lis_bridge.tubes import views
from lis_bridge.tubes.events import Slot
from tests.pipeline.pictured import NOW, READER, arrives, lis, message, seal, step

A, B = "2603180457", "2603180499"
TESTS = (("6690-2", "WBC"), ("789-8", "RBC"))
BROUGHT = ((0, 1), (0,), (1,), (0, 1))
"""Which tests each message has; each is a run of its own."""

steps = st.tuples(
    st.sampled_from(
        ["message", "message", "message", "drawn anew", "withhold", "withhold", "release", "discard", "move", "move hold", "seal"]
    ),
    st.integers(0, 11),
)


class Story:
    """One tube with its analyzer, a person, and a second tube that results are moved to; the values name their message."""

    def __init__(self, store: Store, window: float) -> None:
        self.store = store
        self.lis = lis("forward", window=window)
        self.process = step(lises=[self.lis])
        self.first_drawn: dict[int, str] = {}

    def take(self, what: str, choice: int) -> None:
        number = choice % len(BROUGHT)
        acts: dict[str, Callable[[], None]] = {
            "message": lambda: self.comes(number, f"1200{number}"),
            "drawn anew": lambda: self.comes(number, f"1300{number}"),
            "withhold": lambda: self.withholds(choice),
            "release": lambda: self.decides("release", choice),
            "discard": lambda: self.decides("discard", choice),
            "move": lambda: self.moves(choice),
            "move hold": lambda: self.moves_hold(choice),
            "seal": lambda: seal(self.store, self.lis),
        }
        acts[what]()

    def comes(self, number: int, picture: str) -> None:
        rows = [(*TESTS[test], f"{number}.{test + 1}") for test in BROUGHT[number]]
        arrives(self.store, self.process, message(A, 1, rows, {picture: picture.encode()}, f"202603181{number:02}000"))
        self.first_drawn.setdefault(number, picture)

    def withholds(self, choice: int) -> None:
        specimen, slots = self.chosen(choice)
        with self.store.write() as tx:
            tube = views.find(tx, specimen)
            if tube is not None and slots:
                self.person(tx).withhold(tube, slots, Reason.UNDER_REVIEW, "", {})

    def moves(self, choice: int) -> None:
        specimen, slots = self.chosen(choice)
        with self.store.write() as tx:
            tube = views.find(tx, specimen)
            if tube is not None and slots:
                self.person(tx).move_results(tube, slots, B if specimen == A else A, {})

    def decides(self, what: str, choice: int) -> None:
        with self.store.write() as tx:
            holds = views.holds(tx)
            if holds:
                getattr(self.person(tx), what)(holds[choice % len(holds)].id)

    def moves_hold(self, choice: int) -> None:
        with self.store.write() as tx:
            holds = views.holds(tx)
            if holds:
                hold = holds[choice % len(holds)]
                self.person(tx).move(hold.id, B if hold.key == A else A, READER)

    def person(self, tx: object) -> Decisions:
        return Decisions(tx, [self.lis], "wu", NOW)  # type: ignore[arg-type]

    def chosen(self, choice: int) -> tuple[str, list[Slot]]:
        """Some of what one of the tubes reports."""
        specimen = (A, A, B)[choice % 3]
        with self.store.read() as tx:
            tube = views.find(tx, specimen)
            runs = views.view(tx, tube).runs if tube is not None else ()
        found = [(run.source, run.observation.code, "") for run in runs if run.standing == "reported"]
        left_out = TESTS[choice // 3][0] if choice // 3 < len(TESTS) else ""
        return specimen, [slot for slot in found if slot[1] != left_out]

    def standings(self, specimen: str) -> dict[int, set[str]]:
        """Where the results of each message stand in a tube."""
        found: dict[int, set[str]] = defaultdict(set)
        with self.store.read() as tx:
            tube = views.find(tx, specimen)
            for run in views.view(tx, tube).runs if tube is not None else ():
                if run.observation.is_result:
                    found[int((run.observation.value or "")[0])].add(run.standing)
        return found

    def known(self) -> set[tuple[str, str]]:
        """The pictures that the LIS has of each specimen, read by python-hl7; it is told to forget none that it has not."""
        found: set[tuple[str, str]] = set()
        with self.store.read() as tx:
            sent = [outbox.get(tx, line.id) for line in sorted(outbox.lines(tx, limit=500), key=lambda line: line.id)]
        for one in sent:
            if one is None or one.message is None:
                continue
            read = hl7.parse(one.message.decode())
            for row in read.segments("OBX"):
                if str(row[2]) != "ED":
                    continue
                picture = (str(read.segment("OBR")[3]), str(row[3]).removesuffix("^^L"))
                if str(row[11]) == "W":
                    assert picture in found
                    found.remove(picture)
                else:
                    assert base64.b64decode(str(row[5][0][4])) == picture[1].encode()
                    found.add(picture)
        return found

    def check(self) -> None:
        known = self.known()
        standings = {specimen: self.standings(specimen) for specimen in (A, B)}
        moved_back = any("moved" in one for one in standings[B].values())
        for specimen, picture in known:
            assert any("reported" in one for one in standings[specimen].values())
            brought = standings[specimen][int(picture[-1])]
            # What results that took its own results' place took along to the second tube, they bring back.
            assert not brought or brought & {"reported", "superseded"} or moved_back
        for number, picture in self.first_drawn.items():
            was_moved = "moved" in standings[A][number] | standings[B][number]
            if "reported" in standings[A][number] and not was_moved:
                assert (A, picture) in known


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([0.0, 60.0]), st.lists(steps, min_size=1, max_size=14))
def test_a_lis_has_the_pictures_of_what_is_reported_and_none_of_what_is_not(window: float, story: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as folder, Store.open(f"sqlite:///{Path(folder) / 'bridge.db'}") as store:
        told = Story(store, window)
        for what, choice in story:
            told.take(what, choice)
            if what == "seal":
                told.check()
        seal(store, told.lis)
        told.check()
