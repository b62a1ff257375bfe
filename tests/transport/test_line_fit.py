"""The judgement on bytes that a UART of the right, or of the wrong, setting would read."""

from __future__ import annotations

import pytest

from lis_bridge.transport.line_fit import judge
from lis_bridge.transport.line_trial import SPEEDS
from tests.transport.uart import Setting, read

ASTM = b"\x05\x021H|\\^&|||Unknown^1.0|||||Host||P|1|20260314084211\r\x0377\r\n\x022R|1|^^^GLU|5.41|mmol/L|3.9-6.1|N||F\r\x0323\r\n\x04"
TEXT = b"\x02Sample 0012\r\nGLU 5.41 mmol/L\r\nALT 31 U/L\r\n\x03" * 2
CHINESE = "\x02姓名:张三\r\n全血粘度:4.41\r\n血浆粘度:1.20 mPa.s\r\n\x03".encode("gb18030") * 2


@pytest.mark.parametrize("data", [TEXT, CHINESE])
def test_text_at_the_right_setting_is_likely(data: bytes) -> None:
    assert judge(data).verdict == "likely"


def test_a_frame_whose_checksum_holds_proves_the_setting() -> None:
    assert judge(b"\x05\x021H|\\^&\r\x03E5\r\n\x04").verdict == "proven"
    assert judge(b"\x05\x021H|\\^&\r\x03E4\r\n\x04").verdict == "unsure"


@pytest.mark.parametrize("heard", [speed for speed in SPEEDS if speed != 9600])
@pytest.mark.parametrize("data", [ASTM * 3, TEXT * 3, CHINESE * 3], ids=["astm", "text", "chinese"])
def test_another_speed_never_fits(heard: int, data: bytes) -> None:
    seen = read(data, Setting(9600, "8N1"), Setting(heard, "8N1"))
    assert judge(seen).verdict in ("wrong", "unsure")


@pytest.mark.parametrize("form", ["7E1", "7O1", "7M1"])
def test_seven_bits_read_as_eight_name_their_parity(form: str) -> None:
    seen = read(TEXT * 2, Setting(9600, form), Setting(9600, "8N1"))
    assert judge(seen).better == form
    assert judge(read(TEXT * 2, Setting(9600, form), Setting(9600, form))).verdict == "likely"


def test_a_few_bytes_settle_nothing() -> None:
    assert judge(b"\x05\x05\x05").verdict == "unsure"
    assert judge(b"").verdict == "unsure"
