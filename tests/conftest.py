"""In CI nothing is skipped in silence: what a test needs is installed by .ci/run, so a skip there is a failure unless it is excused here."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Generator

import pytest

STRICT = os.environ.get("CI") == "true"
CACHE = "LIS_BRIDGE_TEST_CACHE"
EXCUSED = {
    "LIS_BRIDGE_TEST_POSTGRES names no server": "a second run in .ci/run has a server",
    "root may write everywhere": "CI is root, which the test of a full disk needs",
}
"""Skip reasons that stand in CI, and why."""


def pytest_configure() -> None:
    """What tests keep of drivers' checks stands apart from the user's; the workers of one run share it."""
    if CACHE not in os.environ:
        os.environ[CACHE] = "yes"
        os.environ["XDG_CACHE_HOME"] = folder = tempfile.mkdtemp(prefix="lis-bridge-tests-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="write the console's pictures in docs/console anew")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not hasattr(report, "wasxfail"):
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse(report)
    return report


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not STRICT or report.outcome != "skipped":
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if reason.removeprefix("Skipped: ") not in EXCUSED:
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {reason}"
