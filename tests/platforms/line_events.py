"""Webhook events of LINE in their official shapes, built with line-bot-sdk's models [platforms.md §1]."""

from __future__ import annotations

import importlib
import json
from typing import Any, Final

from tests.platforms.line_api import LineApi

Event = dict[str, Any]

_models: Any = importlib.import_module("linebot.v3.webhooks")  # the SDK ships no types
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FROM_LINE: Final = {"type": "line"}


class LineEvents(LineApi):
    """Makes events. Each has its own id and, where LINE gives one, a reply token that works once."""

    def new_user(self) -> str:
        """A user who is our friend."""
        user = "U" + self.hex(32)
        self.known.add(user)
        return user

    def new_group(self) -> str:
        group = "C" + self.hex(32)
        self.known.add(group)
        return group

    def ulid(self) -> str:
        """26 characters of Crockford's base 32: 48 bits of time in ms, 80 random ones."""
        value = (int(self.clock() * 1000) << 80) | self.random.getrandbits(80)
        return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -5, -5))

    # -- messages ----------------------------------------------------------------------------

    def text(self, user: str, text: str, **more: Any) -> Event:
        content = _models.TextMessageContent(text=text, quoteToken=self.hex(40), **self._content(), **more)
        return self._event("MessageEvent", user, message=content)

    def sticker(
        self, user: str, *, keywords: tuple[str, ...] = ("ありがとう", "thank you"), text: str | None = None
    ) -> Event:
        """`text` makes it a message sticker, whose words the person wrote."""
        content = _models.StickerMessageContent(
            packageId="446",
            stickerId="1988",
            stickerResourceType="MESSAGE" if text else "STATIC",
            keywords=list(keywords),
            text=text,
            quoteToken=self.hex(40),
            **self._content(),
        )
        return self._event("MessageEvent", user, message=content)

    def image(self, user: str, *, image_set: tuple[str, int, int] | None = None) -> Event:
        """`image_set`: id, index and total of pictures sent at once; LINE sends one event for each."""
        some = image_set and _models.ImageSet(id=image_set[0], index=image_set[1], total=image_set[2])
        content = _models.ImageMessageContent(
            contentProvider=_FROM_LINE, imageSet=some, quoteToken=self.hex(40), **self._content()
        )
        return self._event("MessageEvent", user, message=content)

    def video(self, user: str) -> Event:
        content = _models.VideoMessageContent(
            contentProvider=_FROM_LINE, duration=6000, quoteToken=self.hex(40), **self._content()
        )
        return self._event("MessageEvent", user, message=content)

    def audio(self, user: str) -> Event:
        content = _models.AudioMessageContent(contentProvider=_FROM_LINE, duration=6000, **self._content())
        return self._event("MessageEvent", user, message=content)

    def file(self, user: str, name: str = "日記.txt") -> Event:
        content = _models.FileMessageContent(fileName=name, fileSize=2138, **self._content())
        return self._event("MessageEvent", user, message=content)

    def location(self, user: str, address: str = "東京都千代田区千代田1-1") -> Event:
        content = _models.LocationMessageContent(
            title="ここ", address=address, latitude=35.68, longitude=139.75, **self._content()
        )
        return self._event("MessageEvent", user, message=content)

    def unknown_message(self, user: str, kind: str = "hologram") -> Event:
        """A message kind newer than any description."""
        event = self.text(user, "")
        event["message"] = {"id": event["message"]["id"], "type": kind, "depth": {"layers": [1, 2, 3]}}
        return event

    def unsend(self, user: str, message_id: str) -> Event:
        return self._event("UnsendEvent", user, token=False, unsend={"messageId": message_id})

    def postback(self, user: str, data: str, params: dict[str, str] | None = None) -> Event:
        return self._event("PostbackEvent", user, postback=_models.PostbackContent(data=data, params=params))

    def message_edited(self, user: str, text: str) -> Event:
        """Known to line-bot-sdk 3.27 and not to the webhook description of 2026-07."""
        content = _models.TextMessageContent(text=text, quoteToken=self.hex(40), **self._content())
        return self._event("MessageEditedEvent", user, message=content)

    # -- friends, groups ---------------------------------------------------------------------

    def follow(self, user: str, *, unblocked: bool = False) -> Event:
        self.blocked.discard(user)
        return self._event("FollowEvent", user, follow={"isUnblocked": unblocked})

    def unfollow(self, user: str) -> Event:
        """The user blocked us: from now on nothing arrives, though pushes are accepted."""
        self.blocked.add(user)
        return self._event("UnfollowEvent", user, token=False)

    def join(self, group: str) -> Event:
        return self._event("JoinEvent", group)

    def leave(self, group: str) -> Event:
        self.blocked.add(group)
        return self._event("LeaveEvent", group, token=False)

    def member_joined(self, group: str, user: str) -> Event:
        return self._event("MemberJoinedEvent", group, joined={"members": [{"type": "user", "userId": user}]})

    def member_left(self, group: str, user: str) -> Event:
        left = {"members": [{"type": "user", "userId": user}]}
        return self._event("MemberLeftEvent", group, token=False, left=left)

    # -- the rest ----------------------------------------------------------------------------

    def account_link(self, user: str | None, nonce: str = "nonce") -> Event:
        """Without a user: linking failed, and there is neither source nor reply token."""
        link = _models.LinkContent(result="ok" if user else "failed", nonce=nonce)
        return self._event("AccountLinkEvent", user, token=user is not None, link=link)

    def others(self, user: str) -> list[Event]:
        """One event of each remaining kind that the SDK knows."""
        make, quiet = self._event, {"token": False}
        attached = _models.AttachedModuleContent(botId=self.bot_user_id, scopes=["message:send"])
        membership = _models.JoinedMembershipContent(membershipId=3189)
        control = _models.ChatControl(expireAt=int(self.clock() * 1000) + 60_000)
        return [
            make("VideoPlayCompleteEvent", user, videoPlayComplete={"trackingId": "track"}),
            make("BeaconEvent", user, beacon=_models.BeaconContent(hwid="d41d8cd98f", type="enter")),
            make("MembershipEvent", user, membership=membership),
            make("ModuleEvent", None, **quiet, module=attached),
            make("ActivatedEvent", user, **quiet, chatControl=control),
            make("DeactivatedEvent", user, **quiet),
            make("BotSuspendedEvent", None, **quiet),
            make("BotResumedEvent", None, **quiet),
            make("PnpDeliveryCompletionEvent", user, **quiet, delivery={"data": "15034552939884E2"}),
        ]

    def unknown(self, user: str, kind: str = "teaCeremony") -> Event:
        """An event kind newer than any description."""
        event = self.unfollow_shaped(user)
        return {**event, "type": kind, kind: {"guests": [user]}}

    def unfollow_shaped(self, user: str) -> Event:
        """An event without anything but the fields that all have."""
        return self._event("BotResumedEvent", user, token=False)

    @staticmethod
    def standby(event: Event) -> Event:
        """The event as a bot in standby gets it: another module answers, there is no reply token."""
        return {**{name: value for name, value in event.items() if name != "replyToken"}, "mode": "standby"}

    @staticmethod
    def redelivered(event: Event) -> Event:
        """The same event, sent again: only `isRedelivery` differs."""
        return {**event, "deliveryContext": {"isRedelivery": True}}

    def in_group(self, event: Event, group: str) -> Event:
        """The event as it comes from a group; only message events name the user there."""
        source = {"type": "group", "groupId": group}
        if event["type"] == "message" and "userId" in event.get("source", {}):
            source["userId"] = event["source"]["userId"]
        if "replyToken" in event:
            event = {**event, "replyToken": self.issue_token(group, event["webhookEventId"])}
        return {**event, "source": source}

    def every_kind(self, user: str, group: str) -> dict[str, Event]:
        """One event of every kind, by a name; each part of it is free to be changed."""
        text = self.text(user, "こんにちは")
        named = {
            "text": text,
            "sticker": self.sticker(user),
            "message_sticker": self.sticker(user, text="つらい"),
            "image": self.image(user),
            "image_of_set": self.image(user, image_set=(self.hex(32), 1, 2)),
            "video": self.video(user),
            "audio": self.audio(user),
            "file": self.file(user),
            "location": self.location(user),
            "unknown_message": self.unknown_message(user),
            "unsend": self.unsend(user, text["message"]["id"]),
            "postback": self.postback(user, "data"),
            "message_edited": self.message_edited(user, "こんばんは"),
            "follow": self.follow(user),
            "unblocked": self.follow(user, unblocked=True),
            "join": self.join(group),
            "member_joined": self.member_joined(group, user),
            "member_left": self.member_left(group, user),
            "group_text": self.in_group(self.text(user, "みんなへ"), group),
            "account_link": self.account_link(user),
            "account_link_failed": self.account_link(None),
            "unknown": self.unknown(user),
            "standby": self.standby(self.text(user, "こんにちは")),
        }
        named |= {event["type"]: event for event in self.others(user)}
        named["leave"] = self.leave(group)
        named["unfollow"] = self.unfollow(user)
        return named

    # -- parts -------------------------------------------------------------------------------

    def _content(self) -> dict[str, str]:
        return {"id": self.message_id(), "markAsReadToken": self.hex(40)}

    def _event(self, model: str, where: str | None, *, token: bool = True, **fields: Any) -> Event:
        event_id = self.ulid()
        if where is not None:
            self.known.add(where)
            source = _models.UserSource(userId=where)
            fields["source"] = _models.GroupSource(groupId=where) if where.startswith("C") else source
            if token:
                fields["replyToken"] = self.issue_token(where, event_id)
        event = getattr(_models, model)(
            timestamp=int(self.clock() * 1000),
            mode=_models.EventMode.ACTIVE,
            webhookEventId=event_id,
            deliveryContext=_models.DeliveryContext(isRedelivery=False),
            **fields,
        )
        made: Event = json.loads(event.to_json())
        return made
