"""Deliveries are listed by their destination, also by one that never got any."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index("delivery_destination", "delivery", ["destination", "id"])
