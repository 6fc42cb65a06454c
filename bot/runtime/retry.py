"""What follows a failed try, as a value. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.errors import HintSpent, SendError, Throttled, Unreachable
from bot.frozen import dataclass
from bot.messages import Outgoing

GIVE_UP_AFTER = timedelta(hours=24)  # also how long LINE keeps a retry key
FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Try again then; `may_have_arrived` is kept until a try has a clear outcome."""

    at: datetime
    may_have_arrived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Tried enough. `uncertain`: it may have arrived; else it did not."""

    uncertain: bool


def wait_seconds(attempt: int) -> float:
    """Doubling from half a second up to a minute."""
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 10)))


def decide(error: SendError, outgoing: Outgoing, now: datetime) -> RetryAt | GiveUp:
    """What to do after this error on this try."""
    may_have_arrived = outgoing.may_have_arrived
    if isinstance(error, Unreachable):
        may_have_arrived = may_have_arrived or error.may_have_arrived
    if not error.retryable or now - outgoing.queued_at >= GIVE_UP_AFTER:
        return GiveUp(uncertain=may_have_arrived)
    if isinstance(error, HintSpent):
        return RetryAt(at=now, may_have_arrived=False)
    wait = wait_seconds(outgoing.attempt)
    if isinstance(error, Throttled) and error.retry_after is not None:
        wait = max(error.retry_after, FIRST_WAIT)
    return RetryAt(at=now + timedelta(seconds=wait), may_have_arrived=may_have_arrived)
