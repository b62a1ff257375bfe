"""Wire bytes as people read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lis_bridge.framing.legible import legible


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x05", "<ENQ>"),
        (b"\x021H|\\^&\r\x03A5\r\n\x04", "<STX>1H|\\^&<CR>\n<ETX>A5<CR><LF>\n<EOT>"),
        (b"a\nb\rc", "a<LF>\nb<CR>\nc"),
        ("白".encode(), "<xE7><x99><xBD>"),
        (b"\xff\x0c", "<xFF><FF>"),
        (b"\x7f", "<x7F>"),
    ],
)
def test_control_characters_have_names_and_other_bytes_are_hexadecimal(raw: bytes, shown: str) -> None:
    assert legible(raw) == shown


@given(st.binary(max_size=200))
def test_no_byte_is_lost_and_no_control_character_reaches_the_screen(raw: bytes) -> None:
    shown = legible(raw, lines=False)
    assert shown.isascii()
    assert shown.isprintable()
    tokens = re.findall(r"<x?[0-9A-Z]{2,3}>|.", shown)
    assert b"<" in raw or len(tokens) == len(raw)
