"""Who may use the console and the API."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table, Text

from lis_bridge.storage.schema.base import Id, metadata

user = Table(
    "user",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # lower case
    Column("shown_as", Text, nullable=False),
    Column("role", Text, nullable=False),  # viewer, technician, engineer
    Column("password", Text, nullable=False),  # argon2id, encoded
    Column("language", Text, nullable=False),  # zh, en
    Column("disabled", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("token", Text, primary_key=True),  # SHA-256 of the cookie, never the cookie
    Column("user_id", Id, ForeignKey("user.id"), nullable=False, index=True),
    Column("created_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("user.id"), nullable=False),
    Column("name", Text, nullable=False),  # what it is for
    Column("digest", Text, nullable=False, unique=True),  # SHA-256 of the token, never the token
    Column("role", Text, nullable=False),  # at most the user's
    Column("created_at", Text, nullable=False),
    Column("revoked_at", Text),
)
