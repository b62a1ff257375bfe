"""Sessions: the browser keeps a random token, the database its hash. They end after idleness, after a day's work, and when a user is locked out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, insert, or_, select, update

from lis_bridge.console.accounts.users import User
from lis_bridge.storage.schema.accounts import session, user

TOUCH_EVERY = timedelta(seconds=30)
"""A session that was used less long ago is not written again."""


class Ages(NamedTuple):
    """How old a session may get."""

    idle: timedelta
    whole: timedelta


class Session(msgspec.Struct, frozen=True):
    """A session that is alive; ``token`` is what the browser sent."""

    token: str
    user: User
    seen_at: datetime


def begin(tx: Connection, user_id: int, now: datetime) -> str:
    """Make a session; the token for the browser's cookie."""
    token = secrets.token_urlsafe(32)
    tx.execute(insert(session).values(token=_hash(token), user_id=user_id, created_at=_text(now), seen_at=_text(now)))
    return token


def find(tx: Connection, token: str, now: datetime, ages: Ages) -> Session | None:
    """The session of a cookie; None where it is unknown, too old, or its user is locked out."""
    query = (
        select(session.c.seen_at, *_USER)
        .join(user, user.c.id == session.c.user_id)
        .where(
            session.c.token == _hash(token),
            session.c.seen_at > _text(now - ages.idle),
            session.c.created_at > _text(now - ages.whole),
            user.c.disabled == 0,
        )
    )
    row = tx.execute(query).first()
    if row is None:
        return None
    seen_at, *cells = row
    found = dict(zip(User.__struct_fields__, cells, strict=True)) | {"disabled": False}
    return Session(token, msgspec.convert(found, User), datetime.fromisoformat(seen_at))


def touch(tx: Connection, token: str, now: datetime) -> None:
    """Somebody is there."""
    tx.execute(update(session).where(session.c.token == _hash(token)).values(seen_at=_text(now)))


def end(tx: Connection, token: str) -> None:
    """Log out."""
    tx.execute(delete(session).where(session.c.token == _hash(token)))


def sweep(tx: Connection, now: datetime, ages: Ages) -> None:
    """Forget what has ended by itself."""
    old = or_(session.c.seen_at <= _text(now - ages.idle), session.c.created_at <= _text(now - ages.whole))
    tx.execute(delete(session).where(old))


def csrf(token: str) -> str:
    """What a form must send back, made from the cookie's token, which no other site can read."""
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()


_USER = (user.c.id, user.c.name, user.c.shown_as, user.c.role, user.c.language, user.c.disabled, user.c.created_at)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
