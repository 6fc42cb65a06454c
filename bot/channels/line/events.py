"""Webhook events of LINE, one by one: what a person did, or a place with several people in it. Pure.

Kinds and fields: LINE's webhook.yml; a kind newer than that is `UNSUPPORTED`, and never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

from bot.channels.parsing import instant
from bot.frozen import dataclass
from bot.messages import Address, Inbound, Kind, ReplyHint

TOKEN_ENDS = timedelta(minutes=20)  # after the event, however late it was brought
MOST_KEYWORDS = 15  # of a sticker
WORDLESS = frozenset(
    {"accountLink", "activated", "beacon", "botResumed", "botSuspended", "deactivated", "delivery", "join"}
    | {"leave", "memberJoined", "memberLeft", "membership", "module", "videoPlayComplete"}
)
"""Known kinds in which nobody says anything: answering them would be an unasked message (R-011)."""
LEFT_BEHIND = frozenset({"leave"})
PLACES = {"group": "groupId", "room": "roomId"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A group or room we are in and must leave. `token` may say one line there; only a join brings one."""

    kind: str
    key: str = field(repr=False)
    token: str = field(default="", repr=False)


def read(account: str, event: Any, now: datetime) -> Inbound | Place | None:
    """What one event means to us; None for what is nobody's word to us: standby mode, links, beacons."""
    if not isinstance(event, dict) or event.get("mode") == "standby":
        return None
    kind, source = _name(event.get("type")), event.get("source")
    if not isinstance(source, dict):
        return None
    if _name(source.get("type")) in PLACES:
        return _place(kind, event, source)
    user, event_id = _name(source.get("userId")), _name(event.get("webhookEventId"))
    if source.get("type") != "user" or kind in WORDLESS or not (user and event_id):
        return None
    sent_at = instant(event.get("timestamp"), 1000, now)
    return Inbound(
        address=Address(account=account, key=user),
        dedupe_key=event_id,
        sent_at=sent_at,
        reply_hint=_hint(event.get("replyToken"), sent_at, now),
        **_meaning(kind, event),
    )


def _place(kind: str, event: Mapping[str, Any], source: Mapping[str, Any]) -> Place | None:
    """This service is for one person: a place with several is left whatever happens there, but its end."""
    key = _name(source.get(PLACES[source["type"]]))
    if kind in LEFT_BEHIND or not (key.isascii() and key.isalnum()):
        return None
    return Place(kind=source["type"], key=key, token=_name(event.get("replyToken")) if kind == "join" else "")


def _name(value: Any) -> str:
    """A text as it is, anything else as none."""
    return value if isinstance(value, str) else ""


def _hint(token: Any, sent_at: datetime, now: datetime) -> ReplyHint | None:
    """A token that may work. One that cannot is not tried: its refusal could pass for an earlier success."""
    if isinstance(token, str) and token and now - sent_at < TOKEN_ENDS:
        return ReplyHint(token=token, received_at=now)
    return None


def _meaning(kind: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an `Inbound` that tell what happened. What is unknown is stored and answered gently."""
    message = event.get("message")
    if kind in ("message", "messageEdited") and isinstance(message, dict):
        return {**_message(kind, message), "message_key": _name(message.get("id"))}
    match event:
        case {"type": "postback", "postback": {"data": str(data)}} if data:
            return {"kind": Kind.CHOICE, "choice_id": data}
        case {"type": "follow"}:
            return {"kind": Kind.JOINED}
        case {"type": "unfollow"}:
            return {"kind": Kind.LEFT}
        case {"type": "unsend", "unsend": {"messageId": str(key)}}:
            return {"kind": Kind.UNSENT, "message_key": key}
        case {"type": "unsend"}:
            return {"kind": Kind.UNSENT}
        case _:
            return {"kind": Kind.UNSUPPORTED}


def _message(event: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """Pictures, voices, files and places are neither fetched nor kept: only that something came."""
    match message:
        case {"type": "text", "text": str(text)}:
            return {"kind": Kind.TEXT, "text": text}  # what was put in by an edit must be read, too
        case {"type": "sticker"} if event == "message":
            if text := _name(message.get("text")):  # of a message sticker: the person's own words
                return {"kind": Kind.STICKER, "text": text}
            keywords = message.get("keywords")
            known: list[Any] = keywords if isinstance(keywords, list) else []
            words = tuple(word for word in known if isinstance(word, str))
            return {"kind": Kind.STICKER, "keywords": words[:MOST_KEYWORDS]}
        case _:
            return {"kind": Kind.UNSUPPORTED}
