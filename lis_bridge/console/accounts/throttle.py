"""The brake on guessing passwords: after some wrong ones for a user from an address, or from an address at all, it has to wait, longer each time. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

FREE = 5
FREE_OF_ADDRESS = 25
"""Wrong passwords that cost nothing: for a user from an address, and from an address for whichever users."""
FIRST_SECONDS = 15.0
LONGEST_SECONDS = 900.0
FORGOTTEN_SECONDS = 3600.0
REMEMBERED = 10_000


@dataclass(slots=True)
class _Record:
    wrong: int = 0
    until: float = 0.0
    last: float = 0.0


class Throttle:
    """Wrong passwords by user and address; times are monotonic seconds."""

    def __init__(self) -> None:
        self._records: OrderedDict[tuple[str, str], _Record] = OrderedDict()

    def wait(self, name: str, address: str, now: float) -> float:
        """Seconds that this user must wait at this address; 0: go on."""
        return max(0.0, *(self._record(key, now).until - now for key, _ in _keys(name, address)))

    def failed(self, name: str, address: str, now: float) -> None:
        """The password was wrong. Also to be called before it is checked: attempts at the same moment then count each."""
        for key, free in _keys(name, address):
            record = self._record(key, now)
            record.wrong += 1
            record.last = now
            if record.wrong >= free:
                record.until = now + min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(20, record.wrong - free))

    def passed(self, name: str, address: str) -> None:
        """The password was right."""
        self._records.pop((name, address), None)
        whole = self._records.get(("", address))
        if whole is not None:
            whole.wrong = max(0, whole.wrong - 1)
            whole.until = 0.0

    def _record(self, key: tuple[str, str], now: float) -> _Record:
        record = self._records.pop(key, None)
        if record is None or now - record.last > FORGOTTEN_SECONDS:
            record = _Record()
        self._records[key] = record
        if len(self._records) > REMEMBERED:
            self._records.popitem(last=False)
        return record


def _keys(name: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
    return ((name, address), FREE), (("", address), FREE_OF_ADDRESS)
