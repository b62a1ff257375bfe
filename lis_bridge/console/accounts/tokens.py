"""Tokens for scripts: a script shows one as ``Authorization: Bearer …`` and acts as its user, in the token's role or the user's, whichever may do less.

The database keeps a token's hash. Revoking one, or disabling its user, ends it at once.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, insert, select, update

from lis_bridge.console.accounts import users
from lis_bridge.console.accounts.sessions import Session
from lis_bridge.console.accounts.users import ROLES, Note, Role, User
from lis_bridge.core.faults import UsageError
from lis_bridge.storage.schema.accounts import api_token, user

PREFIX = "lisb_"
"""By which people and scanners of secrets know what it is."""
_t = api_token.c


class Token(msgspec.Struct, frozen=True):
    """A token as lists show it; ``name`` says what it is for."""

    id: int
    user: str
    name: str
    role: Role
    created_at: str
    revoked_at: str | None


def add(tx: Connection, user_name: str, name: str, role: str, note: Note) -> str:
    """Make a token and give it, once. Raises UsageError for no such user, a role above the user's, a token without a name."""
    owner = users.by_name(tx, user_name)
    if owner is None:
        raise UsageError("there is no such user", where=user_name, hint="lis-bridge users list shows all")
    if ROLES.index(users.role_of(role)) > ROLES.index(owner.role):
        raise UsageError("a token may do no more than its user", where=role, hint=f"{owner.name} is {owner.role}")
    if not name.strip():
        raise UsageError("a token needs a name", where="token", hint="say what it is for")
    made = PREFIX + secrets.token_urlsafe(32)
    content = {"user_id": owner.id, "name": name.strip(), "digest": _digest(made), "role": role, "created_at": _text(note.at)}
    tx.execute(insert(api_token).values(content))
    note.append(tx, "token made", f"user {owner.name}", name=name.strip(), role=role)
    return made


def every(tx: Connection) -> list[Token]:
    """All tokens, the oldest first."""
    columns = (_t.id, user.c.name, _t.name, _t.role, _t.created_at, _t.revoked_at)
    rows = tx.execute(select(*columns).join(user, user.c.id == _t.user_id).order_by(_t.id))
    return [Token(*row) for row in rows]


def revoke(tx: Connection, id: int, note: Note) -> None:
    """End a token. Raises UsageError where there is none that is in force."""
    found = next((one for one in every(tx) if one.id == id and one.revoked_at is None), None)
    if found is None:
        raise UsageError("there is no such token", where=f"token {id}", hint="it may be revoked already")
    tx.execute(update(api_token).where(_t.id == id).values(revoked_at=_text(note.at)))
    note.append(tx, "token revoked", f"user {found.user}", name=found.name)


def find(tx: Connection, token: str, now: datetime) -> Session | None:
    """What a script may do that shows this token; None where it is unknown or revoked, or its user locked out."""
    columns = [getattr(user.c, name) for name in User.__struct_fields__]
    query = (
        select(_t.role, *columns)
        .join(user, user.c.id == _t.user_id)
        .where(_t.digest == _digest(token), _t.revoked_at.is_(None), user.c.disabled == 0)
    )
    row = tx.execute(query).first()
    if row is None:
        return None
    role, *cells = row
    owner = msgspec.convert(dict(zip(User.__struct_fields__, cells, strict=True)) | {"disabled": False}, User)
    least = min(role, owner.role, key=ROLES.index)
    return Session(token, msgspec.structs.replace(owner, role=least), now)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
