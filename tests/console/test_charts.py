"""What is drawn of a tube: curves as their driver names them, histograms, pictures byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lis_bridge import attachments, settings
from lis_bridge.console.queries.charts import SHOWN, charts, picture
from lis_bridge.core import resources
from lis_bridge.runtime.plans import compiled
from lis_bridge.storage import Store
from lis_bridge.tubes import keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.keys import SpecimenRules
from lis_bridge.tubes.store import Arrival, Tubes

AT = datetime(2026, 3, 17, 1, 45, tzinfo=UTC)


@dataclass
class Filed:
    store: Store
    keys: list[str]


@pytest.fixture
def filed(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Filed]:
    """A driver's captures, each filed as the process step does."""
    driver = request.param
    file = tmp_path / "bridge.toml"
    file.write_text(
        '[site]\nid = "xinhe"\n[storage]\nurl = "sqlite:///bridge.db"\n'
        f'[[analyzer]]\nid = "one"\ndriver = "{driver}"\nlink = "tcp-listen://127.0.0.1:5100"\n',
        encoding="utf-8",
    )
    config = settings.load(file)
    plans = compiled(config).plans
    rules = SpecimenRules(config.specimen.barcode, 0, config.site.timezone)
    found: list[str] = []
    with Store.open(f"sqlite:///{tmp_path / 'bridge.db'}", exclusive=True) as store:
        with store.write() as tx:
            for capture in sorted((resources.drivers()[0] / driver / "captures").iterdir()):
                if capture.suffix != ".toml":
                    raw = capture.read_bytes()
                    for part, message in enumerate(plans["one"].decode(raw).messages):
                        key = keys.key_of(message, "one", rules, AT)
                        if message.kind == "patient" and key.doubt is None:
                            filed = Tubes().file(tx, message, key, Context("one"), Arrival(1, part, AT))
                            if filed.tube_id is not None:
                                attachments.keep(tx, filed.tube_id, 1, "one", message, held=False, at=AT)
                            found.append(key.key)
        yield Filed(store, list(dict.fromkeys(found)))


@pytest.mark.parametrize("filed", ["zonci-zl"], indirect=True)
def test_a_viscosity_curve_is_drawn_as_it_was_measured(filed: Filed) -> None:
    with filed.store.read() as tx:
        drawn = [one for key in filed.keys for one in charts(tx, key).charts]
    assert drawn
    for one in drawn:
        assert len(one.xs) == len(one.ys) > 1
        assert list(one.xs) == sorted(one.xs)
        assert not one.bars


@pytest.mark.parametrize("filed", ["mindray-bc"], indirect=True)
def test_pictures_are_shown_as_they_were_sent_and_of_their_own_tube_only(filed: Filed) -> None:
    with filed.store.read() as tx:
        found = [(key, charts(tx, key)) for key in filed.keys]
        shown = [(key, one) for key, drawn in found for one in drawn.pictures if one.media]
        assert shown
        for key, one in shown:
            sent = picture(tx, key, one.id)
            assert sent is not None
            assert (sent[1], len(sent[0])) == (one.media, one.size)
            assert picture(tx, "another", one.id) is None
        assert picture(tx, filed.keys[0], 999) is None


@pytest.mark.parametrize("filed", ["helena-junior24", "abx-micros60"], indirect=True)
def test_a_curve_of_numbered_heights_is_drawn_as_a_histogram(filed: Filed) -> None:
    with filed.store.read() as tx:
        drawn = [one for key in filed.keys for one in charts(tx, key).charts]
    assert drawn
    assert all(one.bars and list(one.xs) == list(range(1, len(one.xs) + 1)) for one in drawn)


def test_nothing_that_could_hold_a_script_is_shown_as_a_picture() -> None:
    assert not {media for media in SHOWN if "svg" in media or "html" in media or "xml" in media}
