"""A thread as its person sees it on the web chat."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from sqlalchemy import Connection

from bot.channels.webchat.backend import Thread
from bot.clock import Clock
from bot.content.desks import spelled
from bot.content.library import Library
from bot.flows import engine
from bot.flows.matching import fold
from bot.handoff.hours import TOKYO
from bot.handoff.ticket import Ticket
from bot.messages import Address, Inbound, Purpose
from bot.runtime.ingress import Ingress
from bot.runtime.live import Bell, Hub
from bot.store import conversations, duties, moved, tickets, timeline
from bot.store.body import Body
from bot.store.database import Database
from bot.store.intake import Accepted
from bot.store.sealed import Sealer
from bot.store.timeline import Line
from bot.talk import Mode

TOLD_KINDS = frozenset({Purpose.SAFETY, Purpose.HIDE, Purpose.STOP, Purpose.RECEIPT})


class ThreadView:
    """The house, as the web chat sees it."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        library: Library,
        ingress: Ingress,
        clock: Clock,
        sealer: Sealer,
        operator_id: str,
    ) -> None:
        self._database, self._hub, self._library, self._ingress = database, hub, library, ingress
        self._clock, self._sealer, self._operator_id = clock, sealer, operator_id

    async def accept(self, events: Sequence[Inbound]) -> Sequence[Accepted]:
        return await self._ingress.accept(events)

    async def thread(self, address: Address, after: int, *, newest: bool = False) -> Thread:
        return await self._database.read(self._thread, address, after, newest)

    def _thread(self, connection: Connection, address: Address, after: int, newest: bool) -> Thread:
        sealer = self._sealer
        contact_id = conversations.find(connection, sealer, self._operator_id, address)
        if contact_id is None:
            here = sealer.keyring.address_keys(self._operator_id, address)
            return Thread(
                messages=[],
                state={"mode": Mode.BOT, "line": self.text("state_bot")},
                topic=None,
                moved=bool(moved.known(connection, here)),
            )
        loaded = conversations.load(connection, sealer, [contact_id], lock=False)[contact_id]
        lines = timeline.for_person(connection, loaded, after=after, newest=newest)
        mode, ticket = loaded.talk.mode, loaded.talk.ticket
        line = self._state(connection, mode, ticket)
        return Thread(
            messages=[message(one) for one in lines], state={"mode": mode, "line": line}, topic=contact_id
        )

    def _state(self, connection: Connection, mode: Mode, ticket: Ticket | None) -> str:
        """Who reads, as it is: with the time that was promised, and not as if somebody looked who is away."""
        released, now = self._library.at_hand, self._clock.now()
        line = self.text(f"state_{mode}")
        if mode is Mode.BOT or ticket is None or released is None:
            return line
        if mode is Mode.HUMAN:
            away = not duties.is_here(connection, ticket.assignee, now)
            line = self.text("state_human_away") if away else line
            line = line.replace("{name}", tickets.keeper(connection, ticket.assignee) or "")
        if ticket.promised_at is not None and ticket.promised_at > now:
            told = spelled(released.latest.texts, now, ticket.promised_at)
            line += self.text("state_promised").replace("{expected}", told)
        return line

    def listen(self, topic: str) -> AbstractContextManager[Bell]:
        return self._hub.listen(topic)

    def text(self, key: str) -> str:
        released = self._library.at_hand
        return "\n\n".join(released.text(key)) if released is not None else ""

    def greeting(self) -> list[dict[str, Any]]:
        released = self._library.at_hand
        if released is None:
            return []
        now = self._clock.now()
        reply = engine.begin(released, released.text("start")[0], now).reply
        body = Body(kind="bot", at=now, texts=reply.texts, choices=reply.choices)
        return [message(Line(seq=0, author=timeline.BOT, body=body))]

    def is_urgent(self, text: str) -> bool:
        """Any word of danger, any entry word and any command; and when there is no way to tell."""
        released = self._library.at_hand
        if released is None:
            return True
        try:
            known = released.entry(fold(text)) or released.command(fold(text))
            return bool(known or released.rules.scan(text))
        except Exception:  # noqa: BLE001 - a rule that fails must not silence a person
            return True

    def service(self) -> tuple[str, str]:
        released = self._library.at_hand
        return (released.latest.service.name, released.latest.service.place) if released else ("", "")


def message(line: Line) -> dict[str, Any]:
    """A line of the thread as the web chat's API gives it (docs/contracts.md)."""
    body = line.body
    return {
        "seq": line.seq,
        "from": line.author,
        "kind": body.kind if body.kind in TOLD_KINDS else "",
        "text": "\n\n".join(body.texts),
        "cards": [msgspec.to_builtins(card) for card in body.cards],
        "choices": [{"id": choice.id, "label": choice.label} for choice in body.choices],
        "at": body.at.astimezone(TOKYO).isoformat(timespec="seconds"),
        "name": body.name or None,
    }
