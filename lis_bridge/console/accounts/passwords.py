"""Passwords: argon2id with the library's own parameters; checking takes the same time for a user who is not there."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lis_bridge.core.faults import UsageError

SHORTEST = 10
LONGEST = 200
"""Characters; the upper bound keeps a huge form from buying time on our processor."""

_HASHER = PasswordHasher()


def hashed(password: str) -> str:
    """What is stored. Raises UsageError for a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        hint = f"take {SHORTEST} to {LONGEST} characters"
        raise UsageError("this password is too short or too long", where="password", hint=hint)
    return _HASHER.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; None, for no such user, costs the same time and is never right."""
    try:
        _HASHER.verify(stored or _nobody(), password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")
