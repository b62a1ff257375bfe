"""Frame numbers as data: which digit may follow which (LIS1-A 6.3.1.3, and the devices that count otherwise)."""

from __future__ import annotations

_ZERO = 0x30
_MODULO = {"0-7": 8, "1-8": 8, "0-9": 10}


def follows(number: int, last: int, numbers: str) -> bool:
    """Whether the digit ``number`` is the next after ``last`` (0: nothing yet in this transmission). Both are character codes."""
    if numbers == "any":
        return _ZERO <= number <= _ZERO + 9
    modulo = _MODULO[numbers]
    before = last - _ZERO if last else 0
    if numbers == "1-8" and number == _ZERO + 8:
        return (before + 1) % 8 == 0
    return number - _ZERO == (before + 1) % modulo


def is_first(number: int, numbers: str) -> bool:
    """Whether a transmission may begin with this digit."""
    return follows(number, 0, numbers)
