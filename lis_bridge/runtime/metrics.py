"""The service's counts for Prometheus, read from the status at each scrape; nothing is counted twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lis_bridge.runtime.status import AnalyzerStatus, Snapshot

_COUNTERS = (
    ("messages", "Messages journaled"),
    ("cut_off", "Messages cut off before their end"),
    ("bytes", "Bytes heard"),
    ("faults", "Runs of bytes that are no message"),
    ("refused", "Commits refused by the disk"),
    ("turned_away", "Connections turned away"),
)


def registry(snapshot: Callable[[], Snapshot]) -> CollectorRegistry:
    """A registry of the service's own, beside which others may be made in one process."""
    made = CollectorRegistry()
    made.register(_Status(snapshot))
    return made


class _Status(Collector):
    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        now = self._snapshot()
        for name, words in _COUNTERS:
            yield _counter(f"lis_bridge_{name}", words, {one.id: float(getattr(one, name)) for one in now.analyzers})
        yield _gauge("lis_bridge_link_up", "1 while the link is had", {one.id: _up(one) for one in now.analyzers})
        yield _gauge(
            "lis_bridge_heard_seconds", "When the analyzer was last heard", {a.id: _epoch(a.heard_at) for a in now.analyzers}
        )
        yield CounterMetricFamily("lis_bridge_processed", "Journal entries processed", value=now.processed)
        yield CounterMetricFamily("lis_bridge_failed", "Journal entries whose processing failed", value=now.quarantined)
        delivered = CounterMetricFamily("lis_bridge_delivered", "Deliveries that the LIS took", labels=["destination"])
        for one in now.destinations:
            delivered.add_metric([one.id], one.delivered)
        yield delivered


def _counter(name: str, words: str, values: dict[str, float]) -> Metric:
    family = CounterMetricFamily(name, words, labels=["analyzer"])
    for analyzer, value in values.items():
        family.add_metric([analyzer], value)
    return family


def _gauge(name: str, words: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=["analyzer"])
    for analyzer, value in values.items():
        family.add_metric([analyzer], value)
    return family


def _up(analyzer: AnalyzerStatus) -> float:
    return float(analyzer.state != "link lost")


def _epoch(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()
