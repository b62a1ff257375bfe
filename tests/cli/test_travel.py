"""``driver pack`` and ``driver install``: a driver leaves one site as a file and works at the next; nothing half-installed is left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lis_bridge.catalogue.package import pack

from .conftest import Run

DRIVERS = Path(__file__).parents[2] / "drivers"
CAPTURE = "captures/il-1620--01.txt"
SITE = """\
[site]
id = "x"
[storage]
url = "sqlite:///bridge.db"
[drivers]
paths = ["own"]
[[analyzer]]
id = "gas-1"
driver = "{driver}"
link = "serial:///dev/ttyS0?baud=9600&format=8N1"
peer = "192.0.2.9"
serial = "12345"
decimal = ","
specimen_pattern = '0*([0-9]+)'
[analyzer.controls]
ids = ["9"]
[analyzer.codes]
"200@6" = "BG-pH"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The folder of a driver that no bridge ships: an IL 1620 of another number, told apart by a word of its own."""
    folder = tmp_path / "theirs" / "il-1730"
    shutil.copytree(DRIVERS / "il-1620", folder)
    manifest = folder / "driver.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('id = "il-1620"', 'id = "il-1730"'), encoding="utf-8")
    change(folder, "[[identify]]", "[[identify]]\npresent = ['MODEL 1730']\nwhy = 'its name'\nweight = 99\n\n[[identify]]")
    for file in sorted((folder / "captures").glob("*.txt")):
        file.write_bytes(b"MODEL 1730\r\n" + file.read_bytes())
    for file in sorted((folder / "captures").glob("*")):
        file.rename(file.with_name(file.name.replace("1620", "1730")))
    return folder


def change(folder: Path, old: str, new: str) -> None:
    manifest = folder / "driver.toml"
    text = manifest.read_text(encoding="utf-8")
    assert old in text
    manifest.write_text(text.replace(old, new, 1), encoding="utf-8")


def expectations(folder: Path, lis_bridge: Run) -> None:
    """What the copy decodes to, kept as expected."""
    for file in (folder / "expected").glob("*"):
        file.unlink()
    for capture in (folder / "captures").glob("*.txt"):
        done = lis_bridge("decode", capture, "--drivers", folder.parent)
        (folder / "expected" / f"{capture.stem}.json").write_text(done.stdout, encoding="utf-8")


@pytest.fixture
def package(machine: Path, lis_bridge: Run, tmp_path: Path) -> Path:
    expectations(machine, lis_bridge)
    done = lis_bridge("driver", "pack", "il-1730", "-o", tmp_path / "m.lisdriver", "--drivers", machine.parent)
    assert (done.returncode, done.stderr) == (0, "")
    return tmp_path / "m.lisdriver"


def packed(machine: Path, tmp_path: Path, revision: int) -> Path:
    file = tmp_path / f"m{revision}.lisdriver"
    file.write_bytes(pack(machine, "il-1730", revision, None))
    return file


def content(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_driver_travels_and_decodes_at_the_next_site(package: Path, machine: Path, lis_bridge: Run, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE.format(driver="il-1730"))
    done = lis_bridge("driver", "install", package, "-c", site)
    assert (done.returncode, done.stderr) == (0, "")
    assert "il-1730: installed, bench" in done.stdout
    assert content(tmp_path / "own" / "il-1730") == content(machine)
    assert [item.name for item in (tmp_path / "own").iterdir()] == ["il-1730"]
    assert lis_bridge("config", "check", site).returncode == 0
    capture = machine / "captures" / "il-1730--01.txt"
    found = json.loads(lis_bridge("decode", capture, "--drivers", tmp_path / "own").stdout)
    assert (found["driver"], len(found["messages"])) == ("il-1730", 2)
    assert json.loads(lis_bridge("decode", capture, LIS_BRIDGE_DRIVERS=str(tmp_path / "own")).stdout) == found


def test_settings_of_the_last_site_travel_without_addresses(machine: Path, lis_bridge: Run, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE.format(driver="il-1730").replace('"own"', '"theirs"'))
    expectations(machine, lis_bridge)
    assert lis_bridge("driver", "pack", "il-1730", "-o", "m.lisdriver", "-c", site).returncode == 0
    done = lis_bridge("driver", "install", "m.lisdriver", "--into", tmp_path / "own")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "own" / "il-1730" / "settings.toml").read_text(encoding="utf-8")
    assert text == (
        '# serial, baud=9600&format=8N1\ndecimal = ","\nspecimen_pattern = "0*([0-9]+)"\n\n[codes]\n"200@6" = "BG-pH"\n'
    )
    assert "copy what holds here" in done.stdout


def test_the_same_or_an_older_revision_replaces_nothing_unless_forced(
    package: Path, machine: Path, lis_bridge: Run, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    assert lis_bridge("driver", "install", package, "--into", own).returncode == 0
    before = content(own)
    done = lis_bridge("driver", "install", package, "--into", own)
    assert (done.returncode, "is there at revision 1, the package has 1" in done.stderr) == (6, True)
    assert content(own) == before
    change(machine, "revision = 1", "revision = 2")
    newer = packed(machine, tmp_path, 2)
    done = lis_bridge("driver", "install", newer, "--into", own)
    assert (done.returncode, "in place of revision 1" in done.stdout) == (0, True)
    assert lis_bridge("driver", "install", package, "--into", own).returncode == 6
    assert lis_bridge("driver", "install", package, "--into", own, "--force").returncode == 0
    assert content(own) == before


def test_a_driver_that_its_checks_refuse_is_not_installed(package: Path, machine: Path, lis_bridge: Run, tmp_path: Path) -> None:
    own = tmp_path / "own"
    change(machine, '"200" = "BG-pH"', '"200" = "NO-SUCH"')
    done = lis_bridge("driver", "install", packed(machine, tmp_path, 1), "--into", own)
    assert (done.returncode, done.stdout) == (1, "")
    (said,) = [line for line in done.stderr.splitlines() if "codes.200" in line]
    assert said.startswith("il-1730/driver.toml:")
    assert "'NO-SUCH' is not in the catalogue" in said
    assert list(own.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("revision = 1", "revision = = 1", "not TOML"),
        ("revision = 1", "revison = 1", "unknown key"),
        ("revision = 1", "revision = 3", "the package says revision 1, its driver 3"),
    ],
)
def test_a_package_whose_manifest_cannot_be_used_is_refused(
    old: str, new: str, what: str, machine: Path, lis_bridge: Run, tmp_path: Path
) -> None:
    change(machine, old, new)
    done = lis_bridge("driver", "install", packed(machine, tmp_path, 1), "--into", tmp_path / "own")
    assert (done.returncode, what in done.stderr) == (6, True), done.stderr
    assert done.stderr.startswith("il-1730/driver.toml:")
    assert list((tmp_path / "own").iterdir()) == []


def test_a_shipped_driver_is_not_hidden_by_a_package(lis_bridge: Run, tmp_path: Path) -> None:
    assert lis_bridge("driver", "pack", "il-1620", "-o", "m.lisdriver").returncode == 0
    done = lis_bridge("driver", "install", "m.lisdriver", "--into", tmp_path / "own")
    assert (done.returncode, "is there already" in done.stderr) == (6, True)
    assert lis_bridge("driver", "install", "m.lisdriver", "--into", DRIVERS).returncode == 2


def test_a_damaged_package_is_refused(package: Path, lis_bridge: Run, tmp_path: Path) -> None:
    raw = bytearray(package.read_bytes())
    raw[len(raw) // 2] ^= 1
    package.write_bytes(raw)
    done = lis_bridge("driver", "install", package, "--into", tmp_path / "own")
    assert (done.returncode, done.stderr.startswith(f"{package}: damaged")) == (6, True)
    assert not (tmp_path / "own").exists()


def test_install_without_a_folder_says_what_to_write(package: Path, lis_bridge: Run) -> None:
    done = lis_bridge("driver", "install", package)
    assert (done.returncode, "--into FOLDER" in done.stderr) == (2, True)
