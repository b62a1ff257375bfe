"""A configuration is read whole or refused with the place and the remedy."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from lis_bridge import settings
from lis_bridge.core import resources
from lis_bridge.core.faults import ConfigError
from lis_bridge.settings import links

from .conftest import SMALLEST, Write

EXAMPLES = Path(__file__).parents[2] / "config"


def refusal(path: Path, drivers: tuple[str, ...] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        settings.load(path, drivers=drivers)
    return str(caught.value).removeprefix(str(path.parent) + "/")


def line_of(text: str, needle: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if needle in line)


def test_smallest_configuration_is_accepted_as_it_stands(write: Write) -> None:
    path = write(SMALLEST)
    config = settings.load(path, drivers=("mindray-bs",))
    assert config.path == path
    assert (config.site.id, config.site.timezone) == ("xinhe", ZoneInfo("Asia/Shanghai"))
    assert [analyzer.id for analyzer in config.analyzers] == ["line-1"]
    assert [(item.version, item.charset, item.window_seconds) for item in config.destinations] == [("2.5.1", "UTF-8", 2.0)]
    assert config.specimen.barcode.fullmatch("2026-0317-01")
    assert not config.specimen.barcode.fullmatch("0007")


def test_everything_but_the_contract_s_keys_has_a_default(write: Write) -> None:
    text = SMALLEST.replace('version = "2.5.1"\ncharset = "UTF-8"\n[console]\nlisten = "127.0.0.1:8080"\n', "")
    assert settings.load(write(text)).destinations == settings.load(write(SMALLEST)).destinations


@pytest.mark.parametrize("name", ["hospital.toml", "demo.toml"])
def test_shipped_examples_are_accepted(name: str) -> None:
    shelf = [folder.name for place in resources.drivers() for folder in place.iterdir()]
    config = settings.load(EXAMPLES / name, drivers=shelf)
    assert len(config.analyzers) >= 3
    assert settings.warnings(config, marks_controls=lambda driver: driver != "zonci-zl") == ()


def test_relative_storage_counts_from_the_file(write: Write) -> None:
    path = write(SMALLEST)
    assert settings.load(path).storage.url == f"sqlite:///{path.parent}/data/bridge.db"


def test_relative_folder_link_counts_from_the_file(write: Write) -> None:
    path = write(SMALLEST.replace("tcp-listen://127.0.0.1:5100", "folder://in/box?pattern=*.cdf"))
    assert settings.load(path).analyzers[0].link == f"folder://{path.parent}/in/box?pattern=*.cdf"


def test_absolute_folder_link_stays(write: Write) -> None:
    path = write(SMALLEST.replace("tcp-listen://127.0.0.1:5100", "folder:///srv/in?pattern=*.cdf"))
    assert settings.load(path).analyzers[0].link == "folder:///srv/in?pattern=*.cdf"


@pytest.mark.parametrize(
    ("url", "folder"), [("folder:///srv/a%20b?pattern=*", "/srv/a b"), ("folder:///C:/results", "C:/results")]
)
def test_folder_of_a_link_is_a_path(url: str, folder: str) -> None:
    assert links.folder_of(url) == Path(folder)


def test_require_order_of_the_site_holds_for_analyzers_that_say_nothing(write: Write) -> None:
    other = '[[analyzer]]\nid = "free"\ndriver = "x"\nlink = "serial://COM3"\nrequire_order = false\n'
    config = settings.load(write(SMALLEST + other + "[specimen]\nrequire_order = true\n"))
    assert [analyzer.require_order for analyzer in config.analyzers] == [True, False]


def test_facility_is_the_site_unless_given(write: Write) -> None:
    given = SMALLEST.replace('charset = "UTF-8"', 'sending_facility = "LAB"')
    assert settings.load(write(SMALLEST)).destinations[0].sending_facility == "xinhe"
    assert settings.load(write(given)).destinations[0].sending_facility == "LAB"


def test_number_space_is_the_analyzer_or_its_group(write: Write) -> None:
    grouped = SMALLEST.replace('driver = "mindray-bs"', 'driver = "mindray-bs"\nnumber_space = "chemistry"')
    assert settings.load(write(SMALLEST)).analyzers[0].space == "line-1"
    assert settings.load(write(grouped)).analyzers[0].space == "chemistry"


def test_configuration_is_frozen(write: Write) -> None:
    config = settings.load(write(SMALLEST))
    with pytest.raises(ValidationError, match="frozen"):
        config.site.id = "other"  # type: ignore[misc]


def test_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())
    assert settings.load(path).site.id == "xinhe"
    path.write_bytes(path.read_bytes().replace(b"version", b"verison"))
    assert refusal(path) == "bridge.toml:12: unknown key 'verison' (did you mean 'version'?)"


MISTAKES = {
    "unknown key": (
        'id = "lis"',
        'id = "lis"\nwindow_second = 3',
        "window_second ",
        "unknown key 'window_second' (did you mean 'window_seconds'?)",
    ),
    "unknown table": ("[console]", "[consol]", "[consol]", "unknown key 'consol' (did you mean 'console'?)"),
    "unknown key in an inner table": (
        "[[destination]]",
        '[analyzer.controls]\nprefix = ["QC"]\n[[destination]]',
        "prefix =",
        "unknown key 'prefix' (did you mean 'prefixes'?)",
    ),
    "unknown version": ('"2.5.1"', '"2.6"', "2.6", "destination.version: '2.6' is not known (one of 2.3.1, 2.4, 2.5.1)"),
    "unknown charset": ('"UTF-8"', '"GBK"', "GBK", "destination.charset: 'GBK' is not known (one of UTF-8, GB18030)"),
    "missing link": ('link = "mllp://127.0.0.1:2575"\n', "", "[[destination]]", "destination.link is missing (Add 'link'; "),
    "unknown scheme": (
        "tcp-listen:",
        "tcp-listn:",
        "tcp-listn",
        "unknown kind of link 'tcp-listn://127.0.0.1:5100' (did you mean 'tcp-listen'?)",
    ),
    "no port": (
        "mllp://127.0.0.1:2575",
        "mllp://127.0.0.1",
        "mllp:",
        "'127.0.0.1' is no host:port (for example mllp://192.0.2.20:2575)",
    ),
    "port out of range": ("127.0.0.1:5100", "127.0.0.1:70000", ":70000", "'127.0.0.1:70000' is no host:port"),
    "mllp for an analyzer": ("tcp-listen://", "mllp://", "mllp://127.0.0.1:5100", "unknown kind of link"),
    "serial parameter": (
        "tcp-listen://127.0.0.1:5100",
        "serial:///dev/ttyUSB0?baude=9600",
        "baude",
        "unknown parameter 'baude' in 'serial:///dev/ttyUSB0?baude=9600' (did you mean 'baud'?)",
    ),
    "serial format": (
        "tcp-listen://127.0.0.1:5100",
        "serial://COM3?format=9N1",
        "9N1",
        "format=9N1 in 'serial://COM3?format=9N1' cannot be used",
    ),
    "no device": ("tcp-listen://127.0.0.1:5100", "serial://", "serial:", "'serial://' names no device"),
    "bad pattern": (
        "[console]",
        "[specimen]\nbarcode = '[A-Z'\n[console]",
        "barcode",
        "specimen.barcode: bad regular expression '[A-Z'",
    ),
    "time zone": ('id = "xinhe"', 'id = "xinhe"\ntimezone = "Asia/Shangai"', "timezone", "(did you mean 'Asia/Shanghai'?)"),
    "id with a blank": ('"line-1"', '"line 1"', "line 1", "analyzer.id: 'line 1' is no id"),
    "storage": ("sqlite:///data/bridge.db", "sqlite://", "sqlite", "storage.url: not a storage url"),
    "number": (
        'charset = "UTF-8"',
        'window_seconds = "soon"',
        "soon",
        "destination.window_seconds: input should be a valid number",
    ),
    "negative": (
        'charset = "UTF-8"',
        "window_seconds = -1",
        "window_seconds",
        "destination.window_seconds: input should be greater than or equal to 0",
    ),
    "analyzer charset": (
        'driver = "mindray-bs"',
        'driver = "mindray-bs"\ncharset = "gb18031"',
        "gb18031",
        "(did you mean 'gb18030'?)",
    ),
    "control character": (
        'driver = "mindray-bs"',
        'driver = "mindray-bs"\nname = "a\\rb"',
        "name",
        "a control character stands in this text",
    ),
    "slip in the date of numbers": (
        'driver = "mindray-bs"',
        'driver = "mindray-bs"\nnumber_dates = "reception"',
        "number_dates",
        "unknown key 'number_dates' (did you mean 'number_date'?)",
    ),
    "unknown date of numbers": (
        'driver = "mindray-bs"',
        'driver = "mindray-bs"\nnumber_date = "today"',
        "number_date",
        "analyzer.number_date: 'today' is not known (one of message, reception)",
    ),
    "table as text": ('[console]\nlisten = "127.0.0.1:8080"', 'console = ["x"]', "console", "console is no table"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_named_with_its_line_and_the_remedy(mistake: str, write: Write) -> None:
    old, new, needle, words = MISTAKES[mistake]
    text = SMALLEST.replace(old, new, 1)
    if mistake == "table as text":  # a key after [[destination]] would belong to it
        text = 'console = ["x"]\n' + text.replace(new, "")
    said = refusal(write(text))
    assert said.startswith(f"bridge.toml:{line_of(text, needle)}: ")
    assert words in said


def test_unknown_driver_names_the_nearest(write: Write) -> None:
    path = write(SMALLEST.replace("mindray-bs", "mindray-sb"))
    assert refusal(path, ("mindray-bs", "sysmex-xn")) == "bridge.toml:7: unknown driver 'mindray-sb' (did you mean 'mindray-bs'?)"
    assert settings.load(path).analyzers[0].driver == "mindray-sb"


def test_broken_toml_is_named_with_its_line(write: Write) -> None:
    assert refusal(write(SMALLEST.replace('id = "lis"', "id = lis"))).startswith("bridge.toml:10: not TOML: Invalid value")


def test_broken_toml_at_the_end_names_the_last_line(write: Write) -> None:
    assert refusal(write('[site]\nid = """')).startswith("bridge.toml:2: not TOML: ")


def test_other_encodings_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_bytes(SMALLEST.replace("[storage]", 'name = "新和"\n[storage]').encode("gb18030"))
    assert refusal(path) == "bridge.toml:3: not UTF-8 (Save the file as UTF-8)"


def test_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.toml") == "none.toml: No such file or directory (Name a file that can be read)"


def test_all_mistakes_are_listed_in_the_order_of_lines(write: Write) -> None:
    text = SMALLEST.replace('"2.5.1"', '"2.6"').replace("[site]", "[site]\nsize = 3").replace("tcp-listen", "tcp")
    config, wrong = settings.examine(write(text))
    lines = [int(re.findall(r":(\d+)$", error.where)[0]) for error in wrong]
    assert config is None
    assert lines == sorted(lines)
    assert len(lines) == 3
