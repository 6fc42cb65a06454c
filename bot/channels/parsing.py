"""Reading what strangers send: JSON that cannot hurt, instants that cannot lie far."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bot.errors import BadInput

FUTURE = timedelta(minutes=5)
MAX_DEPTH = 60


def json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object. Raises BadInput for anything else: bad UTF-8, too deep, not an object."""
    value = json_value(raw)
    may_be_deep = raw.count(b"{") + raw.count(b"[") > MAX_DEPTH  # nothing is deeper than it has brackets
    if not isinstance(value, dict) or (may_be_deep and _depth(value) > MAX_DEPTH):
        raise BadInput("The body is no usable JSON object.")
    return value


def json_value(raw: bytes) -> Any:
    """Any JSON. Raises BadInput when it is none."""
    try:
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _mended(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise BadInput("The body is no readable JSON.") from error


def _mended(raw: bytes) -> Any:
    """Half an emoji (a lone surrogate) costs its place in the text, not the message, nor its batch."""
    return msgspec.json.decode(json.dumps(json.loads(raw), ensure_ascii=False).encode("utf-8", "replace"))


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        depth += 1
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        level = [item for item in inner if isinstance(item, dict | list)]
    return depth


def instant(value: Any, per_second: int, now: datetime) -> datetime:
    """When it was sent; `now` when that is absent, not a time, or in the future."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            sent = datetime.fromtimestamp(value / per_second, UTC)
        except (OverflowError, ValueError, OSError):
            return now
        if sent <= now + FUTURE:
            return sent
    return now
