"""Notices and letters: one message, by day, about what is certain, and only for who asked."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.content.pack import Released
from bot.flows import effects as fx
from bot.flows import reminders
from bot.flows.mine import MAX_NOTICES, MAX_SAVED, MAX_WRITTEN, Mine, Notice
from bot.handoff.hours import TOKYO
from tests.strategies import Watched, seed_pack

moments = st.datetimes(
    *(datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (2026, 2031)), timezones=st.just(UTC)
)
days = st.dates(date(2026, 1, 1), date(2031, 12, 31))


@given(moments)
def test_nobody_is_woken(moment: datetime) -> None:
    """R-101: whatever the moment, it is sent between ten and eight, at that moment or after it."""
    sent = reminders.by_day(moment)
    assert sent >= moment
    assert reminders.FIRST <= sent.time() < reminders.LAST
    assert sent - moment <= timedelta(hours=14)


@given(days, st.integers(1, 14), moments)
def test_a_notice_comes_before_its_day_or_not_at_all(day: date, ahead: int, now: datetime) -> None:
    """R-101: before the day, by daylight, never in the past."""
    notice = reminders.planned("x", ahead, day, now)
    if notice is None:
        assert day - now.astimezone(TOKYO).date() <= timedelta(days=1)
        return
    assert notice.due > now
    assert notice.due.date() < day
    assert time(10) <= notice.due.astimezone(TOKYO).time() < time(20)


@given(moments, st.integers(0, 800))
def test_a_date_that_never_gets_known_is_given_up(since: datetime, later: int) -> None:
    """A notice without a date looks again each day, for a year at most."""
    notice = reminders.planned("x", 1, None, since)
    assert notice is not None
    found = reminders.again(notice, None, since + timedelta(days=later))
    assert (found is None) is (timedelta(days=later) > reminders.FOR_DATE)


@given(st.lists(st.integers(0, 99), max_size=99))
def test_what_a_person_keeps_stays_small(numbers: list[int]) -> None:
    """Lists are bounded; the newest stays; nothing stands in them twice."""
    mine, now = Mine(), datetime(2026, 11, 21, tzinfo=UTC)
    for number in numbers:
        mine = mine.saving(f"p{number}").writing(number, "あ" * 99)
        mine = mine.noticing(Notice(entry=f"p{number}", days=1, since=now, due=now))
    assert len(mine.saved) <= MAX_SAVED
    assert len(mine.written) <= MAX_WRITTEN
    assert len(mine.notices) <= MAX_NOTICES
    assert len(set(mine.saved)) == len(mine.saved)
    assert not numbers or mine.saved[-1] == f"p{numbers[-1]}"


def letters_sent(effects: list[fx.Effect]) -> int:
    return sum(effect == fx.Record(count="letters_sent") for effect in effects)


def test_letters_are_off_until_asked_for() -> None:
    """R-085, R-113: nobody who did not ask gets one, however long they are away."""
    watched = Watched(released=Released(latest=seed_pack()))
    watched.joined()
    assert watched.after(400 * 86_400) == []


def test_a_letter_a_month_and_none_after_stop() -> None:
    """R-085: one each month, silently, until one tap."""
    watched = Watched(released=Released(latest=seed_pack()))
    watched.text("便り")
    watched.choice("月に一度")
    assert letters_sent(watched.after(91 * 86_400)) == 3
    said = [effect for effect in watched.after(31 * 86_400) if isinstance(effect, fx.Say)]
    assert [effect.reply.silent for effect in said] == [True]
    watched.choice("便りをやめる")
    assert letters_sent(watched.after(366 * 86_400)) == 0


def test_who_talks_with_a_person_gets_no_letter() -> None:
    """While a counselor has the thread, none is sent; afterwards the next one is."""
    watched = Watched(released=Released(latest=seed_pack()))
    watched.text("便り")
    watched.choice("月に一度")
    watched.text("人と話したい")
    watched.text("このまま渡す")
    watched.claim()
    assert letters_sent(watched.after(31 * 86_400)) == 0
    watched.hand_back()
    assert letters_sent(watched.after(31 * 86_400)) == 1


def test_letters_ask_nothing() -> None:
    """R-085: every month has one; none asks, calls, or remarks on a silence."""
    told = [seed_pack_letter(month) for month in range(1, 13)]
    assert all(told)
    assert len(set(told)) == 12
    assert not [text for text in told if any(sign in text for sign in "?？!！") or "ください" in text]


def seed_pack_letter(month: int) -> str:
    return Released(latest=seed_pack()).letter(datetime(2026, month, 15, 3, tzinfo=UTC))
