"""Building ORU^R01 (HL7 v2.3.1, v2.4, v2.5.1 chapter 7): one tube's results, grouped as the LIS wants them.

What repeats from tube to tube (code, unit and range of a test; flag, status, time and analyzer of a run) is written once and kept.
Values never are. One expression over all values joined says whether any of them needs a closer look; most tubes need none.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from lis_bridge.catalogue.tests import Test, reported
from lis_bridge.core import moments
from lis_bridge.core.reports import Head, Report
from lis_bridge.core.results import Observation
from lis_bridge.forward.escaping import encoded, escaped
from lis_bridge.forward.segments import SpecimenFields, msh, pid
from lis_bridge.settings import Destination

ABNORMAL = frozenset(["L", "H", "LL", "HH", "<", ">", "N", "A", "AA", "U", "D", "B", "W", "S", "R", "I", "MS", "VS"])
"""OBX-8 (HL7 table 0078); a device's own words stay in the store."""

WHOLE_TUBE = "LAB^Laboratory results^L"
"""OBR-4 where one OBR stands for all results of a tube."""

_MEDIA = {"image": "IM", "text": "TEXT"}
"""ED-2 (HL7 table 0191); AP is any other data of an application."""

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
"""NM (v2.5.1 2.A.46): no exponent, no bare point."""
_PLAIN_NUMBERS = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?\n)+")
_KEPT = 20_000


class Tests(Protocol):
    """What is needed of the laboratory's catalogue."""

    def test(self, code: str) -> Test | None:
        """The test with this code."""


