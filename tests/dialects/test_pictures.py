"""Pictures in records of their own."""

from __future__ import annotations

import base64
import re
import zlib

from lis_bridge.core.results import Image
from lis_bridge.dialects import lis2a2, pictures
from lis_bridge.dialects.paths import parse

FORM = pictures.Form(
    "M", ((parse("M-3"), re.compile("HISTOGRAM|MATRIX")),), parse("M-5"), parse("M-7.1"), parse("M-7.2"), packed=True
)


def packed(data: bytes) -> str:
    squeezed = zlib.compressobj(wbits=-15)
    return base64.b64encode(squeezed.compress(data) + squeezed.flush()).decode()


def read(text: str, *, complete: bool = True) -> list[tuple[int, Image]]:
    grammar = lis2a2.grammar_of(text)
    assert grammar is not None
    return list(pictures.read(text, text.encode(), grammar, "O", FORM, complete=complete))


def test_a_picture_is_named_and_its_unpacked_bytes_are_counted() -> None:
    line = f"M|1|HISTOGRAM|RBC/PLT|RbcAlongRes|limits|FLOATLE^{packed(bytes(2076))}"
    ((orders, image),) = read(f"H|\\^&\rO|1|7\r{line}\rM|2|REAGENT|LYSE|1\rL|1|N\r")
    assert orders == 1
    assert (image.code, image.format, image.size) == ("RbcAlongRes", "FLOATLE", 2076)
    assert image.span == (12, 12 + len(line))


def test_a_picture_that_cannot_be_unpacked_is_counted_as_sent() -> None:
    for data in ("AAAA", "%%%%", packed(b"1234567890")[:-8]):
        ((_, image),) = read(f"H|\\^&\rO|1|7\rM|1|MATRIX|a|LMNE||F^{data}\r")
        assert 0 <= image.size <= len(data)


def test_a_picture_torn_at_the_end_of_a_text_that_was_cut_off_is_none() -> None:
    assert read("H|\\^&\rO|1|7\rM|1|MATRIX|a|LMNE||F^AAAA", complete=False) == []


def test_pictures_belong_to_the_order_above_them() -> None:
    one, two, three = (Image(code, "", 0) for code in "abc")
    found = [(0, one), (1, two), (2, three)]
    assert pictures.by_section(found, [True, False, True]) == [(two,), (), (three,)]
    assert pictures.by_section(found[:1], [False]) == [(one,)]


def test_packed_pictures_are_unpacked_up_to_a_bound_however_many_there_are() -> None:
    data = packed(bytes(pictures.ROOM // 2 + 1))
    found = read("H|\\^&\rO|1|7\r" + f"M|1|MATRIX|a|LMNE||F^{data}\r" * 3)
    sizes = [image.size for _, image in found]
    assert sizes[:2] == [pictures.ROOM // 2 + 1, pictures.ROOM // 2 - 1]
    assert sizes[2] < len(data)
