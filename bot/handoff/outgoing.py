"""When staff may write: never over a wish to be left alone, and not again and again without an answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

ONE_SITTING = timedelta(minutes=30)
"""What is written within half an hour is one message in several bubbles."""


def allowed_from(attempts: Sequence[datetime], now: datetime, most: int, again_after: timedelta) -> datetime:
    """From when on a counselor may write; `now` or earlier means at once (R-028).

    `attempts` are the beginnings of what was written since the person last wrote. A clock that went back opens
    nothing: an attempt in the future counts as made now.
    """
    if not attempts or abs(now - attempts[-1]) < ONE_SITTING or len(attempts) < most:
        return now
    return max(attempts) + again_after


def with_attempt(attempts: Sequence[datetime], now: datetime) -> tuple[datetime, ...]:
    """The attempts with one at `now`; one of the same sitting is the same."""
    if attempts and abs(now - attempts[-1]) < ONE_SITTING:
        return tuple(attempts)
    return (*attempts, now)[-20:]
