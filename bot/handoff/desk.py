"""What counselors do: see, answer, hand back. Every move goes through the same commit as the bot's turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from bot.conversation import RISK_UNANSWERED, take_turn
from bot.errors import BadInput, NotAllowed
from bot.flows import effects as fx
from bot.flows.content import Hit
from bot.handoff import outgoing
from bot.handoff import ticket as tickets
from bot.handoff.access import ANSWERS, SEES_ALL
from bot.handoff.follow_ups import FollowUps
from bot.handoff.lines import Lines
from bot.handoff.passing import Passing
from bot.handoff.records import Records
from bot.handoff.risk import LEVELS
from bot.handoff.side_panel import SidePanel, side_panel
from bot.handoff.ticket import Ticket
from bot.messages import Purpose, Reply
from bot.report import measures
from bot.runtime.live import News
from bot.store import dedupe, drafts, hints, reviews, timeline
from bot.store import tickets as ticket_store
from bot.store.reviews import Review
from bot.store.staff import Member
from bot.store.timeline import Line
from bot.talk import HandedBack, Mode

__all__ = ["ANSWERS", "MAX_REPLY", "SEES_ALL", "Desk", "How", "Thread"]

MAX_REPLY = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A ticket with what its keeper may see: the thread from the handoff on, and what was `handed` over before.

    `lines` may be a part of it; `has_older` tells that there are more before them. `free_until`: until when an answer
    costs no push. `draft` is what this member was writing. `must_confirm`: there are wishes this member has to see
    before they can write (R-030). `panel`: what stands beside it.
    """

    ticket: Ticket
    nickname: str
    account_id: str
    reachable: bool
    mode: Mode
    keeper: str | None
    lines: Sequence[Line]
    handed: Sequence[Line] = ()
    has_older: bool = False
    free_until: datetime | None = None
    draft: str = field(default="", repr=False)
    must_confirm: bool = False
    panel: SidePanel = field(default_factory=SidePanel)


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a reply goes out: without a sound, with a line that no answer is needed, with the card of a place or date."""

    quiet: bool = False
    no_answer: bool = False
    entry_id: str = ""


AS_USUAL = How()


class Desk(Lines, Passing, FollowUps, Records):
    """The service behind the console."""

    async def thread(
        self, member: Member, ticket_id: str, *, since: int = 0, before: int | None = None, most: int = 200
    ) -> Thread:
        """Raises NotFound for tickets this member may not see, existing or not alike.

        `since` and `before` are places in the thread (`before` is left out); never from before the handoff.
        """
        await self._trail.note(member, "read", self._clock.now(), ticket_id)
        read = partial(self._thread, since=since, before=before, most=most)
        return await self._database.read(read, member, ticket_id)

    async def save_draft(self, member: Member, ticket_id: str, text: str) -> None:
        """Keeps what this member is writing, sealed, until it is sent. Raises as `reply` does."""
        if len(text) > MAX_REPLY:
            raise BadInput(f"At most {MAX_REPLY} characters can be sent at once.")
        await self._database.write(self._save_draft, member, ticket_id, text)

    async def reply(
        self, member: Member, ticket_id: str, text: str, reply_id: str, how: How = AS_USUAL
    ) -> None:
        """Writes to the person, once per `reply_id`, and forgets the draft.

        Raises NotAllowed unless the conversation is this member's.
        """
        text = text.strip()
        if not text and not how.entry_id:
            raise BadInput("Nothing is written.")
        if len(text) > MAX_REPLY:
            raise BadInput(f"At most {MAX_REPLY} characters can be sent at once.")
        await self._write(self._reply, member, ticket_id, text, reply_id, how)

    async def hand_back(self, member: Member, ticket_id: str) -> None:
        """Gives the thread back to the machine, which goes on where it was."""
        await self._write(self._hand_back, member, ticket_id)

    async def review(self, member: Member, ticket_id: str, review: Review) -> None:
        """Notes a false alarm or a miss of the risk rules for the review list: rules, level, category; no text.

        Raises BadInput for a verdict or level there is none of, NotFound for tickets this member may not see.
        """
        if review.verdict not in reviews.VERDICTS:
            raise BadInput(f"A review is one of {', '.join(reviews.VERDICTS)}.")
        if review.level and review.level not in LEVELS:
            raise BadInput(f"A level is one of {', '.join(LEVELS)}.")
        await self._noted(self._review, member, ticket_id, review)

    async def reviews(self, member: Member) -> list[tuple[date, Review]]:
        """The review list, newest first. Raises NotAllowed for who neither answers nor edits."""
        if member.role not in ANSWERS | {"editor"}:
            raise NotAllowed("Only who answers or edits sees the review list.")
        return await self._database.read(reviews.latest, self._sealer, member.operator_id)

    # --- in store threads ---

    def _thread(
        self,
        connection: Connection,
        member: Member,
        ticket_id: str,
        *,
        since: int,
        before: int | None,
        most: int,
    ) -> Thread:
        loaded, ticket = self._access(connection, member, ticket_id, lock=False)
        first = max(since, ticket.opened_seq)
        found = timeline.lines(connection, loaded, after=first - 1, before=before, limit=most + 1)
        lines, older = found[-most:], len(found) > most or (bool(found) and first > ticket.opened_seq)
        handed = timeline.at(connection, loaded, [seq for seq in ticket.handed if seq < ticket.opened_seq])
        keeper = ticket_store.keeper(connection, ticket.assignee)
        return Thread(
            ticket=ticket,
            nickname=loaded.nickname,
            account_id=loaded.account_id,
            reachable=loaded.reachable,
            mode=loaded.talk.mode,
            keeper=keeper,
            lines=lines,
            handed=handed,
            has_older=older,
            free_until=hints.good_until(connection, loaded.contact_id, self._clock.now()),
            draft=drafts.read(connection, loaded, member.staff_id),
            must_confirm=ticket.keeper == member.staff_id and tickets.must_see(ticket, member.staff_id),
            panel=side_panel(connection, loaded, ticket, member, self._clock.now()),
        )

    def _save_draft(self, connection: Connection, member: Member, ticket_id: str, text: str) -> None:
        loaded, _ = self._kept(connection, member, ticket_id)
        drafts.save(connection, loaded, member.staff_id, text, self._clock.now())

    def _review(self, connection: Connection, member: Member, ticket_id: str, review: Review) -> None:
        _, ticket = self._access(connection, member, ticket_id, lock=False)
        if review.verdict == reviews.FALSE_ALARM and not review.rules:
            review = replace(review, rules=tuple(dict.fromkeys(hit.rule for hit in ticket.hits)))
        reviews.add(connection, self._sealer, member.operator_id, self._clock.now().date(), review)

    def _reply(
        self, connection: Connection, member: Member, ticket_id: str, text: str, reply_id: str, how: How
    ) -> News:
        loaded, ticket = self._kept(connection, member, ticket_id)
        now = self._clock.now()
        if not dedupe.first_time(
            connection, self._sealer, member.operator_id, f"reply/{ticket_id}", reply_id, now
        ):
            return News()
        if tickets.must_see(ticket, member.staff_id):
            raise NotAllowed("First confirm that you have seen how they would like it to go.")
        talk = loaded.talk
        if talk.quiet:
            raise NotAllowed("They asked to be left alone. You can write again when they do.")
        service = self._library.released(connection).latest.service
        pause = timedelta(days=service.again_after_days)
        if outgoing.allowed_from(talk.unanswered, now, service.unanswered, pause) > now:
            raise NotAllowed("Your last words are unanswered. Leave them time; you can write again later.")
        talk = replace(
            talk,
            unanswered=outgoing.with_attempt(talk.unanswered, now),
            ticket=replace(ticket, promised_at=None),
        )
        drafts.drop(connection, loaded.contact_id, member.staff_id)
        said = fx.Say(reply=self._said(connection, text, how, now), purpose=Purpose.COUNSELOR)
        effects: tuple[fx.Effect, ...] = (said, fx.CancelWake(reason=RISK_UNANSWERED), fx.Relay())
        if not timeline.is_answered(connection, loaded.contact_id, ticket.opened_seq):
            effects += (measures.first_reply(ticket.priority, now - ticket.opened_at),)
        return self._commit(connection, loaded, talk, effects, member, now)

    def _said(self, connection: Connection, text: str, how: How, now: datetime) -> Reply:
        released = self._library.released(connection)
        card = released.card(Hit(id=how.entry_id, kind="place"), now) if how.entry_id else None
        if how.entry_id and card is None:
            raise BadInput("This place is not in the lists any more.")
        more = released.text("reply_not_needed") if how.no_answer else ()
        texts = (*([text] if text else []), *more)
        return Reply(texts=texts, cards=(card,) if card else (), silent=how.quiet)

    def _hand_back(self, connection: Connection, member: Member, ticket_id: str) -> News:
        loaded, ticket = self._access(connection, member, ticket_id, lock=True)
        now = self._clock.now()
        rested = replace(loaded.talk, ticket=tickets.hand_back(ticket, member.staff_id, now), quiet=False)
        pinned = [loaded.talk.session.release] if loaded.talk.session else []
        released = self._library.released(connection, pinned)
        turn = take_turn(released, released.rules, rested, HandedBack(), now)
        self._care(connection, member.operator_id, ticket, now)
        effects = (fx.Mark(marker="handed_back"), *turn.effects, fx.RestTicket())
        return self._commit(connection, loaded, turn.talk, effects, member, now)
