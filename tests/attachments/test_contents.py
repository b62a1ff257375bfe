"""Pictures and curves as bytes: whatever an analyzer sends, its data come through or stay as they were sent."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lis_bridge.attachments import contents_of
from lis_bridge.core.results import Curve, Image, Message

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def one(data: str, coding: str, format: str = "") -> tuple[str, bytes]:
    (found,) = contents_of(Message("patient", images=(Image("WBC", format, len(data), data=data, coding=coding),)))
    return found.media, found.data


def deflated(data: bytes) -> str:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return base64.b64encode(packing.compress(data) + packing.flush()).decode()


@pytest.mark.parametrize(
    ("data", "coding", "media", "bytes_"),
    [
        (base64.b64encode(PNG).decode(), "base64", "image/png", PNG),
        (deflated(b"\0\0\x80?" * 9), "deflate base64", "application/octet-stream", b"\0\0\x80?" * 9),
        ("00FF 10", "hex", "application/octet-stream", b"\x00\xff\x10"),
        ("\x00\xff\x10", "bytes", "application/octet-stream", b"\x00\xff\x10"),
        ("0 3 12 7", "numbers", "text/plain", b"0 3 12 7"),
    ],
)
def test_each_coding_gives_the_bytes_that_it_stands_for(data: str, coding: str, media: str, bytes_: bytes) -> None:
    assert one(data, coding) == (media, bytes_)


@given(st.text(min_size=1, max_size=80), st.sampled_from(["base64", "deflate base64", "hex", "bytes", "digits", "?"]))
def test_data_that_are_damaged_stay_as_they_were_sent(data: str, coding: str) -> None:
    assert one(data, coding)[1] or not data.strip()


def test_a_packed_picture_that_unpacks_without_end_stays_packed() -> None:
    bomb = deflated(bytes(64 * 1024 * 1024))
    assert one(bomb, "deflate base64")[1] == base64.b64decode(bomb)


def test_a_curve_is_a_table_of_its_figures_as_sent() -> None:
    (found,) = contents_of(Message("patient", curves=(Curve("V", "1/s", "mPa.s", (("1.00", "18.40"), ("200", "3.7"))),)))
    assert (found.kind, found.media) == ("curve", "text/csv")
    assert found.data == b'"1/s","mPa.s"\r\n1.00,18.40\r\n200,3.7\r\n'


def test_a_picture_that_is_only_named_has_no_content() -> None:
    assert list(contents_of(Message("patient", images=(Image("HPLT", "gif", 0),)))) == []
