"""What an open delivery has collected, as the LIS should hear it: each result once, as it stands last. Pure.

A result is the same when analyzer, device code, aspect and catalogue test are the same: of several runs one is reported, and a
newer one replaces it. What was first collected here as F has never reached this LIS, so it goes as F although other LISs had
to be corrected meanwhile, and not at all when it was withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lis_bridge.core.reports import Report

_Identity = tuple[str, str, str, str | None]


def merge(reports: Iterable[Report]) -> list[Report]:
    """The reports to send, in the order in which their results were first collected."""
    first: dict[_Identity, Report] = {}
    last: dict[_Identity, Report] = {}
    for report in reports:
        observation = report.observation
        identity = (report.analyzer, observation.code, observation.aspect, observation.test)
        first.setdefault(identity, report)
        last[identity] = report
    return [told for identity, report in last.items() if (told := _told(first[identity], report)) is not None]


def _told(first: Report, last: Report) -> Report | None:
    if first.status != "F" or last.status == "F":
        return last
    return None if last.status == "W" else msgspec.structs.replace(last, status="F")
