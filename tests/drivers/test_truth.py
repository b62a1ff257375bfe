"""Captures against the truth that stands beside the shared ones: written by the generator of the captures, not by our code."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.captures import document
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources

SHARED = Path(__file__).resolve().parents[3] / "shared"
LIBRARY = Library.load(resources.drivers())
TESTS = TestCatalogue.load(resources.catalogue())
TRUTHS = sorted(path for id in LIBRARY.ids() for path in (SHARED / "captures" / id).glob("*.expected.json"))

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no shared captures beside the checkout")


@pytest.fixture(scope="module")
def differences() -> Callable[[dict[str, Any], dict[str, Any], str], list[str]]:
    spec = importlib.util.spec_from_file_location("check_captures", SHARED / "check_captures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.differences  # type: ignore[no-any-return]


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda path: path.name.removesuffix(".expected.json"))
def test_a_capture_decodes_to_the_truth_beside_it(truth: Path, differences: Callable[..., list[str]]) -> None:
    stem, driver = truth.name.removesuffix(".expected.json"), truth.parent.name
    (wire,) = [path for path in truth.parent.glob(stem + ".*") if path != truth and path.name.count(".") == 1]
    plan = LIBRARY.plan(driver, TESTS, zone=ZoneInfo("Asia/Shanghai"))
    got = document(driver, plan.decode(wire.read_bytes(), repair=True), TESTS)
    assert differences(json.loads(truth.read_text(encoding="utf-8")), got, driver) == []


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda path: path.name.removesuffix(".expected.json"))
def test_a_capture_names_its_family(truth: Path) -> None:
    stem, driver = truth.name.removesuffix(".expected.json"), truth.parent.name
    (wire,) = [path for path in truth.parent.glob(stem + ".*") if path != truth and path.name.count(".") == 1]
    assert [candidate.driver for candidate in LIBRARY.identify(wire.read_bytes())] == [driver]
