"""Users in the database. Every change is in the audit log, in the same transaction, in the name of whom the ``Note`` names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from lis_bridge import audit
from lis_bridge.console.accounts import passwords
from lis_bridge.core.faults import UsageError
from lis_bridge.storage.schema.accounts import session, user

Role = Literal["viewer", "technician", "engineer"]
ROLES: Sequence[Role] = get_args(Role)
"""What a role may do, the lower ones may not do more: look; decide about results; change users and settings."""
Language = Literal["zh", "en"]
_NAME = re.compile(r"[^\W_][\w.@-]{0,39}")


class User(msgspec.Struct, frozen=True):
    """One person; ``shown_as`` is how others see the name."""

    id: int
    name: str
    shown_as: str
    role: Role
    language: Language
    disabled: bool
    created_at: str

    def may(self, role: Role) -> bool:
        """True when the user's role is this one or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Note(NamedTuple):
    """In whose name a change is written down."""

    by: str
    at: datetime
    via: audit.Via = "command line"
    address: str = ""

    def append(self, tx: Connection, action: str, subject: str, **detail: object) -> None:
        """Write the change down."""
        entry = audit.Entry(
            at=self.at, actor=self.by, via=self.via, address=self.address, action=action, subject=subject, detail=detail
        )
        audit.append(tx, entry)


_COLUMNS = (user.c.id, user.c.name, user.c.shown_as, user.c.role, user.c.language, user.c.disabled, user.c.created_at)


def add(
    tx: Connection, name: str, password: str, role: str, note: Note, *, shown_as: str = "", language: Language = "zh"
) -> User:
    """Make a user. Raises UsageError for a name that is taken or no name, a role that is none, a password that is too short."""
    name = checked(name)
    if by_name(tx, name) is not None:
        raise UsageError("there is such a user already", where=name, hint="take another name, or change this user")
    at = note.at.astimezone(UTC).isoformat(timespec="seconds")
    content = {
        "name": name,
        "shown_as": shown_as.strip() or name,
        "role": role_of(role),
        "password": passwords.hashed(password),
        "language": language,
        "disabled": 0,
        "created_at": at,
    }
    tx.execute(insert(user).values(content))
    note.append(tx, "user added", f"user {name}", role=role)
    return _there(tx, name)


def every(tx: Connection) -> list[User]:
    """All users, by name."""
    return [_user(row) for row in tx.execute(select(*_COLUMNS).order_by(user.c.name))]


def by_name(tx: Connection, name: str) -> User | None:
    """A user by the name that is typed, in any case."""
    row = tx.execute(select(*_COLUMNS).where(user.c.name == name.strip().lower())).first()
    return _user(row) if row else None


def password_of(tx: Connection, name: str) -> str | None:
    """The stored password of a user who may log in."""
    query = select(user.c.password).where(user.c.name == name.strip().lower(), user.c.disabled == 0)
    return tx.execute(query).scalar()


def has_engineer(tx: Connection) -> bool:
    """Whether anybody may administer the console."""
    query = select(func.count()).select_from(user).where(user.c.role == "engineer", user.c.disabled == 0)
    return bool(tx.execute(query).scalar())


def set_role(tx: Connection, name: str, role: str, note: Note) -> User:
    """Give another role; what the user may do changes with the next page. Raises UsageError."""
    found = _there(tx, name)
    tx.execute(update(user).where(user.c.id == found.id).values(role=role_of(role)))
    _check_engineer_left(tx, found.name)
    note.append(tx, "user role changed", f"user {found.name}", role=role, before=found.role)
    return _there(tx, name)


def set_password(tx: Connection, name: str, password: str, note: Note) -> User:
    """Give another password and end the user's sessions. Raises UsageError."""
    found = _there(tx, name)
    tx.execute(update(user).where(user.c.id == found.id).values(password=passwords.hashed(password)))
    tx.execute(delete(session).where(session.c.user_id == found.id))
    note.append(tx, "user password changed", f"user {found.name}")
    return found


def set_disabled(tx: Connection, name: str, disabled: bool, note: Note) -> User:
    """Lock a user out, at once, or let the user in again. Raises UsageError."""
    found = _there(tx, name)
    tx.execute(update(user).where(user.c.id == found.id).values(disabled=int(disabled)))
    tx.execute(delete(session).where(session.c.user_id == found.id))
    _check_engineer_left(tx, found.name)
    note.append(tx, "user disabled" if disabled else "user enabled", f"user {found.name}")
    return _there(tx, name)


def set_language(tx: Connection, user_id: int, language: Language) -> None:
    """Remember a user's language."""
    tx.execute(update(user).where(user.c.id == user_id).values(language=language))


def checked(name: str) -> str:
    """The name as it is stored. Raises UsageError where it is none."""
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise UsageError("this is no user name", where=name, hint="letters, digits, dot, dash and @, at most 40")
    return name


def role_of(role: str) -> Role:
    """The role of that name. Raises UsageError where there is none."""
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}", where="role", hint=", ".join(ROLES))
    return role  # type: ignore[return-value]


def _check_engineer_left(tx: Connection, name: str) -> None:
    if not has_engineer(tx):
        raise UsageError("nobody could administer the console then", where=name, hint="make another engineer first")


def _there(tx: Connection, name: str) -> User:
    found = by_name(tx, name)
    if found is None:
        raise UsageError("there is no such user", where=name, hint="lis-bridge users list shows all")
    return found


def _user(row: Sequence[object]) -> User:
    return msgspec.convert({**dict(zip(User.__struct_fields__, row, strict=True)), "disabled": bool(row[5])}, User)
