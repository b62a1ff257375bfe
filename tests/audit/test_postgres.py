"""The audit log on PostgreSQL: the same promises."""

from __future__ import annotations

from lis_bridge.storage import Store
from tests.postgres import needed, store, url

from . import promises

__all__ = ["store", "url"]

pytestmark = needed


def test_what_is_appended_is_a_whole_chain(store: Store) -> None:
    promises.what_is_appended_is_a_whole_chain(store)


def test_nothing_can_be_changed_or_deleted(store: Store) -> None:
    promises.nothing_can_be_changed_or_deleted(store)


def test_appends_at_one_time_make_one_chain(store: Store) -> None:
    promises.appends_at_one_time_make_one_chain(store)
