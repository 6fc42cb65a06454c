"""What counselors do: claim, reply, hand back. Every move goes through the same commit as the bot's turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial

from sqlalchemy import Connection

from bot.clock import Clock
from bot.content.library import Library
from bot.content.pack import Released
from bot.conversation import RISK_UNANSWERED, take_turn
from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.flows import effects as fx
from bot.flows.content import Hit
from bot.handoff import ticket as tickets
from bot.handoff.risk import LEVELS
from bot.handoff.ticket import Status, Ticket
from bot.messages import Purpose, Reply
from bot.runtime import commit
from bot.runtime.commit import Change, Deed, House
from bot.runtime.live import Hub, News
from bot.store import conversations, dedupe, drafts, hints, queue, reviews, timeline
from bot.store import tickets as ticket_store
from bot.store.conversations import Loaded
from bot.store.database import Database
from bot.store.queue import Numbers, Place, Wanted
from bot.store.reviews import Review
from bot.store.sealed import Sealer
from bot.store.staff import Member
from bot.store.tickets import Waiting
from bot.store.timeline import Line
from bot.talk import HandedBack, Mode, Talk

MAX_REPLY = 5_000
SEES_ALL = frozenset({"lead", "operator"})
ANSWERS = frozenset({"counselor", "lead", "operator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A ticket with what its keeper may see: the thread from the handoff on, and what was `handed` over before.

    `lines` may be a part of it; `has_older` tells that there are more before them. `free_until`: until when an answer
    costs no push. `draft` is what this member was writing.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a reply goes out: without a sound, with a line that no answer is needed, with the card of a place or date."""

    quiet: bool = False
    no_answer: bool = False
    entry_id: str = ""


AS_USUAL = How()


