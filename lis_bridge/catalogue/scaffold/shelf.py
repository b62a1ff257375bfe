"""What the drivers on a shelf teach: how others spell the catalogue's tests, and captures that a new driver must not claim."""

from __future__ import annotations

from collections.abc import Collection

from lis_bridge.catalogue.captures import captures_of
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.scaffold.matching import Vocabulary
from lis_bridge.catalogue.tests import TestCatalogue


def vocabulary(library: Library, tests: TestCatalogue, *, without: Collection[str] = ()) -> Vocabulary:
    """The spellings of every driver but those named."""
    return Vocabulary(tests, {id: library.driver(id).manifest.codes for id in library.ids() if id not in without})


def captured(library: Library, *, without: Collection[str] = ()) -> dict[str, tuple[bytes, ...]]:
    """The captures of every driver but those named."""
    shown = (id for id in library.ids() if id not in without)
    return {id: tuple(capture.raw for capture in captures_of(library.driver(id).folder)) for id in shown}
