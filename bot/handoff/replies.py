"""What a counselor writes: kept as a draft, sent now, sent later, or taken back before it left.

What is to leave later lies in the database until it does, so that no crash loses it. It never leaves once somebody
else has the conversation, nor when words of danger came meanwhile: whoever wrote it has not read those.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.content.pack import Released
from bot.conversation import RISK_UNANSWERED
from bot.errors import BadInput, Conflict, NotAllowed, NotFound, StoreUnavailable
from bot.flows import effects as fx
from bot.flows.content import Hit
from bot.frozen import dataclass, replace
from bot.handoff import outgoing, routing
from bot.handoff import ticket as tickets
from bot.handoff.access import Access
from bot.handoff.risk import highest
from bot.handoff.ticket import Ticket
from bot.messages import Purpose, Reply
from bot.report import measures
from bot.runtime.live import News
from bot.store import dedupe, drafts, scheduled, staff, timeline
from bot.store.conversations import Loaded
from bot.store.scheduled import Due, Words
from bot.store.staff import Member
from bot.talk import Talk

MAX_REPLY = 5_000
LOOK_EVERY = 1.0  # seconds
LATEST = timedelta(days=7)
"""How far ahead words can be written."""
TOO_LATE = timedelta(hours=1)
"""Words that could not leave for this long, e.g. because nothing ran, are not sent by themselves any more."""
HELD = timedelta(seconds=10)  # how long words wait at least from when the way to take them back has the focus
MOST_SCHEDULED = 10

log = structlog.get_logger("replies")


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a reply goes out: without a sound, with a line that no answer is needed, with the card of a place or date;
    `at` a time, else now."""

    quiet: bool = False
    no_answer: bool = False
    entry_id: str = ""
    at: datetime | None = None


AS_USUAL = How()


