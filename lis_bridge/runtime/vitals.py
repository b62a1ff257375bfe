"""What a running service says of itself (``runtime.status``), as lines of ``lis-bridge doctor``.

It knows its links better than a probe from outside: a port that is held says nothing of who is connected.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from lis_bridge.runtime.checkups import Line, State

if TYPE_CHECKING:
    from lis_bridge.runtime.status import AnalyzerStatus, DestinationStatus, Snapshot
    from lis_bridge.settings import Config

OLDER = "The service runs with an older configuration: restart it"

_ANALYZERS: dict[str, tuple[State, str]] = {
    "running": ("ok", ""),
    "idle": ("ok", ""),
    "silent": ("warn", "Is the analyzer on, and does it send to this address? Nothing was heard for an hour, or ever"),
    "link lost": ("fail", "Mend the link; the service takes it up again by itself"),
    "stopped": ("warn", "A person stopped it in the console, where it is started again"),
}
_DESTINATIONS: dict[str, tuple[State, str]] = {
    "starting": ("ok", ""),
    "connected": ("ok", ""),
    "away": ("fail", "Is the LIS's listener on, the address right, the firewall open?"),
    "parked": ("fail", "The LIS takes messages and does not answer them: have its interface looked at"),
}


def service(snapshot: Snapshot | None, now: datetime) -> Line:
    """Whether it runs; one that has not ended cleanly and says nothing any more was killed or is stuck."""
    if snapshot is None:
        return Line("service", "ok", "has not run on this database")
    at = f"{snapshot.written_at.astimezone():%Y-%m-%d %H:%M:%S}"
    if snapshot.ready and snapshot.alive(now):
        since = f"{snapshot.started_at.astimezone():%Y-%m-%d %H:%M:%S}"
        return Line("service", "ok", f"process {snapshot.pid} runs since {since}; {snapshot.processed} entries processed")
    if snapshot.ready:
        remedy = "It was killed, or is stuck: see its log, then start it again"
        return Line("service", "fail", f"process {snapshot.pid} says nothing since {at}", remedy)
    return Line("service", "ok", f"does not run, last word at {at}")


def links(config: Config, snapshot: Snapshot) -> Iterator[Line]:
    """A line for every configured analyzer and destination of a service that runs."""
    known = {one.id: one for one in snapshot.analyzers}
    for analyzer in config.analyzers:
        found = known.get(analyzer.id)
        if found is None or found.link != analyzer.link:
            yield Line(analyzer.id, "warn", "the service does not know it so", OLDER)
        else:
            yield _analyzer(found)
    fares = {one.id: one for one in snapshot.destinations}
    for destination in config.destinations:
        fare = fares.get(destination.id)
        yield Line(destination.id, "warn", "the service does not know it", OLDER) if fare is None else _destination(fare)


def _analyzer(found: AnalyzerStatus) -> Line:
    state, remedy = _ANALYZERS[found.state]
    heard = f"heard at {found.heard_at.astimezone():%Y-%m-%d %H:%M:%S}" if found.heard_at else "never heard"
    words = [f"{found.link} is {found.state}", f"{found.connections} connections", heard, f"{found.messages} messages"]
    words += [f"{found.turned_away} strangers turned away"] if found.turned_away else []
    words += [f"stopped by {found.stopped_by}"] if found.stopped_by else []
    if found.state == "link lost" and found.fault is not None:
        words.append(f"{found.fault.kind} at {found.fault.where}")
        remedy = found.fault.hint or remedy
    return Line(found.id, state, ", ".join(words), remedy)


def _destination(fare: DestinationStatus) -> Line:
    state, remedy = _DESTINATIONS.get(fare.state, ("warn", "See the service's log"))
    words = f": {fare.words}" if fare.words and state != "ok" else ""
    return Line(fare.id, state, f"{fare.state}{words}, {fare.owed} deliveries owed, {fare.delivered} delivered", remedy)
