"""The project's own promises: what may be imported, installed and written into its files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def product_files() -> Iterator[Path]:
    for folder in ("lis_bridge", "drivers", "config"):
        yield from (
            file for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".toml", ".tsv", ".html", ".js", ".css")
        )


def test_a_driver_is_data_and_holds_no_code() -> None:
    """docs/decisions/0006."""
    assert list((ROOT / "drivers").rglob("*.py")) == []


def test_constraints_are_exact_pins_and_name_no_index() -> None:
    lines = [line for line in CONSTRAINTS.splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", line)] == []


def test_every_dependency_that_make_installs_is_pinned() -> None:
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    pinned = {normal(line.split("==")[0]) for line in CONSTRAINTS.splitlines()}
    assert {normal(re.split(r"[<>=\[; ]", want)[0]) for want in wanted} - pinned == set()


def test_the_product_stands_alone() -> None:
    outside = re.compile(r"\.\./shared|(?<![\w.])/(work|root|home)/\w")
    assert [str(file) for file in product_files() if outside.search(file.read_text(encoding="utf-8"))] == []


def test_changelog_knows_this_version_or_what_comes_next() -> None:
    titles = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert titles[0] in ("Unreleased", PROJECT["version"])


TEST, MODULE = "def test_skipped():\n    pytest.skip('no tool')", "pytest.skip('no tool', allow_module_level=True)"


@pytest.mark.parametrize(
    ("skip", "workers", "code"),
    [(TEST, "0", 1), (TEST, "2", 1), (MODULE, "0", 2), (MODULE, "2", 1)],
    ids=["test", "test among workers", "module", "module among workers"],
)
def test_skip_is_a_failure_in_ci_only(skip: str, workers: str, code: int, tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_skipping.py").write_text(f"import pytest\n{skip}\n")
    (tmp_path / "test_passing.py").write_text("def test_passed(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", workers, "--dist", "loadfile", str(tmp_path)]
    for ci, expected in (("true", code), ("", 0)):
        done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "CI": ci}, capture_output=True, text=True, check=False)
        assert done.returncode == expected, done.stdout
        assert ("skipped where nothing may be" in done.stdout) == bool(expected)


def test_importing_the_command_line_loads_no_heavy_library() -> None:
    heavy = {"sqlalchemy", "fastapi", "uvicorn", "alembic", "pydantic", "serial", "hl7"}
    code = f"import sys, lis_bridge.cli.main; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
