"""kill -9 at any moment: what was acknowledged is in the journal, once, when the bridge is back (promises 1 and 2)."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

from lis_bridge import journal
from lis_bridge.storage import Store

KILLS = 30

# Speaks ("ack N") only after the commit, as a link does. Every third frame ends its transmission.
ANALYZER_SIDE = """
import itertools, sys
from datetime import UTC, datetime
from lis_bridge import journal
from lis_bridge.storage import Store, Writer

store = Store.open(sys.argv[1], exclusive=True)
start = int(sys.argv[2])
now = datetime.now(UTC)

def entry(raw):
    return journal.Entry("line-1", "peer", now, "lis1a", True, raw)

with Writer(store) as writer:
    writer.submit(lambda tx: journal.recover(tx, now, lambda found: False)).result()
    for n in itertools.count(start):
        frames = [b"<%d>" % k + b"x" * 3000 for k in (n * 3, n * 3 + 1, n * 3 + 2)]
        for k, frame in enumerate(frames):
            def work(tx, k=k, frame=frame):
                journal.append_frame(tx, f"s{n}", entry(frame))
                if k == 2:
                    journal.end_session(tx, f"s{n}", entry(b"".join(frames)))
            writer.submit(work, urgent=True).result()
            print("ack", n * 3 + k, flush=True)
"""


def acknowledged_until_killed(url: str, start: int, patience: int) -> list[int]:
    """Run the analyzer's side, kill it after ``patience`` acknowledgements; all that it had printed by then."""
    process = subprocess.Popen([sys.executable, "-c", ANALYZER_SIDE, url, str(start)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        heard = [process.stdout.readline() for _ in range(patience)]
        process.kill()
        heard += process.stdout.readlines()
    return [int(line.split()[1]) for line in heard if re.fullmatch(r"ack \d+\n", line)]


def test_every_acknowledged_frame_is_in_exactly_one_entry_after_each_of_many_kills(url: str) -> None:
    chance = random.Random(20260317)
    acknowledged: list[int] = []
    for _ in range(KILLS):
        start = (acknowledged[-1] // 3 + 2) if acknowledged else 0
        heard = acknowledged_until_killed(url, start, chance.randint(1, 25))
        assert heard
        acknowledged += heard
    with Store.open(url, exclusive=True) as store:
        with store.write() as tx:
            journal.recover(tx, datetime.now(UTC), lambda _found: False)
        with store.read() as tx:
            entries = journal.pending(tx, 100_000)
            assert tx.exec_driver_sql("SELECT count(*) FROM frame").scalar() == 0
            assert tx.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    stored = Counter(int(number) for entry in entries for number in re.findall(rb"<(\d+)>", entry.raw))
    assert set(acknowledged) <= set(stored)
    assert set(stored.values()) == {1}
    # At most one frame per kill was stored but not yet acknowledged: the analyzer sends it again.
    assert len(stored) <= len(acknowledged) + KILLS
    assert all(entry.complete == (len(re.findall(rb"<\d+>", entry.raw)) == 3) for entry in entries)
