"""Logs: stable action names with opaque facts. Never text, names, platform ids, addresses or query strings."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog

Event = Any


def set_up(log_format: str) -> None:
    """Routes our own and all library logs through one form, on standard error."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_messages,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[library_event, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.raiseExceptions = False  # a line that cannot be formed would be printed with all its values
    for noisy in ("aiohttp.access", "apscheduler", "httpx", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def library_event(_logger: Any, _method: str, event: Event) -> Event:
    """A library's own message may quote what it was given, so only its logger's name and level are kept."""
    record: logging.LogRecord | None = event.get("_record")
    if record is not None:  # our own lines never come this way
        event["event"] = "library_message"
        event["logger"] = record.name
        event["at"] = f"{record.module}:{record.lineno}"
        event.pop("positional_args", None)
        if record.exc_info:
            event["exc_info"] = record.exc_info
        record.exc_info = None
        record.exc_text = None
    return event


def without_messages(_logger: Any, _method: str, event: Event) -> Event:
    """An exception as its type and the places it came through; its message may hold what a person wrote."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, BaseException):
        error = (type(error), error, error.__traceback__)
    if isinstance(error, tuple) and error[0] is not None:
        event["error"] = error[0].__name__
        event["through"] = [
            f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error[2], limit=-8)
        ]
    return event
