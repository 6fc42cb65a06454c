"""Shared vocabulary of the edges and the core: who wrote, what came in, what we say. Imports nothing of ours.

Texts, platform ids and tokens are left out of every `repr`, so that no log line or traceback can carry them.
"""

from __future__ import annotations

import uuid
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.frozen import dataclass, replace

EXIT_LATER = "exit/later"
EXIT_STOP = "exit/stop"
EXIT_PERSON = "exit/person"
EXITS = (EXIT_LATER, EXIT_STOP, EXIT_PERSON)
"""The three ways out of every step (R-018). They stand above the field on the web, in the keyboard elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A person on one channel account. Exists only at the edges and in the sealed column (R-071)."""

    account: str
    key: str = field(repr=False)


HINT_FRESH = timedelta(seconds=50)
"""How long a reply hint is used and kept. LINE: "use within one minute"; the rest is for the way there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyHint:
    """A free, single-use way to answer (LINE's reply token), good for about a minute after `received_at`."""

    token: str = field(repr=False)
    received_at: datetime


class Kind(StrEnum):
    """What came in. `UNSUPPORTED` is signed but unreadable to us: stored, answered gently, never dropped."""

    TEXT = "text"
    CHOICE = "choice"
    STICKER = "sticker"
    JOINED = "joined"
    LEFT = "left"
    UNSENT = "unsent"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One event of one person, stripped of names and profile fields by the channel that parsed it.

    `message_key` is the platform's name of the message: one that is taken back (`UNSENT`) is found by it. `entry`
    is the place code of a poster or a link, as it came in; it is counted in total only (R-124). `keywords` are
    what the platform says a sticker means; the content makes a word of them.
    """

    address: Address
    dedupe_key: str = field(repr=False)
    sent_at: datetime
    kind: Kind
    text: str = field(default="", repr=False)
    choice_id: str = field(default="", repr=False)
    message_key: str = field(default="", repr=False)
    entry: str = field(default="", repr=False)
    keywords: tuple[str, ...] = field(default=(), repr=False)
    reply_hint: ReplyHint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One tap. `id` is at most 64 bytes (Telegram callback_data), `label` at most 20 characters (LINE)."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDate:
    month: int
    day: int
    weekday: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A place, a date or a line to call. What nobody has checked is named in `unknown`, not left out (R-096)."""

    kind: str
    title: str
    subtitle: str = ""
    date: CardDate | None = None
    facts: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    unknown_label: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one turn says, free of any channel. At most three bubbles of 120 characters (R-038)."""

    texts: tuple[str, ...] = field(default=(), repr=False)
    cards: tuple[Card, ...] = field(default=(), repr=False)
    choices: tuple[Choice, ...] = field(default=(), repr=False)
    silent: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.texts or self.cards)

    def followed_by(self, *texts: str, choices: tuple[Choice, ...] = ()) -> Reply:
        """The same reply with more bubbles after it and more choices before its own."""
        return replace(self, texts=(*self.texts, *texts), choices=(*choices, *self.choices))


class Purpose(StrEnum):
    """Why a message leaves the house. `LATE`: the line to somebody whose answers became stale on their way.

    `MOVE` gets a link to the web chat as it leaves; the link itself is stored nowhere (decision 009).
    """

    BOT = "bot"
    LATE = "late"
    SAFETY = "safety"
    RECEIPT = "receipt"
    HIDE = "hide"
    STOP = "stop"
    COUNSELOR = "counselor"
    MOVE = "move"
    CORRECTION = "correction"


SILENCED_BY_CLAIM = frozenset({Purpose.BOT, Purpose.LATE, Purpose.CORRECTION})
"""What a claim stops (`docs/modes.md`): everything the machine says, but the exceptions every person is owed."""

GROWS_STALE = frozenset({Purpose.BOT})
"""What is dropped when it could not leave in time: menus and lists, never what a person is owed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One send: all that one turn says, with what is known of earlier tries.

    `key` is the same on every try (LINE's retry key). `may_have_arrived`: an earlier try had no clear outcome.
    """

    contact_id: str
    seq: int
    address: Address
    reply: Reply
    purpose: Purpose
    attempt: int
    queued_at: datetime
    may_have_arrived: bool = False
    earlier_via: str | None = None
    earlier_error: str | None = None
    via: str = ""
    hint: ReplyHint | None = field(default=None, repr=False)

    @property
    def key(self) -> uuid.UUID:
        return uuid.uuid5(uuid.UUID(self.contact_id), f"out/{self.seq}")

    def part_key(self, part: int) -> uuid.UUID:
        """The key of a further call, when one call cannot hold all this turn says."""
        return uuid.uuid5(uuid.UUID(self.contact_id), f"out/{self.seq}/{part}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A send that must wait although nothing failed, e.g. while little is left of a quota. `code` tells staff why."""

    until: datetime
    code: str


HELD_FOR_QUOTA = ("quota", "quota_low")
"""Codes of what waits because no push, or few, are left: a free answer need not wait behind it."""
