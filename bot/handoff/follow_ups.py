"""A word later on, which a counselor and the person agreed on: set, shown to the person, and called off (R-085)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.content.desks import spelled_time
from bot.errors import BadInput, NotAllowed
from bot.flows import effects as fx
from bot.handoff.access import SEES_ALL, Access
from bot.handoff.hours import TOKYO
from bot.messages import Choice, Purpose, Reply
from bot.runtime.live import News
from bot.store import wakeups
from bot.store.staff import Member
from bot.wakes import FOLLOW_UP

BY_DAY = (9, 21)  # o'clock: when a follow-up may come, unless the person chose another hour
LONGEST_AHEAD = timedelta(weeks=12)  # a ticket at rest is kept for 90 days


class FollowUps(Access):
    """One at a time: a later one takes the place of the one before."""

    async def follow_up(self, member: Member, ticket_id: str, at: datetime, *, chosen: bool = False) -> None:
        """A word later on: the person is shown when, and can be rid of it with one tap (R-085).

        `chosen`: the person named this hour. Raises BadInput outside the day, else, and for a time that has passed.
        """
        await self._write(self._follow_up, member, ticket_id, at, chosen)

    async def call_off(self, member: Member, ticket_id: str) -> None:
        """Nothing will come, and the person is told so without a sound. For who has or had it, stand-in and leads.

        Raises NotAllowed for others, BadInput when nothing was agreed on.
        """
        await self._write(self._call_off, member, ticket_id)

    # --- in store threads ---

    def _follow_up(
        self, connection: Connection, member: Member, ticket_id: str, at: datetime, chosen: bool
    ) -> News:
        loaded, _ = self._kept(connection, member, ticket_id)
        now, local = self._clock.now(), at.astimezone(TOKYO)
        if not now < at < now + LONGEST_AHEAD:
            raise BadInput("Choose a time from now on, within twelve weeks.")
        if not chosen and not BY_DAY[0] <= local.hour < BY_DAY[1]:
            raise BadInput("Choose an hour of the day, unless the person named this one.")
        released = self._library.released(connection)
        text = spelled_time(released.text("follow_up_set")[0], local)
        stop = Choice(id="nav/unfollow", label=released.text("nav_unfollow")[0])
        said = fx.Say(reply=Reply(texts=(text,), choices=(stop,), silent=True), purpose=Purpose.COUNSELOR)
        effects = (said, fx.WakeAt(reason=FOLLOW_UP, at=at), fx.Relay())
        return self._commit(connection, loaded, loaded.talk, effects, member, now)

    def _call_off(self, connection: Connection, member: Member, ticket_id: str) -> News:
        loaded, ticket = self._access(connection, member, ticket_id, lock=True)
        if member.staff_id not in (ticket.assignee, ticket.stand_in) and member.role not in SEES_ALL:
            raise NotAllowed("Only who has the conversation, their stand-in or a lead can do this.")
        if wakeups.due(connection, loaded.contact_id, FOLLOW_UP) is None:
            raise BadInput("Nothing was agreed on for later.")
        text = self._library.released(connection).text("follow_up_called_off")
        said = fx.Say(reply=Reply(texts=text, silent=True), purpose=Purpose.COUNSELOR)
        effects = (fx.CancelWake(reason=FOLLOW_UP), said, fx.Relay())
        return self._commit(connection, loaded, loaded.talk, effects, member, self._clock.now())
