"""Waits and moments in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from admin.views import times
from admin.words import words

JA, EN = words("ja"), words("en")
NOW = datetime(2026, 11, 20, 13, 14, tzinfo=UTC)  # 22:14 in Tokyo


@pytest.mark.parametrize(
    ("waiting", "ja", "en"),
    [
        (timedelta(seconds=-5), "いましがた", "just now"),
        (timedelta(seconds=59), "いましがた", "just now"),
        (timedelta(minutes=1), "1分ほど", "about 1 minute"),
        (timedelta(minutes=8, seconds=50), "8分ほど", "about 8 minutes"),
        (timedelta(minutes=59), "59分ほど", "about 59 minutes"),
        (timedelta(minutes=60), "1時間ほど", "about 1 hour"),
        (timedelta(minutes=95), "1時間半ほど", "about an hour and a half"),
        (timedelta(minutes=120), "2時間ほど", "about 2 hours"),
        (timedelta(minutes=155), "3時間ほど", "about 3 hours"),
        (timedelta(hours=20), "20時間ほど", "about 20 hours"),
        (timedelta(hours=23), "きのうから", "since yesterday"),
        (timedelta(days=3), "3日まえから", "for 3 days"),
    ],
)
def test_a_wait_is_told_as_one_would_say_it(waiting: timedelta, ja: str, en: str) -> None:
    assert ja == times.waited(JA, NOW, NOW - waiting)
    assert en == times.waited(EN, NOW, NOW - waiting)


def test_past_midnight_a_short_wait_stays_a_short_wait() -> None:
    after = datetime(2026, 11, 20, 15, 10, tzinfo=UTC)  # 00:10
    assert times.waited(JA, after, after - timedelta(minutes=20)) == "20分ほど"


@pytest.mark.parametrize(
    ("at", "since", "moment"),
    [
        (NOW - timedelta(minutes=8), "22:06 から", "22:06"),
        (NOW - timedelta(days=1), "きのう 22:14 から", "11月19日 22:14"),
        (NOW - timedelta(days=17), "11月3日から", "11月3日 22:14"),
    ],
)
def test_a_moment_is_in_tokyo_and_as_short_as_it_can_be(at: datetime, since: str, moment: str) -> None:
    assert since == times.since(JA, NOW, at)
    assert moment == times.moment(JA, NOW, at)


def test_machines_get_the_zone() -> None:
    assert times.exact(NOW) == "2026-11-20T22:14+09:00"
