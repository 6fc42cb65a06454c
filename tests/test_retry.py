"""What follows a failed try, as a value: the whole table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ContactGone, HintSpent, Misconfigured, Rejected, SendError, Throttled, Unreachable
from bot.messages import Address, Outgoing, Purpose, Reply
from bot.runtime.retry import FIRST_WAIT, GIVE_UP_AFTER, LONGEST_WAIT, GiveUp, RetryAt, decide, wait_seconds

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
DAY = GIVE_UP_AFTER


def outgoing(*, attempt: int = 1, maybe: bool = False, age: timedelta = timedelta()) -> Outgoing:
    return Outgoing(
        contact_id="0" * 32,
        seq=1,
        address=Address(account="x", key="x"),
        reply=Reply(texts=("はい。",)),
        purpose=Purpose.BOT,
        attempt=attempt,
        queued_at=NOW - age,
        may_have_arrived=maybe,
    )


def after(seconds: float, *, maybe: bool = False) -> RetryAt:
    return RetryAt(at=NOW + timedelta(seconds=seconds), may_have_arrived=maybe)


@pytest.mark.parametrize(
    ("error", "row", "decision"),
    [
        # no usable answer: again, and it may have arrived, unless it surely did not
        (Unreachable(), outgoing(), after(0.5, maybe=True)),
        (Unreachable(may_have_arrived=False), outgoing(), after(0.5)),
        (Unreachable(may_have_arrived=False), outgoing(maybe=True), after(0.5, maybe=True)),
        (Unreachable(), outgoing(attempt=4), after(4, maybe=True)),
        (Unreachable(), outgoing(attempt=99), after(60, maybe=True)),
        # asked to slow down: as long as asked, or as for any failure
        (Throttled(), outgoing(attempt=2), after(1)),
        (Throttled(7), outgoing(attempt=2), after(7)),
        (Throttled(0), outgoing(), after(0.5)),
        (Throttled(600), outgoing(maybe=True), after(600, maybe=True)),
        # the free token is spent: at once by the other way, and known not to have arrived
        (HintSpent(), outgoing(maybe=True), after(0)),
        # our own account is wrong: somebody may mend it within the day
        (Misconfigured(), outgoing(attempt=3), after(2)),
        # for good
        (Rejected(), outgoing(), GiveUp(uncertain=False)),
        (ContactGone(), outgoing(), GiveUp(uncertain=False)),
        (Rejected(), outgoing(maybe=True), GiveUp(uncertain=True)),
        (ContactGone(), outgoing(maybe=True), GiveUp(uncertain=True)),
        # tried for a day
        (Unreachable(), outgoing(age=DAY), GiveUp(uncertain=True)),
        (Unreachable(may_have_arrived=False), outgoing(age=DAY), GiveUp(uncertain=False)),
        (Throttled(5), outgoing(age=DAY), GiveUp(uncertain=False)),
        (Throttled(5), outgoing(age=DAY, maybe=True), GiveUp(uncertain=True)),
        (HintSpent(), outgoing(age=DAY), GiveUp(uncertain=False)),
        (Misconfigured(), outgoing(age=DAY), GiveUp(uncertain=False)),
        (Unreachable(), outgoing(age=DAY - timedelta(seconds=1)), after(0.5, maybe=True)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_decision_follows_from_error_and_row(
    error: SendError, row: Outgoing, decision: RetryAt | GiveUp
) -> None:
    """When to try again and what is known by then; or that enough was tried, and whether it may have arrived."""
    assert decide(error, row, NOW) == decision


def test_every_send_error_is_decided_on() -> None:
    """The family is closed: each member is in the table above by its class."""
    assert {Unreachable, Throttled, HintSpent, Misconfigured, Rejected, ContactGone} == set(
        SendError.__subclasses__()
    )


@given(st.integers(1, 10_000))
def test_waits_double_up_to_a_minute(attempt: int) -> None:
    """Never shorter than the first, never longer than the longest, never less than before."""
    assert FIRST_WAIT <= wait_seconds(attempt) <= wait_seconds(attempt + 1) <= LONGEST_WAIT


@given(
    st.sampled_from(
        [Unreachable(), Throttled(), Throttled(3), HintSpent(), Misconfigured(), Rejected(), ContactGone()]
    ),
    st.integers(1, 50),
    st.booleans(),
    st.timedeltas(timedelta(), timedelta(days=3)),
)
def test_a_message_is_tried_for_a_day_at_most(
    error: SendError, attempt: int, maybe: bool, age: timedelta
) -> None:
    """A retryable error within the day is tried again, in time to come; all else is given up."""
    decision = decide(error, outgoing(attempt=attempt, maybe=maybe, age=age), NOW)
    assert isinstance(decision, RetryAt) is (error.retryable and age < GIVE_UP_AFTER)
    assert not isinstance(decision, RetryAt) or decision.at >= NOW
