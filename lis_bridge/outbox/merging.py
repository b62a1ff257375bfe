"""What an open delivery has collected, as the LIS should hear it: each result once, as it stands last. Pure.

What was first collected here as F has never reached this LIS. So it goes as F, although another LIS had to be corrected meanwhile,
and not at all where it was withdrawn. What was first collected as C or W stands in this LIS still: another value is a correction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec

from lis_bridge.core.reports import Report

_source = attrgetter("source")
_identity = attrgetter("source", "observation.test", "observation.aspect")
"""``Report.identity`` of a report that names its source."""


def merge(collected: Iterable[Report]) -> Sequence[Report]:
    """The reports to send, one for each ``Report.identity``, in the order in which their results were first collected."""
    reports = collected if isinstance(collected, tuple) else list(collected)
    if all(map(_source, reports)) and len(set(map(_identity, reports))) == len(reports):
        return reports  # what one message brings, as a rule: each result once
    first: dict[object, Report] = {}
    last: dict[object, Report] = {}
    for report in reports:
        identity = report.identity
        first.setdefault(identity, report)
        last[identity] = report
    return [told for identity, report in last.items() if (told := _told(first[identity], report)) is not None]


def _told(first: Report, last: Report) -> Report | None:
    if first.status == "F":
        return None if last.status == "W" else msgspec.structs.replace(last, status="F")
    if last.status != "F" or (first.status == "W" and first.observation == last.observation):
        return last
    return msgspec.structs.replace(last, status="C")
