"""Tubes are found by the beginning of a specimen id, a patient's name or a patient's id, and a patient's previous tube by the whole id."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for name, columns in (
        ("tube_specimen", ["specimen"]),
        ("tube_patient_name", ["patient_name"]),
        ("tube_patient_id", ["patient_id", "id"]),
    ):
        op.create_index(name, "tube", columns, postgresql_ops={columns[0]: "text_pattern_ops"})
