"""Two specimens beside each other, before results go from one to the other."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from lis_bridge.tubes import keys, views
from lis_bridge.tubes.views import TubeLine


class Beside(msgspec.Struct, frozen=True):
    """The specimen that results are to be filed under, and the one that they stand under; ``tube`` is None where nothing is known of it yet.

    ``seen`` changes with either: what a person compared must still be so when he decides.
    """

    key: str
    tube: TubeLine | None
    own: TubeLine | None
    seen: str


def compared(tx: Connection, tube_id: int | None, to: str) -> Beside:
    """What a person must see before results are filed under the specimen that he typed. Raises BridgeError where it is none."""
    key = keys.named(to.strip()).key
    number = views.find(tx, key)
    tube = views.view(tx, number).tube if number is not None else None
    if tube is not None and tube.key != key:
        tube = None  # one that merely has such a specimen id
    own = views.view(tx, tube_id).tube if tube_id is not None else None
    seen = f"{key}:{tube.version if tube else 0}:{own.version if own else 0}"
    return Beside(key, tube, own, seen)
