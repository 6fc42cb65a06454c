"""How a message leaves LINE: the free reply token first, else a push with a retry key, each once (docs/delivery.md)."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.channels.line.api import Api
from bot.channels.line.messages import Message, calls
from bot.channels.line.quota import Quota
from bot.errors import HintSpent, QuotaSpent
from bot.messages import HINT_FRESH, Hold, Outgoing, Purpose, ReplyHint

RETRY_KEY_KEPT = timedelta(hours=24)
REPLY, PUSH = "reply", "push"
WORTH_A_PUSH = frozenset({Purpose.SAFETY, Purpose.COUNSELOR, Purpose.RECEIPT})
"""What is sent a second time, by another way, rather than left uncertain."""
CAN_WAIT = frozenset({Purpose.BOT, Purpose.LATE})
"""What waits when few pushes are left. All the rest is owed to the person and goes while there is any."""
TOKEN_REFUSED = b"invalid reply token"


class Sender:
    """One account's way out."""

    def __init__(self, api: Api, quota: Quota) -> None:
        self._api, self._quota = api, quota

    def route(self, outgoing: Outgoing, now: datetime) -> str | Hold | None:
        """How this leaves now. A push of the machine's waits while few are left, unless it may have left already."""
        way = _way(outgoing, now)
        if way != PUSH:
            return way
        if outgoing.purpose in CAN_WAIT and not outgoing.may_have_arrived:
            return self._quota.hold(now) or PUSH
        self._quota.noticed(now)
        return PUSH

    async def send(self, outgoing: Outgoing, alt: str) -> None:
        """Returns when it is known to have arrived; raises a SendError otherwise."""
        told = calls(outgoing.reply, alt)
        if outgoing.via == REPLY and outgoing.hint is not None:
            if len(told) > 1:
                # A token serves one call and cannot tell which call used it. Keys can: so all of it goes by push.
                raise HintSpent
            await self._reply(outgoing, outgoing.hint, told[0])
            return
        for place, messages in enumerate(told):
            await self._push(outgoing, messages, place)

    async def _reply(self, outgoing: Outgoing, hint: ReplyHint, messages: list[Message]) -> None:
        body = {"replyToken": hint.token, "messages": messages, "notificationDisabled": outgoing.reply.silent}
        answer = await self._api.post("/v2/bot/message/reply", body)
        if answer.status == 200:
            return
        if answer.status == 400 and TOKEN_REFUSED in answer.body.lower():
            if outgoing.may_have_arrived:
                return  # the earlier try of this single-use token did arrive
            raise HintSpent
        answer.fail()

    async def _push(self, outgoing: Outgoing, messages: list[Message], place: int) -> None:
        key = outgoing.part_key(place) if place else outgoing.key
        body = {
            "to": outgoing.address.key,
            "messages": messages,
            "notificationDisabled": outgoing.reply.silent,
        }
        answer = await self._api.post("/v2/bot/message/push", body, **{"X-Line-Retry-Key": str(key)})
        if answer.status == 200:
            self._quota.pushed()
        elif answer.status != 409:  # 409: this key was accepted before, and counted then
            try:
                answer.fail()
            except QuotaSpent:
                self._quota.spent()
                raise


def _way(outgoing: Outgoing, now: datetime) -> str | None:
    """A fresh token first: it is free, and single-use, so it is its own idempotency key."""
    fresh = outgoing.hint is not None and now - outgoing.hint.received_at < HINT_FRESH
    if outgoing.earlier_via == PUSH:
        # A key that was never accepted is not known to LINE, so without a doubt there is nothing to double.
        known = now - outgoing.queued_at < RETRY_KEY_KEPT
        return PUSH if known or not outgoing.may_have_arrived else None
    if outgoing.earlier_via == REPLY and outgoing.earlier_error == HintSpent.code:
        return PUSH
    if fresh:
        return REPLY
    if outgoing.earlier_via == REPLY and outgoing.may_have_arrived:
        return PUSH if outgoing.purpose in WORTH_A_PUSH else None
    return PUSH
