"""How long bytes stand in the database, and the kind of packing beside them: Zstandard, alone or beside a model.

A model is an earlier message of the same family (the messages to one LIS, the events of one analyzer): what repeats from tube to tube, which is
nearly everything but the values, is then stored once. Models are never changed or removed, and each is named by its content: whoever writes
a reference makes sure, in the same transaction, that the model is there. What is evidence stands alone (``pack``).
"""

from __future__ import annotations

import hashlib
import sys
import zlib
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select

from lis_bridge.core.faults import StorageError
from lis_bridge.storage.schema.database import packing_model
from lis_bridge.storage.statements import Statement

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN, DEFLATED, ZSTANDARD = 0, 1, 2
"""On disk: never renumber; any other number is a model's. Zlib's stream is read, not written any more."""

LEVEL = 1
"""As small as zlib's default level at a tenth of its time (docs/performance.md)."""
SHORT_BYTES = 400
"""Shorter bytes gain nothing."""
MODEL_BYTES = 128 * 1024
GROWTH = 1.5
"""A message that is so many times as long as its family's model, and no longer than ``MODEL_BYTES``, becomes the model: the first may have
been a short one. So a family has a dozen at the most."""

_FIRST_ID = 1 << 32

_m = packing_model.c
_INSERT = Statement(insert(packing_model).values({name: bindparam(name) for name in ("id", "family", "size", "content")}))
_IS_THERE = Statement(select(_m.size).where(_m.id == bindparam("of")))
_CONTENT = Statement(select(_m.content).where(_m.id == bindparam("of")))
_LONGEST = Statement(select(_m.id, _m.size, _m.content).where(_m.family == bindparam("family")).order_by(_m.size.desc()).limit(1))


class Packed(NamedTuple):
    """Bytes as they are stored."""

    packing: int
    content: bytes


class _Model(NamedTuple):
    id: int
    size: int
    content: bytes


_known: dict[str, _Model] = {}
"""The last model used for each family: what to look for, nothing that is relied on."""


def pack(data: bytes) -> Packed:
    """The stored form of some bytes, readable by itself."""
    if len(data) >= SHORT_BYTES:
        content = zstd.compress(data, LEVEL)
        if len(content) < len(data):
            return Packed(ZSTANDARD, content)
    return Packed(PLAIN, data)


def pack_like(tx: Connection, family: str, data: bytes, prepared: Packed | None = None) -> Packed:
    """The stored form of some bytes that are much like the others of their family; ``prepared`` is what ``prepack`` made of the same."""
    if len(data) < SHORT_BYTES:
        return Packed(PLAIN, data)
    model = _model(tx, family)
    if model is None or _outgrows(data, model):
        model = _learn(tx, family, data[:MODEL_BYTES])
    return prepared if prepared is not None and prepared.packing == model.id else _packed(data, model)


def prepack(family: str, data: bytes) -> Packed | None:
    """What ``pack_like`` will most likely make of the bytes, without the database; None where that cannot be told."""
    model = _known.get(family)
    if model is None or len(data) < SHORT_BYTES or _outgrows(data, model):
        return None
    return _packed(data, model)


def _outgrows(data: bytes, model: _Model) -> bool:
    return GROWTH * model.size <= len(data) <= MODEL_BYTES


def _packed(data: bytes, model: _Model) -> Packed:
    return Packed(model.id, zstd.compress(data, LEVEL, zstd_dict=_dictionary(model.content).as_digested_dict))


def unpack(tx: Connection, packing: int, content: bytes) -> bytes:
    """The bytes that ``pack`` or ``pack_like`` was given. Raises StorageError where their model is not there."""
    if packing == PLAIN:
        return content
    if packing == ZSTANDARD:
        return zstd.decompress(content)
    if packing == DEFLATED:
        return zlib.decompress(content)
    return zstd.decompress(content, zstd_dict=_dictionary(_content(tx, packing)))


def _model(tx: Connection, family: str) -> _Model | None:
    """The family's model, which is in the database as this transaction sees it."""
    known = _known.get(family)
    if known is not None and _IS_THERE.one(tx, of=known.id):
        return known
    row = _LONGEST.one(tx, family=family)
    if row is None:
        return None
    model = _known[family] = _Model(row[0], row[1], zstd.decompress(row[2]))
    return model


def _learn(tx: Connection, family: str, content: bytes) -> _Model:
    name = hashlib.sha256(family.encode() + b"\0" + content).digest()
    model = _Model(int.from_bytes(name[:8]) >> 1 | _FIRST_ID, len(content), content)
    if not _IS_THERE.one(tx, of=model.id):
        _INSERT.run(tx, id=model.id, family=family, size=model.size, content=zstd.compress(content))
    _known[family] = model
    return model


def _content(tx: Connection, id: int) -> bytes:
    for model in tuple(_known.values()):
        if model.id == id:
            return model.content
    row = _CONTENT.one(tx, of=id)
    if row is None:
        hint = "restore a backup beside it; the results themselves are in the journal's bytes"
        raise StorageError("a packing model is missing", where=f"packing_model {id}", hint=hint)
    return zstd.decompress(row[0])


@lru_cache(maxsize=64)
def _dictionary(content: bytes) -> zstd.ZstdDict:
    return zstd.ZstdDict(content, is_raw=True)