class Desk:
    """The service behind the console."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        library: Library,
        clock: Clock,
        sealer: Sealer,
        house: Callable[[Released], House],
    ) -> None:
        self._database, self._hub, self._library, self._clock = database, hub, library, clock
        self._sealer, self._house = sealer, house

    async def queue(self, member: Member, status: Status, *, mine: bool = False) -> list[Waiting]:
        assignee = member.staff_id if mine else None
        return await self._database.read(
            ticket_store.queue, self._sealer, member.operator_id, status, assignee
        )

    async def counts(self, member: Member) -> dict[str, int]:
        return await self._database.read(ticket_store.counts, member.operator_id)

    async def page(
        self,
        member: Member,
        status: Status,
        *,
        mine: bool = False,
        team: bool = False,
        desk_id: str = "",
        account_id: str = "",
        after: Place | None = None,
    ) -> list[Waiting]:
        """A page of the queue by keyset; one line more than a page tells that it goes on. `team`: all but mine."""
        wanted = Wanted(
            operator_id=member.operator_id,
            status=status,
            keeper=member.staff_id if mine else "",
            beside=member.staff_id if team else "",
            desk_id=desk_id,
            account_id=account_id,
        )
        return await self._database.read(queue.page, self._sealer, wanted, after, queue.PAGE + 1)

    async def numbers(self, member: Member, *, desk_id: str = "", account_id: str = "") -> Numbers:
        """How many there are in each group."""
        all_ = member.role in SEES_ALL
        read = partial(queue.numbers, sees_all=all_, desk_id=desk_id, account_id=account_id)
        return await self._database.read(read, member.operator_id, member.staff_id)

    async def thread(
        self, member: Member, ticket_id: str, *, since: int = 0, before: int | None = None, most: int = 200
    ) -> Thread:
        """Raises NotFound for tickets this member may not see, existing or not alike.

        `since` and `before` are places in the thread (`before` is left out); never from before the handoff.
        """
        read = partial(self._thread, since=since, before=before, most=most)
        return await self._database.read(read, member, ticket_id)

    async def save_draft(self, member: Member, ticket_id: str, text: str) -> None:
        """Keeps what this member is writing, sealed, until it is sent. Raises as `reply` does."""
        if len(text) > MAX_REPLY:
            raise BadInput(f"At most {MAX_REPLY} characters can be sent at once.")
        await self._database.write(self._save_draft, member, ticket_id, text)

    async def claim(self, member: Member, ticket_id: str) -> None:
        """Takes a waiting conversation. Raises IllegalMove when somebody was first; the machine falls silent."""
        await self._write(self._claim, member, ticket_id)

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
        await self._database.write(self._review, member, ticket_id, review)

    async def reviews(self, member: Member) -> list[tuple[date, Review]]:
        """The review list, newest first. Raises NotAllowed for who neither answers nor edits."""
        if member.role not in ANSWERS | {"editor"}:
            raise NotAllowed("Only who answers or edits sees the review list.")
        return await self._database.read(reviews.latest, self._sealer, member.operator_id)

    async def _write(self, function: object, *args: object) -> None:
        news: News = await self._database.write(function, *args)  # type: ignore[arg-type]
        self._hub.spread(news)

    # --- in store threads ---

    def _access(
        self, connection: Connection, member: Member, ticket_id: str, *, lock: bool
    ) -> tuple[Loaded, Ticket]:
        """The only way to a ticket: the one this member may see, or NotFound (R-077)."""
        if member.role not in ANSWERS:
            raise NotFound
        contact_id = ticket_store.contact_of(connection, member.operator_id, ticket_id)
        if contact_id is None:
            raise NotFound
        loaded = conversations.load(connection, self._sealer, [contact_id], lock=lock).get(contact_id)
        ticket = loaded.talk.ticket if loaded is not None else None
        if loaded is None or ticket is None:
            raise NotFound
        own = ticket.assignee == member.staff_id
        if not (own or ticket.status is Status.WAITING or member.role in SEES_ALL):
            raise NotFound
        return loaded, ticket

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
        now = self._clock.now()
        handed_from = [seq for seq in ticket.handed if seq < ticket.opened_seq]
        handed = timeline.at(connection, loaded, handed_from)
        waiting = ticket_store.keeper(connection, ticket.assignee)
        return Thread(
            ticket=ticket,
            nickname=loaded.nickname,
            account_id=loaded.account_id,
            reachable=loaded.reachable,
            mode=loaded.talk.mode,
            keeper=waiting,
            lines=lines,
            handed=handed,
            has_older=older,
            free_until=hints.good_until(connection, loaded.contact_id, now),
            draft=drafts.read(connection, loaded, member.staff_id),
        )

    def _save_draft(self, connection: Connection, member: Member, ticket_id: str, text: str) -> None:
        loaded, ticket = self._access(connection, member, ticket_id, lock=False)
        _check_writes(ticket, member)
        drafts.save(connection, loaded, member.staff_id, text, self._clock.now())

    def _review(self, connection: Connection, member: Member, ticket_id: str, review: Review) -> None:
        _, ticket = self._access(connection, member, ticket_id, lock=False)
        if review.verdict == reviews.FALSE_ALARM and not review.rules:
            review = replace(review, rules=tuple(dict.fromkeys(hit.rule for hit in ticket.hits)))
        reviews.add(connection, self._sealer, member.operator_id, self._clock.now().date(), review)

    def _claim(self, connection: Connection, member: Member, ticket_id: str) -> News:
        loaded, ticket = self._access_to_claim(connection, member, ticket_id)
        now = self._clock.now()
        claimed = tickets.claim(ticket, member.staff_id, now)
        talk = replace(loaded.talk, ticket=claimed, mode=Mode.HUMAN, held=False)
        effects = (
            fx.SilenceBot(),
            fx.Mark(marker="claimed"),
            fx.Relay(),
            fx.Record(count="handoffs_answered"),
        )
        return self._commit(connection, loaded, talk, effects, member, now)

    def _access_to_claim(
        self, connection: Connection, member: Member, ticket_id: str
    ) -> tuple[Loaded, Ticket]:
        """As `_access`, but who comes second is told so instead of finding nothing."""
        try:
            return self._access(connection, member, ticket_id, lock=True)
        except NotFound:
            if member.role in ANSWERS and ticket_store.contact_of(connection, member.operator_id, ticket_id):
                raise Conflict("Somebody else took this one first.") from None
            raise

    def _reply(
        self, connection: Connection, member: Member, ticket_id: str, text: str, reply_id: str, how: How
    ) -> News:
        loaded, ticket = self._access(connection, member, ticket_id, lock=True)
        _check_writes(ticket, member)
        now = self._clock.now()
        if not dedupe.first_time(
            connection, self._sealer, member.operator_id, f"reply/{ticket_id}", reply_id, now
        ):
            return News()
        drafts.drop(connection, loaded.contact_id, member.staff_id)
        said = fx.Say(reply=self._said(connection, text, how, now), purpose=Purpose.COUNSELOR)
        effects = (said, fx.CancelWake(reason=RISK_UNANSWERED), fx.Relay())
        return self._commit(connection, loaded, loaded.talk, effects, member, now)

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
        rested = replace(loaded.talk, ticket=tickets.hand_back(ticket, member.staff_id))
        pinned = [loaded.talk.session.release] if loaded.talk.session else []
        released = self._library.released(connection, pinned)
        turn = take_turn(released, released.rules, rested, HandedBack(), now)
        drafts.drop(connection, loaded.contact_id, member.staff_id)
        effects = (fx.Mark(marker="handed_back"), *turn.effects, fx.RestTicket())
        return self._commit(connection, loaded, turn.talk, effects, member, now)

    def _commit(
        self,
        connection: Connection,
        loaded: Loaded,
        talk: Talk,
        effects: Sequence[fx.Effect],
        member: Member,
        now: datetime,
    ) -> News:
        deed = Deed(
            effects=effects,
            cause=f"staff:{member.staff_id}",
            staff_id=member.staff_id,
            staff_name=member.display_name,
        )
        change = Change(loaded=loaded, talk=conversations.bumped(loaded, talk), deeds=[deed])
        house = self._house(self._library.released(connection))
        return commit.apply(connection, house, [change], now)


def _check_writes(ticket: Ticket, member: Member) -> None:
    if ticket.status is not Status.ACTIVE or ticket.assignee != member.staff_id:
        raise NotAllowed("Take the conversation before you write.")
