"""A package is the same bytes for the same driver, and any damage to it, or anything that no driver holds, is refused."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lis_bridge.catalogue.package import LARGEST, MOST_FILES, SETTINGS, pack, unpack
from lis_bridge.core.faults import DriverError

FOLDER = Path(__file__).parents[2] / "drivers" / "il-1620"
RAW = pack(FOLDER, "il-1620", 1, None)
HEAD = 'format = 1\nid = "x-1"\nrevision = 1\nneeds = "0.1.0"\n'


def sealed(archive: bytes) -> bytes:
    """A hand-made zip (with room for a comment of 71 bytes) with a sum that fits."""
    raw = archive[:-71]
    return raw + b"sha256:" + hashlib.sha256(raw).hexdigest().encode()


def made(files: dict[str, bytes | str], *, head: str = HEAD, compress: int = zipfile.ZIP_STORED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", compress) as archive:
        for name, data in {"package.toml": head, **files}.items():
            archive.writestr(name, data)
        archive.comment = b"0" * 71
    return sealed(held.getvalue())


def refusal(raw: bytes) -> DriverError:
    with pytest.raises(DriverError) as caught:
        unpack(raw, "x.lisdriver")
    assert (caught.value.where, bool(caught.value.hint)) == ("x.lisdriver", True)
    return caught.value


def test_a_package_holds_the_folder_byte_for_byte() -> None:
    package = unpack(RAW, "x")
    files = {file.relative_to(FOLDER).as_posix(): file.read_bytes() for file in FOLDER.rglob("*") if file.is_file()}
    assert (package.id, package.revision, dict(package.files)) == ("il-1620", 1, files)


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    for place, data in reversed(list(unpack(RAW, "x").files.items())):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(data)
    assert pack(tmp_path, "il-1620", 1, None) == RAW


def test_settings_travel_beside_the_driver() -> None:
    assert unpack(pack(FOLDER, "il-1620", 1, None, 'decimal = ","\n'), "x").files[SETTINGS] == b'decimal = ","\n'


@given(st.integers(0, len(RAW) - 1), st.integers(0, 7))
def test_any_flipped_bit_is_refused(at: int, bit: int) -> None:
    refusal(RAW[:at] + bytes([RAW[at] ^ (1 << bit)]) + RAW[at + 1 :])


@given(st.integers(0, len(RAW) - 1))
def test_any_truncation_is_refused(stop: int) -> None:
    refusal(RAW[:stop])


@given(st.binary(min_size=1, max_size=200), st.integers(0, len(RAW)))
def test_any_insertion_is_refused(data: bytes, at: int) -> None:
    refusal(RAW[:at] + data + RAW[at:])


@given(st.binary(max_size=400))
def test_rubbish_is_refused_with_and_without_a_sum(data: bytes) -> None:
    refusal(data)
    refusal(sealed(data + b"0" * 71))


@pytest.mark.parametrize(
    "name",
    [
        "x-1/../../etc/passwd",
        "/etc/passwd",
        "x-1/captures/../../../evil.txt",
        "x-1\\..\\evil",
        "x-2/driver.toml",
        "x-1/captures/sub/one.txt",
        "x-1/captures/.hidden",
        "x-1/captures/",
        "x-1/expected/one.txt",
        "x-1/Makefile",
        "C:/driver.toml",
    ],
)
def test_a_place_outside_a_driver_s_folder_is_refused(name: str) -> None:
    refusal(made({"x-1/driver.toml": "", name: "evil"}))


@pytest.mark.parametrize("name", ["hook.py", "captures/one.py", "captures/one.so", "captures/run.sh"])
def test_code_is_refused_and_said_to_be_code(name: str) -> None:
    assert "is code" in refusal(made({"x-1/driver.toml": "", f"x-1/{name}": "evil"})).what


def test_a_folder_with_code_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / "driver.toml").write_text("")
    (tmp_path / "hook.py").write_text("")
    with pytest.raises(DriverError, match="is code"):
        pack(tmp_path, "x-1", 1, None)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (lambda: made({"x-1/driver.toml": b"x" * (LARGEST + 1)}), "larger"),
        (lambda: made({"x-1/driver.toml": "", **{f"x-1/captures/{n}.txt": "" for n in range(MOST_FILES)}}), "more"),
        (lambda: made({"x-1/driver.toml": "x" * 10_000}, compress=zipfile.ZIP_DEFLATED), "another way"),
        (lambda: made({"x-1/README.md": ""}), "does not hold the folder"),
        (lambda: made({"x-1/driver.toml": ""}, head="id = 1"), "does not say what it is"),
        (lambda: made({"x-1/driver.toml": ""}, head=HEAD.replace("x-1", "../x")), "does not say what it is"),
        (lambda: made({"x-1/driver.toml": ""}, head="= ="), "no package"),
        (lambda: made({"x-1/driver.toml": ""}, head=HEAD.replace("0.1.0", "99.0")), "needs lis-bridge 99.0"),
        (lambda: made({"x-1/driver.toml": ""}, head=HEAD.replace("format = 1", "format = 2")), "needs lis-bridge"),
    ],
    ids=[
        "large file",
        "many files",
        "compressed",
        "no driver",
        "no id",
        "id with a path",
        "no head",
        "newer bridge",
        "newer format",
    ],
)
def test_what_driver_pack_does_not_make_is_refused(raw: Callable[[], bytes], what: str) -> None:
    assert what in refusal(raw()).what


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_stands_twice_is_refused() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in ("package.toml", "x-1/driver.toml", "x-1/driver.toml"):
            archive.writestr(name, HEAD)
        archive.comment = b"0" * 71
    assert "twice" in refusal(sealed(held.getvalue())).what
