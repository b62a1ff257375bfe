"""A manifest that cannot be used is told with file, line, key and the nearest known key."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lis_bridge.catalogue.library import Broken, Library
from lis_bridge.catalogue.manifest.keys import known_keys
from lis_bridge.core.faults import DriverError

DRIVERS = Path(__file__).parents[2] / "drivers"


def shelf(tmp_path: Path, *ids: str) -> Path:
    for id in ids:
        shutil.copytree(DRIVERS / id, tmp_path / id)
    return tmp_path


def edit(file: Path, old: str, new: str) -> int:
    """The line on which the replacement stands."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "key", "what", "hint"),
    [
        ("revision = ", "revison = ", "revison", "unknown key", "did you mean 'revision'?"),
        ("patient_name", "pateint_name", "dialect.text.message.pateint_name", "unknown key", "did you mean 'patient_name'?"),
        ("missing = '0+", "mising = '0+", "dialect.text.pairs.points.全血粘度.mising", "unknown key", "did you mean 'missing'?"),
        ('time = "时间"', 'tme = "时间"', "dialect.text.results.observed_at.tme", "unknown key", "did you mean 'time'?"),
        ('kind = "pairs"', 'kind = "pears"', "dialect.text.kind", "input should be", "docs/drivers.md"),
        ("present = ['全血", "presence = ['全血", "identify.presence", "unknown key", "did you mean 'present'?"),
    ],
)
def test_a_key_that_is_wrong_is_named_with_its_line(old: str, new: str, key: str, what: str, hint: str, tmp_path: Path) -> None:
    folder = shelf(tmp_path, "zonci-zl", "il-1620")
    file = folder / "zonci-zl" / "driver.toml"
    line = edit(file, old, new)
    broken: Broken = {}
    library = Library.load([folder], broken=broken)
    assert library.ids() == ("il-1620",)
    errors = {error.key: error for error in broken["zonci-zl"]}
    error = errors[key]
    assert (what in error.what, hint in error.hint) == (True, True), error
    table_of_array = "identify" in key or "results" in key  # of an array's inline tables the line of the whole is known
    assert error.where == f"{file}:{line}" or table_of_array
    with pytest.raises(DriverError, match="zonci-zl"):
        Library.load([folder])


def test_a_missing_key_is_named_with_its_table(tmp_path: Path) -> None:
    folder = shelf(tmp_path, "zonci-zl")
    edit(folder / "zonci-zl" / "driver.toml", 'class = "hemorheology"\n', "")
    with pytest.raises(DriverError, match="class: is missing"):
        Library.load([folder])


def test_a_mistake_in_what_is_extended_is_told_where_it_stands(tmp_path: Path) -> None:
    folder = shelf(tmp_path, "mindray-bc", "mindray-bc10")
    line = edit(folder / "mindray-bc" / "driver.toml", "patient_name", "pateint_name")
    broken: Broken = {}
    Library.load([folder], broken=broken)
    place = f"{folder}/mindray-bc/driver.toml:{line}"
    assert {id: [error.where for error in errors] for id, errors in broken.items()} == {
        "mindray-bc": [place],
        "mindray-bc10": [place],
    }


@pytest.mark.parametrize(
    ("new", "what"),
    [('extends = "mindray-bq"', "extends 'mindray-bq', which is not there"), ('extends = "mindray-bc10"', "a circle")],
)
def test_a_parent_that_is_not_there_is_named(new: str, what: str, tmp_path: Path) -> None:
    folder = shelf(tmp_path, "mindray-bc", "mindray-bc10")
    edit(folder / "mindray-bc10" / "driver.toml", 'extends = "mindray-bc"', new)
    with pytest.raises(DriverError, match=what):
        Library.load([folder])


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    folder = shelf(tmp_path, "zonci-zl")
    line = edit(folder / "zonci-zl" / "driver.toml", "revision = 1", "revision = = 1")
    with pytest.raises(DriverError) as caught:
        Library.load([folder])
    assert caught.value.where == f"{folder}/zonci-zl/driver.toml:{line}"


def test_a_site_s_driver_hides_a_shipped_one_only_when_it_says_so(tmp_path: Path) -> None:
    own = shelf(tmp_path / "own", "zonci-zl")
    with pytest.raises(DriverError, match="is there already"):
        Library.load([own, DRIVERS])
    edit(own / "zonci-zl" / "driver.toml", "revision = 1", "revision = 7\nreplaces_shipped = true")
    driver = Library.load([own, DRIVERS]).driver("zonci-zl")
    assert (driver.manifest.revision, driver.hidden, driver.folder.parent) == (7, 1, own)


def test_known_keys_are_those_of_the_table_around() -> None:
    assert "revision" in known_keys(())
    assert set(known_keys(("dialect", "any", "pairs"))) >= {"separator", "cut", "info"}
    assert "path" in known_keys(("dialect", "any", "results", 0, "rerun"))
