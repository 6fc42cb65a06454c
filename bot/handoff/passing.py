"""How a conversation goes from hand to hand: the next one, back to the desk, to a colleague, to another desk.

The person hears of each new hand before it writes, and who it is (R-112).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.flows import effects as fx
from bot.handoff import notes as noting
from bot.handoff import routing
from bot.handoff import ticket as tickets
from bot.handoff.access import SEES_ALL, Access, carrier, written
from bot.handoff.hours import TOKYO
from bot.handoff.risk import Level, highest
from bot.handoff.routing import Carrier, Why
from bot.handoff.ticket import Status, Ticket
from bot.messages import Purpose, Reply
from bot.report import measures
from bot.runtime.live import News
from bot.store import conversations, debriefs, duties, staff
from bot.store import notes as note_store
from bot.store import tickets as ticket_store
from bot.store.conversations import Loaded
from bot.store.staff import Member
from bot.talk import Mode, Talk
from bot.wakes import LONGER

MOST_TRIES = 20  # lost races in a row


class Passing(Access):
    """Moves between people and desks."""

    async def next_for(self, member: Member) -> tuple[str, Why] | None:
        """Takes the conversation whose turn it is; its id and why it is that one. None when there is none now."""
        await self._trail.note(member, "next_for", self._clock.now())
        for _ in range(MOST_TRIES):
            try:
                found: tuple[str, Why, News] | None = await self._database.write(self._next_for, member)
            except (Conflict, NotFound):  # somebody was first: whose turn is it now?
                continue
            if found is None:
                return None
            self._hub.spread(found[2])
            await self._trail.note(member, "claim", self._clock.now(), found[0])
            return found[0], found[1]
        return None

    async def claim(self, member: Member, ticket_id: str, why: str = "picked") -> None:
        """Takes a waiting conversation. Raises Conflict when somebody was first; the machine falls silent.

        Whoever picks by hand passes others over: that it was picked is kept with the move. Raises NotAllowed when
        this member carries as much as they may, and nobody is in danger here (R-108).
        """
        await self._write(self._claim, member, ticket_id, why)

    async def release(self, member: Member, ticket_id: str, why: str) -> None:
        """Gives a conversation back to its desk, where its wait goes on. For its keeper and leads."""
        await self._write(self._release, member, ticket_id, written(why))

    async def pass_on(self, member: Member, ticket_id: str, to: str, why: str) -> None:
        """Gives a conversation to a colleague, by their staff id; the person is told by whom (R-112)."""
        await self._write(self._pass_on, member, ticket_id, to, written(why))

    async def send_on(self, member: Member, ticket_id: str, note_number: int, why: str) -> None:
        """Hands over to another desk, with the consent in that note: exactly what `preview` shows, nothing else."""
        await self._write(self._send_on, member, ticket_id, note_number, written(why))

    async def refuse(self, member: Member, ticket_id: str, staff_id: str) -> None:
        """The person does not want this member of staff: they are taken out, and are told nothing (R-089)."""
        await self._write(self._refuse, member, ticket_id, staff_id)

    async def lower(self, member: Member, ticket_id: str, level: Level, why: str) -> None:
        """Less urgent than the machine found, with a reason. For its keeper and leads."""
        await self._write(self._lower, member, ticket_id, level, written(why))

    async def stand_in(self, member: Member, ticket_id: str, staff_id: str) -> None:
        """Names who goes on when the keeper is away (R-106)."""
        await self._write(self._stand_in, member, ticket_id, staff_id)

    async def leave(self, member: Member, staff_id: str) -> None:
        """A member goes for good: what they had waits for others. Raises Conflict while they owe anybody something."""
        if member.role not in SEES_ALL:
            raise NotAllowed("A lead lets staff go.")
        await self._trail.note(member, "leave", self._clock.now())
        self._hub.spread(await self._database.write(self._leave, member, staff_id))

    # --- in store threads ---

    def _carriers(
        self, connection: Connection, member: Member, now: datetime
    ) -> tuple[Carrier, list[Carrier]]:
        loads = ticket_store.loads(connection, member.operator_id)
        here = [carrier(one, loads, now) for one in duties.here(connection, member.operator_id, now)]
        fresh = staff.by_id(connection, member.operator_id, member.staff_id) or member
        return carrier(fresh, loads, now), here

    def _next_for(self, connection: Connection, member: Member) -> tuple[str, Why, News] | None:
        now = self._clock.now()
        waiting = ticket_store.queue(
            connection, self._sealer, member.operator_id, Status.WAITING, desks=member.desk_ids
        )
        me, others = self._carriers(connection, member, now)
        found = routing.next_for(me, others, [one.ticket for one in waiting], now)
        if found is None:
            return None
        ticket, why = found
        return ticket.id, why, self._claim(connection, member, ticket.id, f"next:{why}")

    def _claim(self, connection: Connection, member: Member, ticket_id: str, why: str) -> News:
        try:
            loaded, ticket = self._access(connection, member, ticket_id, lock=True)
        except NotFound:
            self._taken(connection, member, ticket_id)
            raise
        now = self._clock.now()
        claimed = tickets.claim(ticket, member.staff_id, now, why)
        me, _ = self._carriers(connection, member, now)
        if me.load + routing.weight(ticket) > me.most and ticket.priority < routing.URGENT:
            raise NotAllowed(
                "You carry as much as you may. Hand something back first, or leave it to a colleague."
            )
        effects = (
            fx.SilenceBot(),
            fx.CancelWake(reason=LONGER),
            fx.Mark(marker="claimed"),
            fx.Relay(),
            fx.Record(count="handoffs_answered"),
            measures.claimed(ticket.priority),
        )
        talk = replace(loaded.talk, ticket=claimed, mode=Mode.HUMAN, held=False)
        return self._commit(connection, loaded, talk, effects, member, now)

    def _release(self, connection: Connection, member: Member, ticket_id: str, why: str) -> News:
        loaded, ticket = self._led(connection, member, ticket_id)
        now = self._clock.now()
        released = tickets.release(ticket, member.staff_id, now, why)
        self._care(connection, member.operator_id, ticket, now)
        return self._to_the_desk(connection, loaded, released, member, now)

    def _to_the_desk(
        self, connection: Connection, loaded: Loaded, ticket: Ticket, member: Member, now: datetime
    ) -> News:
        """Waiting again: the person is told that somebody else will go on, once and without a sound."""
        talk = replace(loaded.talk, ticket=ticket, mode=Mode.WAITING, held=True)
        said = Reply(texts=self._library.released(connection).text("keeper_away"), silent=True)
        effects = (fx.Mark(marker="released"), fx.Relay(), fx.Say(reply=said, purpose=Purpose.BOT))
        return self._commit(connection, loaded, talk, effects, member, now)

    def _pass_on(self, connection: Connection, member: Member, ticket_id: str, to: str, why: str) -> News:
        loaded, ticket = self._led(connection, member, ticket_id)
        colleague = self._colleague(connection, member, ticket, to)
        now = self._clock.now()
        passed = tickets.pass_on(ticket, member.staff_id, to, now, why)
        self._care(connection, member.operator_id, ticket, now)
        text = (
            self._library.released(connection).text("keeper_new")[0].replace("{name}", colleague.display_name)
        )
        said = fx.Say(reply=Reply(texts=(text,), silent=True), purpose=Purpose.COUNSELOR)
        talk = replace(loaded.talk, ticket=passed)
        return self._commit(
            connection, loaded, talk, (fx.Mark(marker="passed_on"), fx.Relay(), said), member, now
        )

    def _send_on(
        self, connection: Connection, member: Member, ticket_id: str, note_number: int, why: str
    ) -> News:
        loaded, ticket = self._kept(connection, member, ticket_id)
        now = self._clock.now()
        known = note_store.of(connection, loaded)
        consent = next((note for note in known if note.number == note_number), None)
        given = consent.consent if consent is not None else None
        if (
            consent is None
            or given is None
            or not noting.is_valid(consent, given.to, now.astimezone(TOKYO).date())
        ):
            raise NotAllowed(
                "Without the person's own consent only a consultation without names can be sent."
            )
        released = self._library.released(connection)
        desk = next((desk for desk in released.latest.desks if desk.id == given.to), None)
        if desk is None:
            raise NotFound
        sent = tickets.send_on(ticket, member.staff_id, desk.id, now, why)
        sent = replace(sent, wishes=ticket.wishes if given.wishes else (), handed=(), hits=ticket.hits)
        for note in noting.passed_on(known, given):
            note_store.change(connection, loaded, replace(note, desks=(*note.desks, desk.id)))
        note_store.change(connection, loaded, noting.supersede(consent))
        text = released.text("desk_new")[0].replace("{desk}", desk.name)
        said = fx.Say(reply=Reply(texts=(text,), silent=True), purpose=Purpose.BOT)
        # The other desk sees the thread from here on: what was said before was said to this one.
        sent = replace(sent, opened_seq=loaded.last_seq + 1)
        talk = replace(loaded.talk, ticket=sent, mode=Mode.WAITING, held=True)
        return self._commit(
            connection, loaded, talk, (fx.Mark(marker="sent_on"), fx.Relay(), said), member, now
        )

    def _refuse(self, connection: Connection, member: Member, ticket_id: str, staff_id: str) -> News:
        loaded, ticket = self._access(connection, member, ticket_id, lock=True)
        if staff.by_id(connection, member.operator_id, staff_id) is None:
            raise NotFound
        now = self._clock.now()
        refused = tickets.refuse(ticket, staff_id, now)
        if refused.status is ticket.status:
            talk = replace(loaded.talk, ticket=refused)
            return self._commit(connection, loaded, talk, (fx.Relay(),), member, now)
        return self._to_the_desk(connection, loaded, refused, member, now)

    def _lower(self, connection: Connection, member: Member, ticket_id: str, level: Level, why: str) -> News:
        loaded, ticket = self._led(connection, member, ticket_id)
        now = self._clock.now()
        lowered = tickets.lower(ticket, member.staff_id, level, now, why)
        talk = replace(loaded.talk, ticket=lowered)
        return self._commit(connection, loaded, talk, (fx.Relay(),), member, now)

    def _stand_in(self, connection: Connection, member: Member, ticket_id: str, staff_id: str) -> News:
        loaded, ticket = self._led(connection, member, ticket_id)
        self._colleague(connection, member, ticket, staff_id)
        if staff_id == ticket.keeper:
            raise BadInput("Somebody else must stand in.")
        talk = replace(loaded.talk, ticket=replace(ticket, stand_in=staff_id))
        return self._commit(connection, loaded, talk, (fx.Relay(),), member, self._clock.now())

    def _leave(self, connection: Connection, member: Member, staff_id: str) -> News:
        operator_id, now, news = member.operator_id, self._clock.now(), News()
        if staff.by_id(connection, operator_id, staff_id) is None:
            raise NotFound
        owing = note_store.owing(connection, operator_id, staff_id)
        if owing:
            raise Conflict(
                f"They still owe {len(owing)} people something. Give each promise a new owner first."
            )
        contact_ids = ticket_store.of_staff(connection, operator_id, staff_id)
        for loaded in conversations.load(connection, self._sealer, contact_ids).values():
            if loaded.talk.ticket is None:
                continue
            left = tickets.leaves(loaded.talk.ticket, staff_id, member.staff_id, now)
            if left.status is not loaded.talk.ticket.status:
                news.merge(self._to_the_desk(connection, loaded, left, member, now))
            elif left != loaded.talk.ticket:
                talk: Talk = replace(loaded.talk, ticket=left)
                news.merge(self._commit(connection, loaded, talk, (fx.Relay(),), member, now))
        staff.disable(connection, staff_id, now)
        return news

    def _colleague(self, connection: Connection, member: Member, ticket: Ticket, staff_id: str) -> Member:
        """Somebody who may have this conversation. Raises NotFound, without telling who was refused."""
        found = staff.by_id(connection, member.operator_id, staff_id)
        if found is None or not carrier(found, {}, self._clock.now()).may_have(ticket):
            raise NotFound
        return found

    def _care(self, connection: Connection, operator_id: str, ticket: Ticket, now: datetime) -> None:
        """After a red conversation: nothing new for a while, and the lead is asked to talk with them (R-110)."""
        if ticket.keeper is None or max(ticket.priority, highest(ticket.hits)) < routing.URGENT:
            return
        staff.pause(connection, ticket.keeper, now + routing.RED_PAUSE)
        debriefs.ask(connection, operator_id, ticket.keeper, now)
