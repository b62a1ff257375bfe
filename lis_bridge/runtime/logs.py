"""Logs as JSON lines on standard error: an event, its fields, never what an analyzer said of a patient.

Messages of exceptions may quote values, so only the class of an exception and the line that raised it are written.
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor


class _Sink:
    """A log whose reader has gone must not stop the bridge."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._out.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._out.flush()


def configure(out: TextIO = sys.stderr) -> None:
    """Send our events, and the warnings of libraries, to ``out``."""
    sink: Any = _Sink(out)
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_exception,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sink),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sink)
    handler.setFormatter(_Json())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def place_of(error: BaseException) -> str:
    """Where an exception was raised: ``process.py:41``."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _name_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    error = event.pop("exc_info", None)
    found = error if isinstance(error, BaseException) else sys.exc_info()[1] if error else None
    if found is not None:
        event["error"] = type(found).__name__
        event["at"] = place_of(found)
    return event


class _Json(logging.Formatter):
    """A library's record in the shape of our events; its message may quote values, so it is named by its place."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "event": "library_warning",
            "logger": record.name,
            "at": f"{record.filename}:{record.lineno}",
            "level": record.levelname.lower(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            event |= {"error": type(record.exc_info[1]).__name__, "raised_at": place_of(record.exc_info[1])}
        return str(structlog.processors.JSONRenderer()(None, "", event))
