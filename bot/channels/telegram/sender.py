"""One turn as one message, in parts where it does not fit; no part twice that is known to have arrived."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime
from uuid import UUID

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import TelegramError

from bot.channels.http import TOTAL_TIMEOUT
from bot.channels.render import Capabilities, Rendered, render
from bot.channels.telegram.client import send_error
from bot.channels.telegram.pacing import Pacer
from bot.clock import Clock
from bot.errors import Throttled, Unreachable
from bot.messages import Choice, Hold, Outgoing, Purpose

CAPABILITIES = Capabilities(max_text=4_096, max_messages=1, max_choices=40, max_label=40)
SEND = "send"
PACED = "pacing"
URGENT = frozenset({Purpose.SAFETY, Purpose.HIDE})
ALL_PARTS = TOTAL_TIMEOUT + 2.0  # seconds for all parts of a message, so that its lease does not run out
MOST_KEPT = 1_000
A_WHILE = 0.5  # seconds to pause when Telegram does not say how long: as long as the first try waits
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)  # nobody asked for a picture


class Sender:
    """Sends by `sendMessage`, without a parse mode: what is written arrives as it is."""

    def __init__(self, bot: Bot, clock: Clock, *, protect_content: bool) -> None:
        self._bot, self._clock, self._protect = bot, clock, protect_content
        self._pacer = Pacer()
        self._parts: OrderedDict[UUID, int] = OrderedDict()

    def route(self, outgoing: Outgoing, now: datetime) -> str | Hold | None:
        """Now, or when its turn comes. Erase receipts never wait: they are tried once, at once, or dropped."""
        if outgoing.purpose is Purpose.RECEIPT:
            return SEND
        at = now.timestamp()
        urgent = outgoing.purpose in URGENT
        opens, refused = self._pacer.opens(outgoing.contact_id, outgoing.key, at, urgent=urgent)
        if opens <= at:
            return SEND
        return Hold(until=datetime.fromtimestamp(opens, UTC), code=Throttled.code if refused else PACED)

    async def send(self, outgoing: Outgoing) -> None:
        rendered = render(outgoing.reply, CAPABILITIES)
        key = outgoing.key
        try:
            async with asyncio.timeout(ALL_PARTS):
                for place in range(self._parts.get(key, 0), len(rendered.texts)):
                    await self._part(outgoing, rendered, place)
                    self._keep(key, place + 1)
        except TimeoutError:
            raise Unreachable("all parts") from None
        except TelegramError as error:
            ours = send_error(error)
            if isinstance(ours, Throttled):
                wait = A_WHILE if ours.retry_after is None else ours.retry_after
                self._pacer.refused(outgoing.contact_id, wait, self._clock.now().timestamp())
            if not ours.retryable:
                self._parts.pop(key, None)
            raise ours from None
        self._parts.pop(key, None)

    async def _part(self, outgoing: Outgoing, rendered: Rendered, place: int) -> None:
        if place:
            self._pacer.sent_more(outgoing.contact_id, self._clock.now().timestamp())
        last = place == len(rendered.texts) - 1
        await self._bot.send_message(
            chat_id=int(outgoing.address.key),
            text=rendered.texts[place],
            reply_markup=keyboard(rendered.choices) if last and rendered.choices else None,
            disable_notification=outgoing.reply.silent,
            protect_content=self._protect and outgoing.purpose is Purpose.COUNSELOR,
            link_preview_options=NO_PREVIEW,
        )

    def _keep(self, key: UUID, parts: int) -> None:
        """How far a message got, for its next try. A crash forgets it: then it begins anew."""
        self._parts[key] = parts
        if len(self._parts) > MOST_KEPT:
            self._parts.popitem(last=False)


def keyboard(choices: tuple[Choice, ...]) -> InlineKeyboardMarkup:
    """Two buttons a row, as on the web."""
    buttons = [InlineKeyboardButton(choice.label, callback_data=choice.id) for choice in choices]
    return InlineKeyboardMarkup([buttons[place : place + 2] for place in range(0, len(buttons), 2)])
