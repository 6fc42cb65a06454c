"""Everything that can happen to one conversation, in any order: the talk, its ticket and who may write (R-086).

Beside the model run the promises that must hold whatever comes: one owner at most, always somebody responsible,
nothing of the machine's while a person has the thread, nothing outgoing beyond the limit, no refused hand.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.content.pack import Released
from bot.conversation import take_turn
from bot.errors import IllegalMove
from bot.flows import effects as fx
from bot.handoff import outgoing
from bot.handoff import ticket as tickets
from bot.handoff.risk import Level
from bot.handoff.ticket import MOVES, Act, Status, Ticket
from bot.messages import Address, Inbound, Kind, Purpose
from bot.talk import Event, HandedBack, Heard, Mode, Talk, WokeUp
from tests.strategies import reread, seed_pack

CONTACT = "0" * 31 + "1"
STAFF = ("mizuno", "hara", "ito")
DESKS = ("main", "south")
HERE = Address(account="a", key="")
MODES = {None: Mode.BOT, Status.RESTING: Mode.BOT, Status.WAITING: Mode.WAITING, Status.ACTIVE: Mode.HUMAN}
OWED = {Purpose.SAFETY, Purpose.HIDE, Purpose.STOP, Purpose.RECEIPT, Purpose.MOVE}
staff = st.sampled_from(STAFF)


class Desk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.released = Released(latest=seed_pack())
        self.now = datetime(2026, 11, 20, 9, tzinfo=UTC)
        self.talk = Talk(contact_id=CONTACT)
        self.seq = 0
        self.due: dict[str, datetime] = {}
        self.gone: set[str] = set()
        self.written: list[datetime] = []
        self.answered_at: datetime | None = None

    @property
    def ticket(self) -> Ticket | None:
        return self.talk.ticket

    # --- the person ---

    @rule(text=st.sampled_from(["こんにちは", "死にたい", "もう消えたい", "いまから死ぬ", "1", "やめる"]))
    def says(self, text: str) -> None:
        self.written = []
        self._hears(Kind.TEXT, text=text)

    @rule()
    def asks_for_a_person(self) -> None:
        self.written = []
        self._hears(Kind.CHOICE, choice_id="exit/person")
        if self.talk.mode is Mode.BOT:
            self._hears(Kind.TEXT, text="このまま渡す")

    @rule()
    def takes_it_back(self) -> None:
        self._hears(Kind.CHOICE, choice_id="nav/withdraw")

    @rule(minutes=st.integers(-30, 60 * 24 * 20))
    def time_passes(self, minutes: int) -> None:
        """Also backwards, as clocks do."""
        self.now += timedelta(minutes=minutes)
        for reason, at in sorted(self.due.items()):
            if at <= self.now:
                del self.due[reason]
                self.seq += 1
                self._turn(WokeUp(reason=reason, seq=self.seq))

    def _hears(self, kind: Kind, *, text: str = "", choice_id: str = "") -> None:
        self.seq += 1
        inbound = Inbound(
            address=HERE, dedupe_key="", sent_at=self.now, kind=kind, text=text, choice_id=choice_id
        )
        self._turn(Heard(inbound=inbound, seq=self.seq))

    def _turn(self, event: Event) -> None:
        before = self.talk.mode
        turn = take_turn(self.released, self.released.rules, self.talk, event, self.now)
        for effect in turn.effects:
            if isinstance(effect, fx.Say) and before is Mode.HUMAN and turn.talk.mode is Mode.HUMAN:
                assert effect.purpose in OWED, "the machine spoke while a person had the thread"
            if isinstance(effect, fx.WakeAt):
                self.due[effect.reason] = effect.at
            if isinstance(effect, fx.CancelWake):
                self.due.pop(effect.reason, None)
        self.talk = reread(turn.talk)

    # --- staff ---

    def _move(self, ticket: Ticket) -> None:
        assert len(ticket.moves) <= tickets.MAX_MOVES
        last = ticket.moves[-1]
        assert last.by
        assert last.why
        self.talk = reread(replace(self.talk, ticket=ticket, mode=MODES[ticket.status]))

    def _try(self, act: Act, move: object, *arguments: object) -> None:
        """Makes a move if the drawing allows it; else it raises, and nothing changes."""
        before = self.ticket
        if before is None:
            return
        try:
            after = move(before, *arguments)  # type: ignore[operator]
        except IllegalMove:
            assert self.ticket == before
            return
        assert before.status in MOVES[act]
        assert after.status in (MOVES[act][before.status], before.status)
        self._move(after)

    @rule(who=staff)
    def claim(self, who: str) -> None:
        if who not in self.gone:
            self._try(Act.CLAIM, tickets.claim, who, self.now)

    @precondition(lambda self: self.ticket is not None and self.ticket.status is Status.ACTIVE)
    @rule(who=staff)
    def a_second_claim_never_wins(self, who: str) -> None:
        assert self.ticket is not None
        with pytest.raises(IllegalMove):
            tickets.claim(self.ticket, who, self.now)

    @rule(who=staff)
    def release(self, who: str) -> None:
        self._try(Act.RELEASE, tickets.release, who, self.now, "end of the shift")

    @rule(who=staff, to=staff)
    def pass_on(self, who: str, to: str) -> None:
        if to not in self.gone:
            self._try(Act.PASS_ON, tickets.pass_on, who, to, self.now, "they know each other")

    @rule(who=staff, desk=st.sampled_from(DESKS))
    def send_on(self, who: str, desk: str) -> None:
        self._try(Act.SEND_ON, tickets.send_on, who, desk, self.now, "they agreed")

    @rule(who=staff)
    def stands_in(self, who: str) -> None:
        """As the desk does it: not who has it, not who was refused, not who is gone (R-106)."""
        ticket = self.ticket
        if ticket is not None and who not in {*self.gone, *ticket.refused, ticket.keeper}:
            self.talk = reread(replace(self.talk, ticket=replace(ticket, stand_in=who)))

    @precondition(lambda self: self.ticket is not None and self.ticket.status is Status.ACTIVE)
    @rule(minutes=st.integers(1, 600))
    def promises(self, minutes: int) -> None:
        ticket = self.ticket
        assert ticket is not None
        at = self.now + timedelta(minutes=minutes)
        self.talk = reread(replace(self.talk, ticket=replace(ticket, promised_at=at)))

    @rule(who=staff)
    def refuse(self, who: str) -> None:
        self._try(Act.REFUSE, tickets.refuse, who, self.now)

    @rule(who=staff, level=st.sampled_from(Level))
    def lower(self, who: str, level: Level) -> None:
        self._try(Act.LOWER, tickets.lower, who, level, self.now, "it was a song")

    @rule(who=staff)
    def leaves(self, who: str) -> None:
        if self.ticket is not None and len(self.gone) < 2:
            self.gone.add(who)
            self._move(tickets.leaves(self.ticket, who, "lead", self.now))

    @rule(who=staff)
    def hand_back(self, who: str) -> None:
        before = self.ticket
        if before is None or before.keeper != who:
            return
        self.talk = replace(self.talk, ticket=tickets.hand_back(before, who, self.now), quiet=False)
        self._turn(HandedBack())

    @precondition(lambda self: self.talk.mode is Mode.HUMAN)
    @rule()
    def writes(self) -> None:
        """Whatever staff try: never over a wish to be left alone, and once without an answer."""
        pause = timedelta(days=14)
        if self.talk.quiet or outgoing.allowed_from(self.talk.unanswered, self.now, 1, pause) > self.now:
            return
        self.talk = replace(self.talk, unanswered=outgoing.with_attempt(self.talk.unanswered, self.now))
        self.written.append(self.now)

    # --- what holds always ---

    @invariant()
    def the_mode_is_the_ticket(self) -> None:
        assert self.talk.mode is MODES[self.ticket.status if self.ticket else None]

    @invariant()
    def one_owner_and_somebody_responsible(self) -> None:
        ticket = self.ticket
        if ticket is None:
            return
        if ticket.is_open:
            assert tickets.responsible(ticket)
        assert (ticket.keeper is not None) is (ticket.status is Status.ACTIVE)
        assert ticket.keeper not in {*ticket.refused, *self.gone}
        assert not {ticket.assignee, ticket.stand_in} & self.gone
        assert ticket.stand_in not in ticket.refused
        assert ticket.moves[-1].at is not None
        if ticket.status is Status.RESTING:
            assert ticket.promised_at is None, "a promise without anybody to keep it"
        assert ticket.status is Status.RESTING or ticket.opened_at is not None
        if ticket.status is Status.RESTING:
            assert ticket.priority is Level.NONE

    @invariant()
    def never_too_much_unanswered(self) -> None:
        """Since the person last wrote, at most one sitting, then one a fortnight."""
        sittings: list[datetime] = []
        for at in self.written:
            if not sittings or abs(at - sittings[-1]) >= outgoing.ONE_SITTING:
                sittings.append(at)
        for earlier, later in itertools.pairwise(sittings):
            assert later - earlier >= timedelta(days=14)


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=80, stateful_step_count=40)


def test_the_drawing_is_the_machine() -> None:
    """docs/desk.md lists exactly the moves there are."""
    from tests.house import ROOT

    rows = [
        line.strip("| \n").split(" | ")[:3]
        for line in (ROOT / "docs/desk.md").read_text("utf-8").splitlines()
        if line.startswith("| `")
    ]
    drawn = {(act.strip("`"), before, after) for act, before, after in rows}
    known = {
        (act.value, before.value if before else "—", after.value)
        for act, ways in MOVES.items()
        for before, after in ways.items()
    }
    assert drawn == known


def test_a_move_without_a_reason_is_none() -> None:
    """Who, when and why stand in every move."""
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    waiting = tickets.opened(None, CONTACT, 1, tickets.Reason.REQUEST, Level.NONE, 1, now, desk_id="main")
    active = tickets.claim(waiting, "mizuno", now)
    with pytest.raises(IllegalMove):
        tickets.release(active, "mizuno", now, "  ")
    with pytest.raises(IllegalMove):
        tickets.release(active, "", now, "a break")
    released = tickets.release(active, "mizuno", now, "a break")
    assert [(move.act, move.by) for move in released.moves] == [
        (Act.OPEN, tickets.GUIDE),
        (Act.CLAIM, "mizuno"),
        (Act.RELEASE, "mizuno"),
    ]


def test_a_promise_outlives_who_made_it() -> None:
    """Whoever goes on has to keep what the person was told; another desk and a new wait begin without."""
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    waiting = tickets.opened(None, CONTACT, 1, tickets.Reason.REQUEST, Level.NONE, 1, now, desk_id="main")
    kept = replace(tickets.claim(waiting, "mizuno", now), promised_at=now + timedelta(hours=1))
    assert tickets.release(kept, "mizuno", now, "left").promised_at == kept.promised_at
    assert tickets.send_on(kept, "mizuno", "south", now, "agreed").promised_at is None
    rested = tickets.hand_back(kept, "mizuno", now)
    assert rested.promised_at is None
