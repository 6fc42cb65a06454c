"""Time in words, in Asia/Tokyo: no clocks that run, no seconds. Pure."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_skeleton

from admin.words import Words
from bot.handoff.hours import TOKYO

MINUTE = 60
HOUR = 60 * MINUTE
LONG = 12 * HOUR  # from here on the day says more than the hours


def waited(t: Words, now: datetime, since: datetime) -> str:
    """How long something lasts already, as one would say it: 8分ほど, 2時間ほど, きのうから."""
    seconds = max(0.0, (now - since).total_seconds())
    if seconds < MINUTE:
        return t("just now")
    if seconds < HOUR:
        minutes = int(seconds // MINUTE)
        return t.count("about {n} minute", "about {n} minutes", minutes)
    if HOUR + HOUR / 2 <= seconds < 2 * HOUR:
        return t("about an hour and a half")
    days = _days_ago(now, since)
    if seconds < LONG or days == 0:
        hours = int(seconds // HOUR) if seconds < 2 * HOUR else round(seconds / HOUR)
        return t.count("about {n} hour", "about {n} hours", hours)
    if days == 1:
        return t("since yesterday")
    return t.count("for {n} day", "for {n} days", days)


def since(t: Words, now: datetime, at: datetime) -> str:
    """From when on: 22:06 から, きのう 22:06 から, 11月3日から."""
    days = _days_ago(now, at)
    if days <= 0:
        return t("since {time}", time=_clock(at))
    if days == 1:
        return t("since {time} yesterday", time=_clock(at))
    return t("since {day}", day=_day(t, at))


def moment(t: Words, now: datetime, at: datetime) -> str:
    """A point in time, as short as it can be said: 22:08, else 11月3日 22:08."""
    return _clock(at) if _days_ago(now, at) == 0 else f"{_day(t, at)} {_clock(at)}"


def exact(at: datetime) -> str:
    """The same for machines (the `datetime` of a `time` element): local, to the minute."""
    return at.astimezone(TOKYO).isoformat(timespec="minutes")


def _clock(at: datetime) -> str:
    return f"{at.astimezone(TOKYO):%H:%M}"


def _day(t: Words, at: datetime) -> str:
    return str(format_skeleton("MMMd", at.astimezone(TOKYO), locale=t.language))


def _days_ago(now: datetime, at: datetime) -> int:
    return (now.astimezone(TOKYO).date() - at.astimezone(TOKYO).date()).days