class _Memo(dict[Any, Any]):
    """A bounded cache from the constant fields of a row to what stands for them in the message."""

    def __init__(self, make: Callable[..., Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> Any:
        if len(self) >= _KEPT:
            self.clear()
        made = self[key] = self._make(*key)
        return made


class _Fixed(NamedTuple):
    """What is constant in the rows of a test: ``before`` is OBX-3 and 4, ``behind`` OBX-6 and 7, each with its separators.

    ``as_sent``: a number of this kind goes as it came.
    """

    before: bytes
    behind: bytes
    as_sent: bool
    specimen: str


_fixed_fields = attrgetter("test", "code", "aspect", "ucum", "unit", "factor", "low", "high", "comparator")


class Draft(NamedTuple):
    """The results of a message, written: what it says of its tube and its number are still to come."""

    reports: Sequence[Report]
    groups: tuple[_Group, ...]


class _Group(NamedTuple):
    """One OBR's results: OBR-4, OBR-25, the OBX segments and their number, the kinds of specimen."""

    service: str
    status: str
    segments: bytes
    size: int
    specimens: frozenset[str]


class Builder:
    """Messages for one destination; threads may share it."""

    def __init__(self, destination: Destination, tests: Tests) -> None:
        self._destination = destination
        self._charset = destination.charset
        self._tests = tests
        self._fixed = _Memo(self._make_fixed)
        self._tails = _Memo(self._make_tail)

    def build(self, head: Head, reports: Sequence[Report], control_id: str, now: datetime) -> bytes:
        """The encoded message, segments ended by CR, without an MLLP block; ``now`` aware, in the site's zone (MSH-7, OBR-22)."""
        return self.finish(head, self.draft(reports), control_id, now)

    def draft(self, reports: Sequence[Report]) -> Draft:
        """The part of a message that follows from its results alone."""
        return Draft(reports, tuple(self._group(service, group) for service, group in self._groups(reports)))

    def finish(self, head: Head, draft: Draft, control_id: str, now: datetime) -> bytes:
        """The message of a draft, as ``build`` gives it."""
        specimen = SpecimenFields(head, self._destination)
        parts = [self._encoded(msh(self._destination, control_id, now), *pid(head, self._destination))]
        for index, group in enumerate(draft.groups, 1):
            parts.append(self._encoded(*specimen.orc(), specimen.obr(index, group.service, group.status, now)))
            parts.append(group.segments)
            parts.extend(self._pictures(head, group.size) if index == 1 else ())
            parts.append(self._encoded(*specimen.spm(index, group.specimens)))
        return b"".join(parts)

    def _group(self, service: str, reports: Sequence[Report]) -> _Group:
        fixed = list(map(self._fixed.__getitem__, map(_fixed_fields, (report.observation for report in reports))))
        status = "F" if all(report.status == "F" for report in reports) else "C"
        specimens = frozenset([row.specimen for row in fixed])
        return _Group(service, status, self._results(reports, fixed), len(reports), specimens)

    def _encoded(self, *segments: str) -> bytes:
        return encoded("".join(f"{segment}\r" for segment in segments), self._charset)

    def _groups(self, reports: Sequence[Report]) -> list[tuple[str, Sequence[Report]]]:
        """OBR-4 and its results, in the order in which the groups begin."""
        service = _SERVICES.get(self._destination.group)
        if service is None:
            return [(WHOLE_TUBE, reports)]
        groups: dict[str, list[Report]] = {}
        for report in reports:
            groups.setdefault(service(self, report), []).append(report)
        return list(groups.items())

    def _panel(self, report: Report) -> str:
        test = self._test(report.observation.test)
        return f"{escaped(test.panel)}^{escaped(test.panel)}^L" if test and test.panel else WHOLE_TUBE

    def _analyzer(self, report: Report) -> str:
        return f"{escaped(report.analyzer)}^{escaped(report.analyzer)}^L"

    def _test(self, code: str | None) -> Test | None:
        return None if code is None else self._tests.test(code)

    def _results(self, reports: Sequence[Report], fixed: Sequence[_Fixed]) -> bytes:
        """The OBX segments of one group."""
        rows = [report.observation for report in reports]
        texts = [row.value or "" for row in rows]
        joined = "\n".join((*texts, ""))
        plain = joined.count("\n") == len(rows) and _PLAIN_NUMBERS.fullmatch(joined) is not None
        if plain and all(row.as_sent for row in fixed) and not [row for row in rows if row.number is None]:
            starts: Iterable[bytes] = _number_starts(len(rows))
        else:
            kinds, texts = map(list, zip(*map(self._value, rows), strict=True))
            starts = (b"OBX|%d|%b|" % (index, kind) for index, kind in enumerate(kinds, 1))
        values = encoded("\n".join(texts), self._charset).split(b"\n")  # no value holds a line end: it is escaped
        before, behind, _, _ = zip(*fixed, strict=True)
        tails = [
            self._tails[row.abnormal, report.status, row.observed_at, row.derived, report.analyzer]
            for row, report in zip(rows, reports, strict=True)
        ]
        return b"".join(chain.from_iterable(zip(starts, before, values, behind, tails, strict=True)))

    def _pictures(self, head: Head, before: int) -> Iterable[bytes]:
        """Attachments as ED (v2.5.1 2.A.24) behind the results of the first group."""
        for number, one in enumerate(head.pictures, before + 1):
            kind, _, subtype = one.media.partition("/")
            data = b64encode(one.data).decode() if one.status != "W" else '""'
            value = f"^{_MEDIA.get(kind, 'AP')}^{escaped(subtype.upper())}^Base64^{data}"
            behind = f"||||||{one.status}|||||||{escaped(one.analyzer)}"
            yield self._encoded(f"OBX|{number}|ED|{escaped(one.code)}^^L||{value}{behind}")

    def _value(self, row: Observation) -> tuple[bytes, str]:
        """OBX-2 and OBX-5."""
        test = self._test(row.test)
        text = reported(row, test)[0] if test else row.value or ""
        if row.number is None:
            return b"ST", escaped(text)
        if not row.comparator:
            return (b"NM", text) if _NUMBER.fullmatch(text) else (b"ST", escaped(text))
        if not self._destination.comparator_as_sn:
            return b"ST", escaped(text)
        figure = text.strip("<>=≤≥ ")
        return b"SN", f"{row.comparator}^{figure if _NUMBER.fullmatch(figure) else format(row.number, 'f')}"

    def _make_fixed(
        self,
        code: str | None,
        device_code: str,
        aspect: str,
        ucum: str | None,
        unit: str | None,
        factor: str | None,
        low: str | None,
        high: str | None,
        comparator: str,
    ) -> _Fixed:
        test = self._test(code)
        if test is not None:
            row = Observation(device_code, ucum=ucum, unit=unit, factor=factor, low=low, high=high)
            _, unit, low, high = reported(row, test)
        # OBX-4 is the sub-id that tells an interpretation from its number.
        before = f"{_name(test, code or device_code)}|{aspect}|"
        behind = f"|{escaped(unit or '')}|{escaped(_range(low, high))}"
        as_sent = not comparator and factor in (None, "1")
        return _Fixed(
            encoded(before, self._charset), encoded(behind, self._charset), as_sent, test.specimen if test is not None else ""
        )

    def _make_tail(self, abnormal: str, status: str, observed_at: str | None, derived: str | None, analyzer: str) -> bytes:
        """OBX-8 to OBX-18: flag, status, time, the formula of a value that the bridge derived (OBX-17, method), analyzer."""
        flag = abnormal if abnormal in ABNORMAL else ""
        at = moments.hl7(observed_at) if observed_at else ""
        method = f"derived^{escaped(derived)}^L" if derived else ""
        return encoded(f"|{flag}|||{status}|||{escaped(at)}|||{method}|{escaped(analyzer)}\r", self._charset)


_SERVICES: dict[str, Callable[[Builder, Report], str]] = {"panel": Builder._panel, "analyzer": Builder._analyzer}
"""How a group names itself; ``tube``, and ``order`` as long as no order is known, are one OBR."""


@lru_cache(maxsize=256)
def _number_starts(rows: int) -> tuple[bytes, ...]:
    return tuple(b"OBX|%d|NM|" % index for index in range(1, rows + 1))


def _name(test: Test | None, code: str) -> str:
    """OBX-3; a test that has left the catalogue keeps its code."""
    if test is None:
        return f"{escaped(code)}^^L^^^"
    coded = f"{escaped(test.loinc)}^{escaped(test.long_name)}^LN" if test.loinc else "^^"
    return f"{escaped(test.code)}^{escaped(test.name_zh)}^L^{coded}"


def _range(low: str | None, high: str | None) -> str:
    """OBX-7: ``low-high``, ``>low``, ``<high`` (v2.5.1 7.4.2.7)."""
    if low and high:
        return f"{low}-{high}"
    return f">{low}" if low else f"<{high}" if high else ""
