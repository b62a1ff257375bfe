"""The tiers of the site's drivers: computed once, by whatever run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lis_bridge.catalogue.checks.kept import cache_file
from lis_bridge.console.tiers import Tiers
from lis_bridge.runtime.plans import compiled

from .serving import configured


def test_a_run_asks_what_an_earlier_one_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = configured(tmp_path)
    plans = compiled(config)
    first = Tiers(config, plans).every()
    assert [one["id"] for one in first] == sorted({analyzer.driver for analyzer in config.analyzers})
    assert {one["tier"] for one in first} == {"bench"}
    file = cache_file()
    assert file is not None
    file.write_text(json.dumps(dict.fromkeys(json.loads(file.read_text()), "site")))
    assert {one["tier"] for one in Tiers(config, plans).every()} == {"site"}
