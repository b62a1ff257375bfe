"""What was stored comes back byte for byte, whatever happened to the transaction that first stored its like."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from lis_bridge.core.faults import StorageError
from lis_bridge.storage import Store, packing
from lis_bridge.storage.packing import DEFLATED, MODEL_BYTES, PLAIN, ZSTANDARD, pack, pack_like, unpack
from lis_bridge.storage.schema.database import packing_model


@pytest.fixture(autouse=True)
def _nothing_is_known() -> None:
    packing._known.clear()


def message(number: int, rows: int = 200) -> bytes:
    """Rows whose constant part has no pattern of its own, as codes and names have none."""
    chance = random.Random(number)
    names = (random.Random(at).randbytes(12).hex().encode() for at in range(rows))
    return b"".join(b"OBX|%d|NM|%b||%d\r" % (at, name, chance.randrange(10**6)) for at, name in enumerate(names))


@given(data=st.binary(max_size=2000))
def test_what_stands_alone_comes_back(data: bytes) -> None:
    packed = pack(data)
    assert packed.packing in (PLAIN, ZSTANDARD)
    assert len(packed.content) <= len(data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(sent=st.lists(st.binary(max_size=3000), max_size=5))
def test_what_stands_beside_a_model_comes_back(store: Store, sent: list[bytes]) -> None:
    with store.write() as tx:
        packed = [pack_like(tx, "any", data) for data in sent]
    packing._known.clear()
    with store.read() as tx:
        assert [unpack(tx, *one) for one in packed] == sent


def test_messages_alike_cost_a_fraction_of_what_they_cost_alone(store: Store) -> None:
    with store.write() as tx:
        pack_like(tx, "lis", message(0))
        assert len(pack_like(tx, "lis", message(1)).content) < len(pack(message(1)).content) / 2


def test_a_model_whose_transaction_was_undone_is_stored_again(store: Store) -> None:
    def undone() -> None:
        with store.write() as tx:
            pack_like(tx, "lis", message(0))
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        undone()
    with store.write() as tx:
        packed = pack_like(tx, "lis", message(1))
    packing._known.clear()
    with store.read() as tx:
        assert unpack(tx, *packed) == message(1)


def test_a_model_of_a_savepoint_that_was_undone_is_stored_again(store: Store) -> None:
    with store.write() as tx:
        savepoint = tx.begin_nested()
        pack_like(tx, "lis", message(0))
        savepoint.rollback()
        packed = pack_like(tx, "lis", message(1))
    packing._known.clear()
    with store.read() as tx:
        assert unpack(tx, *packed) == message(1)


def test_two_databases_in_one_process_each_have_their_models(store: Store, tmp_path: object) -> None:
    with Store.open(f"sqlite:///{tmp_path}/other.db") as other:
        for one in (store, other):
            with one.write() as tx:
                packed = pack_like(tx, "lis", message(1))
            packing._known.clear()
            with one.read() as tx:
                assert unpack(tx, *packed) == message(1)


def test_a_family_takes_a_longer_model_a_dozen_times_at_the_most(store: Store) -> None:
    with store.write() as tx:
        for rows in range(10, 8000, 40):
            data = message(rows, rows)
            assert unpack(tx, *pack_like(tx, "lis", data)) == data
        assert 1 < tx.scalar(select(func.count()).select_from(packing_model)) <= 15  # type: ignore[operator]
        assert tx.scalar(select(func.max(packing_model.c.size))) <= MODEL_BYTES  # type: ignore[operator]


def test_what_an_older_version_deflated_is_read(store: Store) -> None:
    with store.read() as tx:
        assert unpack(tx, DEFLATED, zlib.compress(b"x" * 1000)) == b"x" * 1000


def test_a_missing_model_is_named_with_its_remedy(store: Store) -> None:
    with store.write() as tx:
        pack_like(tx, "lis", message(0))
        packed = pack_like(tx, "lis", message(1))
        tx.execute(delete(packing_model))
        packing._known.clear()
        with pytest.raises(StorageError, match="model is missing") as missing:
            unpack(tx, *packed)
    assert str(packed.packing) in missing.value.where
    assert missing.value.hint
