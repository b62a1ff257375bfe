"""How long a question to a filled database takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from sqlalchemy import Connection

from lis_bridge.storage import Store

MOST_MS = 200.0
"""No page may take longer."""
LAPS = 9


def median(store: Store, ask: Callable[[Connection], object]) -> float:
    """Milliseconds, each time in a snapshot of its own; the question finds something or an empty page, never None."""
    spent = []
    for _ in range(LAPS):
        with store.read() as tx:
            began = time.perf_counter()
            assert ask(tx) is not None
            spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)
