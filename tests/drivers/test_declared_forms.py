"""The four forms that generic-hemorheology's README declares are read as they stand there: the first block is the driver, the second a text of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources

TESTS = Catalogue.load(resources.catalogue())
CONTROLS = str.maketrans("␂␃␌", "\x02\x03\x0c")
README = next(
    folder / "generic-hemorheology" / "README.md" for folder in resources.drivers() if (folder / "generic-hemorheology").is_dir()
)
BLOCKS = re.findall(r"```toml\n(.+?)```\n\n```text\n(.+?)```", README.read_text(encoding="utf-8"), re.DOTALL)

WANTED = {
    "rheo-lines": {"7": {"WBV200": "4.20", "HCT-R": "45.0"}},
    "rheo-list": {"0012": {"WBV10": "8.62", "WBV60": "5.02", "WBV150": "4.11", "PV": "1.38", "HCT-R": "40.0"}},
    "rheo-csv": {"0012": {"PV": "1.38", "HCT-R": "0.40"}, "0013": {"PV": "1.66", "HCT-R": "0.49", "ESR-R": "9"}},
    "rheo-db": {"12": {"PV": "1.38", "HCT-R": "40.0"}, "13": {"ESR-R": None}},
}


def declared(toml: str, folder: Path) -> Plan:
    id = tomllib.loads(toml)["id"]
    (folder / id).mkdir()
    (folder / id / "driver.toml").write_text(toml, encoding="utf-8")
    return Library.load([folder, *resources.drivers()]).plan(id, TESTS, zone=ZoneInfo("Asia/Shanghai"))


def test_every_form_of_the_readme_is_checked() -> None:
    assert [tomllib.loads(toml)["id"] for toml, _ in BLOCKS] == list(WANTED)


@pytest.mark.parametrize(("toml", "text"), BLOCKS, ids=list(WANTED))
def test_a_form_of_the_readme_reads_its_text(toml: str, text: str, tmp_path: Path) -> None:
    plan = declared(toml, tmp_path)
    found = plan.decode(text.translate(CONTROLS).encode("gb18030"))
    assert found.faults == ()
    assert {one.specimen: {row.test: row.value for row in one.observations} for one in found.messages} == WANTED[plan.driver]
    for message in found.messages:
        assert message.kind == "patient"
        assert message.dated == "2024-05-14"
        assert all(row.problem is None and row.ucum for row in message.observations)
        times = {row.observed_at for row in message.observations}
        assert times <= {f"2024-05-14T09:{minute}:00+08:00" for minute in (31, 40)}
