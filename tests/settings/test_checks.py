"""What several keys together make wrong, or unwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from lis_bridge import settings

from .conftest import SMALLEST, Write

ANALYZER = '[[analyzer]]\nid = "{id}"\ndriver = "mindray-bs"\nlink = "{link}"\n'


def with_links(*links: str) -> str:
    rows = "".join(ANALYZER.format(id=f"a{number}", link=link) for number, link in enumerate(links))
    return '[site]\nid = "x"\n[storage]\nurl = "sqlite:///x.db"\n' + rows


def refusals(path: Path) -> list[str]:
    return [error.what for error in settings.examine(path)[1]]


def test_id_given_twice_is_refused_at_the_second(write: Write) -> None:
    _, wrong = settings.examine(write(SMALLEST + ANALYZER.format(id="line-1", link="serial://COM3")))
    assert [(error.what, error.where.rpartition(":")[2]) for error in wrong] == [("analyzer 'line-1' is there twice", "17")]


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("tcp-listen://127.0.0.1:5100", "tcp-listen://127.0.0.1:5100", "port 5100"),
        ("tcp-listen://0.0.0.0:5100", "tcp-listen://192.0.2.1:5100", "port 5100"),
        ("tcp-listen://[::]:5100", "tcp-listen://192.0.2.1:5100", "port 5100"),
        ("tcp-connect://192.0.2.1:5100", "tcp-connect://192.0.2.1:5100", "tcp-connect://192.0.2.1:5100"),
        ("serial:///dev/ttyS0?baud=9600", "serial:///dev/ttyS0?baud=19200", "/dev/ttyS0"),
        ("folder:///srv/in", "folder:///srv/in", "folder:///srv/in"),
    ],
)
def test_two_analyzers_on_one_link_are_refused(first: str, second: str, shared: str, write: Write) -> None:
    assert refusals(write(with_links(first, second))) == [f"analyzers 'a0' and 'a1' share {shared}"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("tcp-listen://127.0.0.1:5100", "tcp-listen://127.0.0.1:5101"),
        ("tcp-listen://192.0.2.1:5100", "tcp-listen://192.0.2.2:5100"),
        ("tcp-listen://127.0.0.1:5100", "tcp-connect://127.0.0.1:5100"),
        ("serial://COM3", "serial://COM4"),
        ("folder:///srv/in?pattern=*.a", "folder:///srv/in?pattern=*.b"),
    ],
)
def test_links_of_their_own_are_accepted(first: str, second: str, write: Write) -> None:
    assert refusals(write(with_links(first, second))) == []


def test_analyzer_on_the_console_s_port_is_refused(write: Write) -> None:
    text = with_links("tcp-listen://0.0.0.0:8080")
    assert refusals(write(text)) == ["analyzer 'a0' and the console share a port"]
    assert refusals(write(text + "[console]\nenabled = false\n")) == []


def test_certificates_without_encryption_are_refused(write: Write) -> None:
    assert "which is not encrypted" in refusals(write(SMALLEST.replace("[console]", "[destination.tls]\n[console]")))[0]


def test_certificate_file_that_is_not_there_is_refused(write: Write, tmp_path: Path) -> None:
    text = SMALLEST.replace("mllp:", "mllps:").replace("[console]", '[destination.tls]\nca = "lis.pem"\n[console]')
    assert refusals(write(text)) == [f"no such file: {tmp_path / 'lis.pem'}"]
    (tmp_path / "lis.pem").write_text("")
    config = settings.load(write(text))
    assert config.destinations[0].tls is not None
    assert config.destinations[0].tls.ca == tmp_path / "lis.pem"


def test_key_without_certificate_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "our.key").write_text("")
    text = SMALLEST.replace("mllp:", "mllps:").replace("[console]", '[destination.tls]\nkey = "our.key"\n[console]')
    assert refusals(write(text)) == ["a key without a certificate"]


def warned(text: str, write: Write, *, marked: bool = True) -> list[str]:
    return [finding.what for finding in settings.warnings(settings.load(write(text)), marks_controls=lambda _: marked)]


def test_smallest_configuration_warns_of_nothing(write: Write) -> None:
    assert warned(SMALLEST, write) == []


def test_controls_that_nobody_marks_are_warned_of(write: Write) -> None:
    listed = SMALLEST.replace("[[destination]]", '[analyzer.controls]\nprefixes = ["QC"]\n[[destination]]')
    assert warned(SMALLEST, write, marked=False) == [
        "analyzer 'line-1': neither driver nor site says which specimens are controls"
    ]
    assert warned(listed, write, marked=False) == []


@pytest.mark.parametrize("ack", ["no-id", "none"])
def test_weak_acknowledgement_is_warned_of(ack: str, write: Write) -> None:
    assert f"ack = {ack!r}" in warned(SMALLEST.replace('charset = "UTF-8"', f'ack = "{ack}"'), write)[0]


def test_unchecked_certificate_is_warned_of(write: Write) -> None:
    text = SMALLEST.replace("mllp:", "mllps:").replace("[console]", "[destination.tls]\nverify = false\n[console]")
    assert warned(text, write) == ["destination 'lis': the LIS's certificate is not checked"]


def test_open_console_is_warned_of(write: Write) -> None:
    assert "the console listens on 0.0.0.0" in warned(SMALLEST.replace("127.0.0.1:8080", "0.0.0.0:8080"), write)[0]


def test_nothing_to_do_is_warned_of(write: Write) -> None:
    assert [what[:20] for what in warned(with_links(), write)] == ["no [[analyzer]]: not", "no [[destination]]: "]


DATED = 'driver = "mindray-bs"\nnumber_date = "reception"'


def test_numbers_dated_by_their_reception_are_warned_of_where_it_is_said(write: Write) -> None:
    config = settings.load(write(SMALLEST.replace('driver = "mindray-bs"', DATED)))
    (finding,) = settings.warnings(config, marks_controls=lambda _: True)
    assert finding.location == ("analyzer", 0, "number_date")
    assert "after midnight" in finding.what


def test_numbers_of_files_are_not_dated_by_their_reception(write: Write) -> None:
    text = with_links("folder:///srv/in").replace('driver = "mindray-bs"', DATED)
    assert refusals(write(text)) == ["analyzer 'a0': when a file was found says nothing of the day of its numbers"]
