"""What counselors do: see, answer, hand back. Every move goes through the same commit as the bot's turns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial

from sqlalchemy import Connection

from bot.conversation import take_turn
from bot.errors import BadInput, NotAllowed
from bot.flows import effects as fx
from bot.handoff import ticket as tickets
from bot.handoff.access import ANSWERS, SEES_ALL
from bot.handoff.break_glass import BreakGlass
from bot.handoff.consulting import Consulting
from bot.handoff.follow_ups import FollowUps
from bot.handoff.hiding import Hiding
from bot.handoff.lines import Lines
from bot.handoff.passing import Passing
from bot.handoff.reading import Thread
from bot.handoff.records import Records
from bot.handoff.replies import MAX_REPLY, How, Replies
from bot.handoff.risk import LEVELS
from bot.runtime.live import News
from bot.store import reviews
from bot.store.reviews import Review
from bot.store.staff import Member
from bot.talk import HandedBack

__all__ = ["ANSWERS", "MAX_REPLY", "SEES_ALL", "Desk", "How", "Thread"]


class Desk(Lines, Passing, FollowUps, Records, Consulting, Replies, Hiding, BreakGlass):
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
        if member.role not in ANSWERS | {"editor", "reviewer"}:
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
        return self._seen(connection, loaded, ticket, member, since=since, before=before, most=most)

    def _review(self, connection: Connection, member: Member, ticket_id: str, review: Review) -> None:
        _, ticket = self._access(connection, member, ticket_id, lock=False)
        if review.verdict == reviews.FALSE_ALARM and not review.rules:
            review = replace(review, rules=tuple(dict.fromkeys(hit.rule for hit in ticket.hits)))
        reviews.add(connection, self._sealer, member.operator_id, self._clock.now().date(), review)

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
