"""Deliveries are listed by their destination, also by one that never got any; the audit log by one person's rare acts and by the rare actor of a common one."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index("delivery_destination", "delivery", ["destination", "id"])
    op.create_index("audit_actor_action", "audit", ["actor", "action", "id"])
