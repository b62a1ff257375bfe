from __future__ import annotations

import pytest

from lis_bridge.core.faults import LinkError
from lis_bridge.transport import open_link
from lis_bridge.transport.folder import FolderLink
from lis_bridge.transport.serial_line import Line, SerialLink
from lis_bridge.transport.tcp import ConnectLink, ListenLink


@pytest.mark.parametrize(
    ("url", "kind", "where"),
    [
        ("tcp-listen://127.0.0.1:5100", ListenLink, "127.0.0.1:5100"),
        ("tcp-connect://[::1]:5100", ConnectLink, "::1:5100"),
        ("serial:///dev/ttyUSB0?baud=19200", SerialLink, "/dev/ttyUSB0"),
        ("serial://COM3", SerialLink, "COM3"),
        ("serial://usb?vid=0403&pid=6001&sn=A1", SerialLink, "USB vid=0403 pid=6001 sn=A1"),
        ("folder:///srv/%E7%BB%93%E6%9E%9C?pattern=*.cdf", FolderLink, "/srv/结果"),
    ],
)
def test_a_scheme_opens_its_kind_of_link(url: str, kind: type, where: str) -> None:
    link = open_link(url)
    assert isinstance(link, kind)
    assert link.where == where


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("tcp-lissten://127.0.0.1:5100", "tcp-listen"),
        ("serial:///dev/ttyUSB0?buad=9600", "baud"),
        ("serial:///dev/ttyUSB0?format=9X1", "8N1"),
        ("tcp-listen://127.0.0.1", "for example"),
    ],
)
def test_a_wrong_url_names_itself_and_what_was_meant(url: str, hint: str) -> None:
    with pytest.raises(LinkError) as caught:
        open_link(url)
    assert url in str(caught.value)
    assert hint in caught.value.hint


def test_every_parameter_of_a_serial_line_is_read() -> None:
    words = {"baud": "4800", "format": "7e2", "flow": "rtscts", "dtr": "off", "rts": "on", "vid": "067b"}
    line = Line.of("COM3", words)
    assert (line.baud, line.bits, line.parity, line.stop) == (4800, 7, "E", 2.0)
    assert (line.flow, line.dtr, line.rts, line.identity.vid) == ("rtscts", False, True, "067b")


def test_a_serial_line_is_9600_8n1_without_flow_control_unless_told() -> None:
    line = Line.of("/dev/ttyS0", {})
    assert (line.baud, line.bits, line.parity, line.stop, line.flow, line.dtr, line.rts) == (
        9600,
        8,
        "N",
        1.0,
        "none",
        None,
        None,
    )