class Replies(Access):
    """Writing to the person."""

    async def save_draft(self, member: Member, ticket_id: str, text: str) -> None:
        """Keeps what this member is writing, sealed, until it is sent. Raises as `reply` does."""
        if len(text) > MAX_REPLY:
            raise BadInput(f"At most {MAX_REPLY} characters can be sent at once.")
        await self._database.write(self._save_draft, member, ticket_id, text)

    async def reply(
        self, member: Member, ticket_id: str, text: str, reply_id: str, how: How = AS_USUAL
    ) -> None:
        """Writes to the person, once per `reply_id`, and forgets the draft.

        Words wait where the member asked for that in their settings, or named a time; not with somebody in danger.
        Raises NotAllowed unless the conversation is this member's.
        """
        text = text.strip()
        if not text and not how.entry_id:
            raise BadInput("Nothing is written.")
        if len(text) > MAX_REPLY:
            raise BadInput(f"At most {MAX_REPLY} characters can be sent at once.")
        await self._write(self._reply, member, ticket_id, text, reply_id, how)

    async def take_back(self, member: Member, ticket_id: str, number: int) -> None:
        """What has not left yet is a draft again. Raises NotFound once it has left."""
        await self._write(self._take_back, member, ticket_id, number)

    async def hold(self, member: Member, ticket_id: str, number: int) -> None:
        """Whoever is about to take it back gets the time to: it leaves `HELD` from now at the earliest.

        Raises NotFound once it has left, NotAllowed where somebody is in danger.
        """
        await self._write(self._hold, member, ticket_id, number)

    async def send_due(self) -> None:
        """Sends what was to leave by now. What cannot leave as it stands is kept for whoever wrote it."""
        try:
            first, now = await self._database.read(scheduled.next_due), self._clock.now()
            if first is None or first > now:
                return
            for due in await self._database.read(scheduled.due, now):
                await self._send_one(due)
        except StoreUnavailable:
            log.warning("store_unavailable", worker="replies")

    async def _send_one(self, due: Due) -> None:
        try:
            self._hub.spread(await self._database.write(self._leave_now, due))
        except Conflict:  # the person wrote in this very moment: looked at again in a second
            log.info("lost_race", worker="replies")

    # --- in store threads ---

    def _save_draft(self, connection: Connection, member: Member, ticket_id: str, text: str) -> None:
        loaded, _ = self._kept(connection, member, ticket_id)
        drafts.save(connection, loaded, member.staff_id, text, self._clock.now())

    def _reply(
        self, connection: Connection, member: Member, ticket_id: str, text: str, reply_id: str, how: How
    ) -> News:
        loaded, ticket = self._kept(connection, member, ticket_id)
        now = self._clock.now()
        if not dedupe.first_time(
            connection, self._sealer, member.operator_id, f"reply/{ticket_id}", reply_id, now
        ):
            return News()
        words = Words(text=text, quiet=how.quiet, no_answer=how.no_answer, entry_id=how.entry_id)
        self._check(connection, member, loaded.talk, ticket, now)
        due_at = self._due_at(connection, member, ticket, how, now)
        drafts.drop(connection, loaded.contact_id, member.staff_id)
        if due_at is None:
            return self._send(connection, member, loaded, ticket, words, now)
        self._said(connection, words, now)  # a place that is not there any more is told now
        if len(scheduled.of(connection, loaded)) >= MOST_SCHEDULED:
            raise BadInput("There are ten that have not left yet. Take one of them back first.")
        scheduled.add(connection, loaded, member.staff_id, due_at, words)
        return self._commit(connection, loaded, loaded.talk, (fx.Relay(),), member, now)

    def _due_at(
        self, connection: Connection, member: Member, ticket: Ticket, how: How, now: datetime
    ) -> datetime | None:
        """When the words leave; None for now."""
        if how.at is not None:
            if is_urgent(ticket):
                raise NotAllowed("Somebody is in danger here: what you write goes at once.")
            if not now < how.at <= now + LATEST:
                raise BadInput("Choose a time from now on, within a week.")
            return how.at
        seconds = staff.settings(connection, member.staff_id).undo_seconds
        return now + timedelta(seconds=seconds) if seconds and not is_urgent(ticket) else None

    def _check(
        self, connection: Connection, member: Member, talk: Talk, ticket: Ticket, now: datetime
    ) -> None:
        """Raises NotAllowed while nobody may write (R-028, R-030, R-090)."""
        if tickets.must_see(ticket, member.staff_id):
            raise NotAllowed("First confirm that you have seen how they would like it to go.")
        if talk.quiet:
            raise NotAllowed("They asked to be left alone. You can write again when they do.")
        service = self._library.released(connection).latest.service
        pause = timedelta(days=service.again_after_days)
        if outgoing.allowed_from(talk.unanswered, now, service.unanswered, pause) > now:
            raise NotAllowed("Your last words are unanswered. Leave them time; you can write again later.")

    def _send(
        self,
        connection: Connection,
        member: Member,
        loaded: Loaded,
        ticket: Ticket,
        words: Words,
        now: datetime,
    ) -> News:
        talk = replace(
            loaded.talk,
            unanswered=outgoing.with_attempt(loaded.talk.unanswered, now),
            ticket=replace(ticket, promised_at=None),
        )
        said = fx.Say(reply=self._said(connection, words, now), purpose=Purpose.COUNSELOR)
        effects: tuple[fx.Effect, ...] = (said, fx.CancelWake(reason=RISK_UNANSWERED), fx.Relay())
        if not timeline.is_answered(connection, loaded.contact_id, ticket.opened_seq):
            effects += (measures.first_reply(ticket.priority, now - ticket.opened_at),)
        return self._commit(connection, loaded, talk, effects, member, now)

    def _said(self, connection: Connection, words: Words, now: datetime) -> Reply:
        released: Released = self._library.released(connection)
        card = released.card(Hit(id=words.entry_id, kind="place"), now) if words.entry_id else None
        if words.entry_id and card is None:
            raise BadInput("This place is not in the lists any more.")
        more = released.text("reply_not_needed") if words.no_answer else ()
        texts = (*([words.text] if words.text else []), *more)
        return Reply(texts=texts, cards=(card,) if card else (), silent=words.quiet)

    def _take_back(self, connection: Connection, member: Member, ticket_id: str, number: int) -> News:
        loaded, _ = self._kept(connection, member, ticket_id)
        mine = (one for one in scheduled.of(connection, loaded) if one.staff_id == member.staff_id)
        found = next((one for one in mine if one.number == number), None)
        if found is None:
            raise NotFound
        now = self._clock.now()
        scheduled.drop(connection, loaded.contact_id, number)
        written = drafts.read(connection, loaded, member.staff_id).strip()
        text = "\n\n".join(part for part in (found.words.text, written) if part)
        drafts.save(connection, loaded, member.staff_id, text[:MAX_REPLY], now)
        return self._commit(connection, loaded, loaded.talk, (fx.Relay(),), member, now)

    def _hold(self, connection: Connection, member: Member, ticket_id: str, number: int) -> News:
        loaded, ticket = self._kept(connection, member, ticket_id)
        if is_urgent(ticket):
            raise NotAllowed("Somebody is in danger here: what you write goes at once.")
        mine = (one for one in scheduled.of(connection, loaded) if one.staff_id == member.staff_id)
        found = next((one for one in mine if one.number == number and not one.stopped), None)
        if found is None:
            raise NotFound
        until = self._clock.now() + HELD
        if found.due_at < until:
            scheduled.put_off(connection, loaded.contact_id, number, until)
        return News({loaded.contact_id})

    def _leave_now(self, connection: Connection, due: Due) -> News:
        """One of them leaves, or is stopped; both under the contact's lock, so that it leaves once."""
        now = self._clock.now()
        member = staff.by_id(connection, due.operator_id, due.staff_id)
        try:
            if member is None:
                raise NotFound
            loaded, ticket = self._kept(connection, member, due.ticket_id)
        except (NotFound, NotAllowed):  # somebody else has the conversation, or who wrote it is gone
            scheduled.drop(connection, due.contact_id, due.number)
            return News({due.contact_id})
        found = next((one for one in scheduled.of(connection, loaded) if one.number == due.number), None)
        if found is None or found.stopped or found.due_at > now:  # it left, or was taken back
            return News()
        try:
            if is_urgent(ticket) or now - found.due_at > TOO_LATE:
                raise NotAllowed
            self._check(connection, member, loaded.talk, ticket, now)
            self._said(connection, found.words, now)
        except (NotAllowed, BadInput):
            scheduled.stop(connection, due.contact_id, due.number)
            return self._commit(connection, loaded, loaded.talk, (fx.Relay(),), member, now)
        scheduled.drop(connection, due.contact_id, due.number)
        return self._send(connection, member, loaded, ticket, found.words, now)


def is_urgent(ticket: Ticket) -> bool:
    """Whether somebody is in danger here, or was since they came."""
    return max(ticket.priority, highest(ticket.hits)) >= routing.URGENT
