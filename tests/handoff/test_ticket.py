"""The ticket: legal moves only, one owner at a time, never lost, never silently lowered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.errors import Conflict, IllegalMove
from bot.handoff import ticket as tickets
from bot.handoff.risk import Level, RiskHit
from bot.handoff.ticket import Reason, Status, Ticket

CONTACT = "0" * 31 + "1"
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
STAFF = ("mizuno", "hara")
levels = st.sampled_from(Level)
staff = st.sampled_from(STAFF)


def a_hit(number: int) -> RiskHit:
    return RiskHit(rule=f"R-{number}", category="suicide", level=Level.HIGH, start=0, end=1)


class TicketMoves(RuleBasedStateMachine):
    """Everything that can happen to the ticket of one contact, in any order, beside a model of three facts."""

    def __init__(self) -> None:
        super().__init__()
        self.ticket: Ticket | None = None
        self.status: Status | None = None
        self.owner: str | None = None
        self.level = Level.NONE
        self.count = 0

    @rule(reason=st.sampled_from(Reason), level=levels)
    def open(self, reason: Reason, level: Level) -> None:
        """A cry or a request: a new ticket, a raised one, or a resting one that waits again."""
        self.count += 1
        before = self.ticket
        hits = (a_hit(self.count),) if level >= Level.HIGH else ()
        now = NOW + timedelta(minutes=self.count)
        self.ticket = tickets.opened(before, CONTACT, self.count, reason, level, self.count, now, hits)
        if before is not None and before.is_open:
            self.level = max(self.level, level)
            assert self.ticket.opened_seq == before.opened_seq
        else:
            self.status, self.level, self.owner = Status.WAITING, level, None
            assert (self.ticket.reason, self.ticket.opened_at) == (reason, now)
            assert self.ticket.wishes == ()
            assert self.ticket.assignee == (before.assignee if before else None)
        assert set(hits) <= set(self.ticket.hits)

    @rule(who=staff)
    def claim(self, who: str) -> None:
        if self.status is Status.WAITING and self.ticket is not None:
            self.ticket = tickets.claim(self.ticket, who, NOW)
            self.status, self.owner = Status.ACTIVE, who
        elif self.ticket is not None:
            self.refused(tickets.claim, self.ticket, who, NOW)

    @rule(who=staff)
    def hand_back(self, who: str) -> None:
        if self.status is Status.ACTIVE and self.owner == who and self.ticket is not None:
            self.ticket = tickets.hand_back(self.ticket, who, NOW)
            self.status, self.level, self.owner = Status.RESTING, Level.NONE, None
        elif self.ticket is not None:
            self.refused(tickets.hand_back, self.ticket, who, NOW)

    @rule()
    def withdraw(self) -> None:
        if self.ticket is None:
            return
        may = self.status is Status.WAITING and self.level < Level.HIGH
        assert tickets.is_withdrawable(self.ticket) is may
        if may:
            self.ticket = tickets.withdraw(self.ticket, NOW)
            self.status, self.level = Status.RESTING, Level.NONE
        else:
            self.refused(tickets.withdraw, self.ticket, NOW)

    @rule(level=levels)
    def raise_to(self, level: Level) -> None:
        if self.ticket is not None and self.ticket.is_open:
            self.count += 1
            self.ticket = tickets.raise_to(self.ticket, level, (a_hit(self.count),))
            self.level = max(self.level, level)

    @rule()
    def reopen(self) -> None:
        if self.ticket is not None and self.status is not Status.RESTING:
            self.refused(tickets.reopen, self.ticket, Reason.REQUEST, Level.NONE, 1, NOW)

    def refused(self, move: object, *arguments: object) -> None:
        """An illegal move raises, and the value it was asked of is as it was."""
        before = self.ticket
        with pytest.raises(IllegalMove):
            move(*arguments)  # type: ignore[operator]
        assert self.ticket == before

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        """Status, urgency and owner agree; once there, the ticket is never gone; its hits stay few."""
        if self.ticket is None:
            assert self.status is None
            return
        assert (self.ticket.status, self.ticket.priority) == (self.status, self.level)
        assert self.ticket.is_open is (self.status is not Status.RESTING)
        if self.status is Status.ACTIVE:
            assert self.ticket.assignee == self.owner
            assert self.ticket.claimed_at is not None
        if self.status is Status.WAITING:
            assert self.ticket.claimed_at is None
        assert len(self.ticket.hits) <= 20
        assert self.ticket.contact_id == CONTACT


TestTicketMoves = TicketMoves.TestCase


def test_the_second_to_claim_is_told_that_somebody_was_first() -> None:
    """Two hands, one conversation: the first has it, for the second it is a conflict."""
    waiting = tickets.opened(None, CONTACT, 3, Reason.REQUEST, Level.NONE, 7, NOW)
    claimed = tickets.claim(waiting, "mizuno", NOW)
    with pytest.raises(Conflict):
        tickets.claim(claimed, "hara", NOW)
    assert claimed.assignee == "mizuno"


def test_a_turn_computed_twice_opens_the_same_ticket() -> None:
    """The id follows from contact and revision, so a lost race that is computed again makes no second ticket."""
    first = tickets.ticket_id(CONTACT, 3)
    assert first == tickets.ticket_id(CONTACT, 3)
    assert len({first, tickets.ticket_id(CONTACT, 4), tickets.ticket_id("f" * 32, 3)}) == 3


def test_the_last_twenty_hits_are_kept_once_each() -> None:
    """However many cries, what is pinned above the thread stays short; nothing stands there twice."""
    ticket = tickets.opened(None, CONTACT, 1, Reason.RISK, Level.HIGH, 1, NOW)
    for number in (*range(30), *range(25, 30)):
        ticket = tickets.raise_to(ticket, Level.CONCERN, (a_hit(number),))
    assert [hit.rule for hit in ticket.hits] == [f"R-{number}" for number in range(10, 30)]
    assert ticket.priority is Level.HIGH
