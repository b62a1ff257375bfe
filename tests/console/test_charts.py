"""What is drawn of a tube: curves as their driver names them, histograms, pictures byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lis_bridge import journal, settings
from lis_bridge.console.queries.charts import Reading, charts, media_of, picture
from lis_bridge.core import resources
from lis_bridge.journal import Entry
from lis_bridge.runtime.plans import compiled
from lis_bridge.storage import Store
from lis_bridge.tubes import keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.keys import SpecimenRules
from lis_bridge.tubes.store import Arrival, Tubes

AT = datetime(2026, 3, 17, 1, 45, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Filed:
    store: Store
    reading: Reading
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
                    entry = journal.append(tx, Entry("one", "", AT, "mllp", True, raw))
                    for part, message in enumerate(plans["one"].decode(raw).messages):
                        key = keys.key_of(message, "one", rules, AT)
                        if message.kind == "patient" and key.doubt is None:
                            Tubes().file(tx, message, key, Context("one"), Arrival(entry, part, AT))
                            found.append(key.key)
        relaxed = config.model_copy(update={"specimen": config.specimen.model_copy(update={"date_window_hours": 0})})
        yield Filed(store, Reading(relaxed, plans), list(dict.fromkeys(found)))


@pytest.mark.parametrize("filed", ["zonci-zl"], indirect=True)
def test_a_viscosity_curve_is_drawn_as_it_was_measured(filed: Filed) -> None:
    with filed.store.read() as tx:
        drawn = [one for key in filed.keys for one in charts(tx, key, filed.reading).charts]
    assert drawn
    for one in drawn:
        assert len(one.xs) == len(one.ys) > 1
        assert list(one.xs) == sorted(one.xs)
        assert not one.bars


@pytest.mark.parametrize("filed", ["mindray-bc"], indirect=True)
def test_pictures_are_shown_as_they_were_sent_and_by_the_name_that_the_analyzer_gives_them(filed: Filed) -> None:
    with filed.store.read() as tx:
        found = [(key, charts(tx, key, filed.reading)) for key in filed.keys]
        shown = [(key, one) for key, drawn in found for one in drawn.pictures if one.media]
        assert shown
        for key, one in shown:
            sent = picture(tx, key, one.entry, one.place, filed.reading)
            assert sent is not None
            assert (media_of(sent[0]), len(sent[0])) == (one.media, one.size)
        assert "15008 WBC Histogram. BMP" in {one.name for _, one in shown}
        assert picture(tx, filed.keys[0], 999, 0, filed.reading) is None


@pytest.mark.parametrize("filed", ["helena-junior24"], indirect=True)
def test_a_curve_of_numbered_heights_is_drawn_as_a_histogram(filed: Filed) -> None:
    with filed.store.read() as tx:
        drawn = [one for key in filed.keys for one in charts(tx, key, filed.reading).charts]
    assert drawn
    assert all(one.bars and list(one.xs) == list(range(1, len(one.xs) + 1)) for one in drawn)


def test_only_bytes_of_pictures_get_a_media_type() -> None:
    assert media_of(PNG + b"...") == "image/png"
    assert media_of(b"<svg onload=alert(1)>") == ""
    assert media_of(b"") == ""
