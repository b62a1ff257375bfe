"""A framing table of a manifest becomes a profile, or an error that names the nearest known word."""

from __future__ import annotations

from pathlib import Path

import pytest

from lis_bridge.core.faults import DriverError
from lis_bridge.framing import Profile, make
from lis_bridge.framing.profile import OPTIONS
from tests.framing.drive import profile


def test_equal_tables_make_one_profile() -> None:
    assert len({profile("block", start="02"), profile("block", start=["02"]), profile("block", start="02", end="03")}) == 1


@pytest.mark.parametrize(
    ("said", "where", "hint"),
    [
        ({"kind": "lis1"}, "framing.kind", "lis1a"),
        ({}, "framing.kind", "mllp"),
        ({"kind": "lis1a", "cheksum": "none"}, "framing.cheksum", "checksum"),
        ({"kind": "mllp", "checksum": "none"}, "framing.checksum", "heartbeat"),
        ({"kind": "lis1a", "checksum": "crc"}, "framing", "docs/framing.md"),
        ({"kind": "block", "start": "0g"}, "framing", "hexadecimal"),
        ({"kind": "block", "end": []}, "framing.end", "end"),
    ],
)
def test_an_error_names_the_place_and_the_remedy(said: dict[str, object], where: str, hint: str) -> None:
    with pytest.raises(DriverError) as caught:
        Profile.from_dict(said)
    assert caught.value.where == where
    assert hint in caught.value.hint


@pytest.mark.parametrize("kind", OPTIONS)
def test_every_kind_makes_a_framer(kind: str) -> None:
    assert make(profile(kind)).receive(b"", 0.0) == []


@pytest.mark.parametrize("name", sorted({option for options in OPTIONS.values() for option in options} | set(OPTIONS)))
def test_every_kind_and_option_is_documented(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "framing.md").read_text(encoding="utf-8")
    assert f"`{name}`" in page or f"`{name} " in page or name == "kind"
