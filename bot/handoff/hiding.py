"""Somebody wrote a name by mistake: who has the conversation hides it, and the person is told (C-06, R-062)."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.errors import BadInput, NotAllowed, NotFound
from bot.flows import effects as fx
from bot.handoff import ticket as tickets
from bot.handoff.access import Access
from bot.messages import Purpose, Reply
from bot.runtime.live import ERASED, News
from bot.store import dedupe, hiding
from bot.store.dialect import notify
from bot.store.staff import Member


class Hiding(Access):
    """Taking words away that nobody needs to read."""

    async def hide(self, member: Member, ticket_id: str, seq: int, words: str) -> None:
        """Puts ○○ in the place of these words of one message; there is no way back.

        The person is told, once a message and without a sound, unless they asked to be left alone (R-090). Raises
        BadInput when the words stand in no message of the person there, NotFound for a place that was not handed
        over, and NotAllowed unless the conversation is this member's and they saw its wishes (R-030).
        """
        if not words.strip():
            raise BadInput("Nothing is written.")
        await self._write(self._hide, member, ticket_id, seq, words)

    # --- in store threads ---

    def _hide(self, connection: Connection, member: Member, ticket_id: str, seq: int, words: str) -> News:
        loaded, ticket = self._kept(connection, member, ticket_id)
        if tickets.must_see(ticket, member.staff_id):
            raise NotAllowed("First confirm that you have seen how they would like it to go.")
        if seq < ticket.opened_seq and seq not in ticket.handed:
            raise NotFound
        talk = hiding.hide(connection, loaded, seq, words)
        if talk is None:
            raise BadInput("These words do not stand in this message. Nothing was changed.")
        now, scope = self._clock.now(), f"hidden/{ticket_id}"
        told: tuple[fx.Effect, ...] = ()
        if not talk.quiet and dedupe.first_time(
            connection, self._sealer, member.operator_id, scope, str(seq), now
        ):
            texts = self._library.released(connection).text("words_hidden")
            told = (fx.Say(reply=Reply(texts=texts, silent=True), purpose=Purpose.COUNSELOR),)
        news = self._commit(connection, loaded, talk, (*told, fx.Relay()), member, now)
        news.add(ERASED)  # the bytes go as well
        notify(connection, {ERASED})
        return news
