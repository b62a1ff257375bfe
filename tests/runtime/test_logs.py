from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from lis_bridge.runtime import logs


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    handlers, level = logging.root.handlers[:], logging.root.level
    made = io.StringIO()
    logs.configure(made)
    yield made
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_an_event_is_one_json_line_with_its_fields(out: io.StringIO) -> None:
    structlog.get_logger().info("link_back", analyzer="x1", after_s=41)
    event = json.loads(out.getvalue())
    assert (event["event"], event["analyzer"], event["after_s"], event["level"]) == ("link_back", "x1", 41, "info")


def test_an_exceptions_words_are_never_written(out: io.StringIO) -> None:
    try:
        raise ValueError("Zhang San, GLU 31.2")
    except ValueError:
        structlog.get_logger().exception("processing_failed")
        logging.getLogger("library").exception("Zhang San failed")
    ours, library = map(json.loads, out.getvalue().splitlines())
    assert ours["error"] == library["error"] == "ValueError"
    assert ours["at"].startswith("test_logs.py:")
    assert "Zhang" not in out.getvalue()


def test_a_reader_that_has_gone_stops_nothing() -> None:
    out = io.StringIO()
    out.close()
    logs.configure(out)
    structlog.get_logger().info("ready")
    structlog.reset_defaults()
