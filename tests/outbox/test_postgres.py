"""The outbox on PostgreSQL: which deliveries of a tube are not settled."""

from __future__ import annotations

from lis_bridge.storage import Store
from tests.postgres import needed, store, url

from .test_collect import the_unsettled_deliveries_of_a_tube

__all__ = ["store", "url"]

pytestmark = needed


def test_what_a_tube_owes_and_is_not_settled_is_known(store: Store) -> None:
    the_unsettled_deliveries_of_a_tube(store)
