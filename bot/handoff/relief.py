"""Nobody is left with a counselor who is gone: after a while the conversation waits for others, and that is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.errors import StoreUnavailable
from bot.flows import effects as fx
from bot.handoff import ticket as tickets
from bot.handoff.access import Access, carrier
from bot.handoff.routing import Carrier
from bot.handoff.ticket import GUIDE, Status, Ticket
from bot.messages import Purpose, Reply
from bot.runtime import commit
from bot.runtime.commit import Change, Deed
from bot.runtime.live import News
from bot.store import conversations, duties, scheduled
from bot.store import tickets as ticket_store
from bot.store.conversations import Loaded
from bot.store.dialect import alone
from bot.store.migrate import DEFAULT_OPERATOR
from bot.store.staff import Member
from bot.talk import Mode, Talk

LOOK_EVERY = 60.0  # seconds
GONE_FOR = timedelta(minutes=30)
"""How long words of the person stay unread with a counselor who is not signed in any more."""
AFTER_SHIFT = timedelta(minutes=5)
"""The same once their shift is over: they will not come back to it today."""
SHIFT_ENDED = timedelta(hours=12)

log = structlog.get_logger("relief")


class Relief(Access):
    """Looks for conversations whose keeper is gone while the person waits for words."""

    async def look(self) -> None:
        try:
            self._hub.spread(await self._database.write(self._relieve))
        except StoreUnavailable:
            log.warning("store_unavailable", worker="relief")

    def _relieve(self, connection: Connection) -> News:
        news, now = News(), self._clock.now()
        if not alone(connection, "relief"):
            return news
        here = {one.staff_id: one for one in duties.here(connection, DEFAULT_OPERATOR, now)}
        kept = [
            one.contact_id
            for one in ticket_store.open_ones(connection, DEFAULT_OPERATOR)
            if one.status is Status.ACTIVE and one.assignee not in here
        ]
        if not kept:
            return news
        changes, off = [], duties.ended(connection, DEFAULT_OPERATOR, now, now - SHIFT_ENDED)
        loads = ticket_store.loads(connection, DEFAULT_OPERATOR)
        for loaded in conversations.load(connection, self._sealer, kept).values():
            ticket = loaded.talk.ticket
            gone_for = AFTER_SHIFT if ticket is not None and ticket.keeper in off else GONE_FOR
            if ticket is not None and waits_in_vain(loaded.talk, ticket, now, gone_for):
                other = here.get(ticket.stand_in or "")
                ready = other is not None and _is_ready(carrier(other, loads, now), ticket)
                changes.append(self._change(connection, loaded, ticket, other if ready else None, now))
        if changes:
            news.merge(
                commit.apply(connection, self._house(self._library.released(connection)), changes, now)
            )
        return news

    def _change(
        self, connection: Connection, loaded: Loaded, ticket: Ticket, other: Member | None, now: datetime
    ) -> Change:
        """To who stands in, if that one is here; else it waits for whoever is next. The person is told (R-112)."""
        scheduled.drop(connection, loaded.contact_id)  # whoever goes on has not read these words
        if other is not None:
            return self._to_stand_in(connection, loaded, ticket, other, now)
        released = tickets.release(ticket, GUIDE, now, "keeper gone")
        talk = replace(loaded.talk, ticket=released, mode=Mode.WAITING, held=True)
        said = Reply(texts=self._library.released(connection).text("keeper_away"), silent=True)
        effects = (fx.RaisePriority(), fx.Say(reply=said, purpose=Purpose.BOT))
        deed = Deed(effects=effects, cause="wake:relief")
        return Change(loaded=loaded, talk=conversations.bumped(loaded, talk), deeds=[deed])

    def _to_stand_in(
        self, connection: Connection, loaded: Loaded, ticket: Ticket, other: Member, now: datetime
    ) -> Change:
        passed = tickets.pass_on(ticket, GUIDE, other.staff_id, now, "keeper gone")
        text = self._library.released(connection).text("keeper_new")[0]
        said = Reply(texts=(text.replace("{name}", other.display_name),), silent=True)
        effects = (fx.RaisePriority(), fx.Say(reply=said, purpose=Purpose.COUNSELOR))
        deed = Deed(effects=effects, cause="wake:relief")
        talk = replace(loaded.talk, ticket=replace(passed, stand_in=None))
        return Change(loaded=loaded, talk=conversations.bumped(loaded, talk), deeds=[deed])


def _is_ready(other: Carrier, ticket: Ticket) -> bool:
    return other.may_have(ticket) and other.has_room(ticket)


def waits_in_vain(talk: Talk, ticket: Ticket, now: datetime, gone_for: timedelta = GONE_FOR) -> bool:
    """Whether the person wrote, or was taken, and has had no word since for too long. Who asked for quiet has it."""
    if ticket.status is not Status.ACTIVE or talk.unanswered or talk.quiet:
        return False
    promised = ticket.promised_at is not None and ticket.promised_at > now
    since = max(at for at in (talk.seen_at, ticket.claimed_at) if at is not None)
    return not promised and now - since > gone_for
