"""R-082: words of danger stand beside a person while somebody looks after them, and three days more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.handoff import flags
from bot.handoff import ticket as tickets
from bot.handoff.risk import Level, RiskHit
from bot.handoff.ticket import Reason, Ticket
from bot.talk import Talk

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CONTACT = "0" * 32
HIT = RiskHit(rule="S-WISH", level=Level.HIGH, category="suicide", start=0, end=2)


def opened() -> Ticket:
    return tickets.opened(None, CONTACT, 1, Reason.RISK, Level.HIGH, 1, NOW, (HIT,), desk_id="main")


def rested(at: datetime) -> Ticket:
    return tickets.hand_back(tickets.claim(opened(), "staff", NOW), "staff", at)


@given(after=st.timedeltas(timedelta(0), timedelta(days=400)))
def test_while_it_is_open_nothing_expires(after: timedelta) -> None:
    """R-082 takes nothing from somebody who still waits or is answered, however long."""
    for ticket in (opened(), tickets.claim(opened(), "staff", NOW)):
        assert flags.standing(ticket, NOW + after) == ticket


@given(after=st.timedeltas(timedelta(0), timedelta(days=400)))
def test_at_rest_it_is_gone_after_three_days_and_marks_nobody(after: timedelta) -> None:
    """R-082: from then on the person is to every step of the guide as anybody else is."""
    ticket, over = rested(NOW), after > timedelta(hours=72)
    assert flags.standing(ticket, NOW + after).hits == (() if over else (HIT,))
    talk = Talk(contact_id=CONTACT, ticket=ticket)
    assert ("grave" in talk.person(NOW + after).facts) is not over


def test_back_again_it_is_told_anew_and_nothing_old_with_it() -> None:
    """A request after that is a request: the words of then are no reason any more."""
    again = tickets.reopen(rested(NOW), Reason.REQUEST, Level.NONE, 9, NOW + timedelta(days=30))
    assert (again.hits, again.priority) == ((), Level.NONE)
