"""What an observation is stored as, and what it is looked up as."""

from __future__ import annotations

import msgspec
import pytest

from lis_bridge.core.results import Observation


def test_row_that_was_stored_before_materials_were_known_is_of_the_usual_one() -> None:
    row = Observation("K", "K", "4.10", "4.10", occurrence=2)
    older = msgspec.msgpack.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(row))[:-1])
    found = msgspec.msgpack.decode(older, type=Observation)
    assert (found, found.material, found.key) == (row, "", "K")


@pytest.mark.parametrize(
    ("code", "material", "key"), [("K", "", "K"), ("K", "urine", "K@urine"), ("", "urine", ""), ("K@x", "", "K@x")]
)
def test_code_of_another_material_is_another_key_and_no_code_has_none(code: str, material: str, key: str) -> None:
    assert Observation(code, material=material).key == key
