"""Flows as staff write them: named steps of a few fixed kinds. There is no scripting language, on purpose.

A target is `step` (same flow) or `FLOW/step`. Choices map a label to a target; a label is at most 20 characters.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec

STANDARD_EXITS = "std"
NO_EXITS = "none"


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which places or dates a list step shows. Empty means: no condition.

    `without`: face, voice, name, of which none may be needed. `age` is a band of years, both ends included.
    `use` names answers that narrow the search: `area`, or any whose labels `wishes` explains (R-036, R-104).
    """

    kinds: tuple[str, ...] = ()
    audience: str = ""
    online: bool = False
    dated: bool = False
    interests: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    age: tuple[int, int] | None = None
    far: bool = False
    use: tuple[str, ...] = ()
    limit: int = 3


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every kind of step has. `save` names the answer under which the tapped label is kept; labels in `skip`
    keep none. A choice with a condition in `when` (one of `nodes.CONDITIONS`, or `not` and one) is only shown then.
    `title` is what staff call the step: it may change at any time, its id may not, since people stand at it.
    """

    title: str = ""
    say: tuple[str, ...] = ()
    choices: dict[str, str] = {}
    when: dict[str, str] = {}
    exits: str = STANDARD_EXITS
    save: str = ""
    skip: tuple[str, ...] = ()
    note: str = ""

    def option(self, key: str) -> tuple[str, str] | None:
        """The (label, target) of a choice by its key; None when the step has no such choice (any more)."""
        for label, target in self.choices.items():
            if choice_key(label) == key:
                return label, target
        return None


class Say(Step, frozen=True, kw_only=True, tag="say"):
    """Says something and goes on to `to`."""

    to: str


class Menu(Step, frozen=True, kw_only=True, tag="menu"):
    """Says something and waits for a tap. Without choices the exits remain."""


class Ask(Step, frozen=True, kw_only=True, tag="ask"):
    """Waits for free text (kept as answer `save`, if named) or a tap, then goes on to `to`.

    With `pause` seconds, a burst of messages is answered once, after that long a silence (R-035).
    """

    to: str
    pause: int = 0


class ShowResources(Step, frozen=True, kw_only=True, tag="show_resources"):
    """Lists up to three places of at least two kinds where there are (R-021, R-092); `each` shows one of them."""

    query: Query = Query()
    each: str = ""


class ShowEvents(Step, frozen=True, kw_only=True, tag="show_events"):
    """Lists dates. Only exact or confirmed dates are printed as dates (R-098)."""

    query: Query = Query()
    each: str = ""


class ShowEntry(Step, frozen=True, kw_only=True, tag="show_entry"):
    """Shows the one place chosen from a list before, in full."""


class Handoff(Step, frozen=True, kw_only=True, tag="handoff"):
    """Hands the thread to people. What is told must be true whenever it is told; then waits for a tap."""

    reason: str = "request"


class Prefer(Step, frozen=True, kw_only=True, tag="prefer"):
    """Changes how quiet we are: `silent` sends without a sound, `hush_days` sends nothing unasked for so long."""

    silent: bool | None = None
    hush_days: int | None = None


class Withdraw(Step, frozen=True, kw_only=True, tag="withdraw"):
    """Takes a request for a person back, without asking why (R-022)."""


class Forget(Step, frozen=True, kw_only=True, tag="forget"):
    """Erases everything about the person, at once (R-073). The receipt comes from the texts."""


class Goto(Step, frozen=True, kw_only=True, tag="goto"):
    """Goes on to `to` without a word."""

    to: str


class End(Step, frozen=True, kw_only=True, tag="end"):
    """Says something and ends the session; its choices still work."""


class Keep(Step, frozen=True, kw_only=True, tag="keep"):
    """Puts the place shown last into the person's list (`entry`), or puts away what they wrote (`written`) or wish
    for a talk with a person (`wishes`)."""

    what: str = "entry"


class Drop(Step, frozen=True, kw_only=True, tag="drop"):
    """Takes one sort of what a person keeps away, at once: one of `mine.DROPPABLE`."""

    what: str


class ShowSaved(Step, frozen=True, kw_only=True, tag="show_saved"):
    """Lists what the person put away, newest first; `each` shows one of them."""

    each: str = ""


class Bring(Step, frozen=True, kw_only=True, tag="bring"):
    """From here on, what was written is handed over along with a request (`written`), or is not; goes on to `to`."""

    written: bool = True
    to: str


class Notice(Step, frozen=True, kw_only=True, tag="notice"):
    """One message before the next date of the place shown last, so many `days` ahead (R-101)."""

    days: int = 1


class Letters(Step, frozen=True, kw_only=True, tag="letters"):
    """Letters from now on, `every` month or season (R-085)."""

    every: str


class Read(Step, frozen=True, kw_only=True, tag="read"):
    """Lists up to three articles on a topic, the shortest first; `each` shows one of them."""

    topic: str = ""
    each: str


class Page(Step, frozen=True, kw_only=True, tag="page"):
    """Shows a page of the article chosen before; a choice that leads here again shows the next one."""


class Count(Step, frozen=True, kw_only=True, tag="count"):
    """Adds one to a daily count that belongs to nobody (R-123), and goes on to `to`."""

    name: str
    to: str


class Resume(Step, frozen=True, kw_only=True, tag="resume"):
    """Goes on at the last place outside this flow; at the start when there is none (R-027).

    With `answered`, a place that asked for something goes on as if it had been told there: the answer was chosen here.
    """

    answered: bool = False


AnyStep = (
    Say
    | Menu
    | Ask
    | ShowResources
    | ShowEvents
    | ShowEntry
    | Handoff
    | Prefer
    | Withdraw
    | Forget
    | Goto
    | End
    | Keep
    | Drop
    | ShowSaved
    | Bring
    | Notice
    | Letters
    | Read
    | Page
    | Count
    | Resume
)


LISTS = (ShowResources, ShowEvents, ShowSaved, Read)
"""Kinds that list things, of which `each` shows one."""

PAGED = (*LISTS, Page)
"""Kinds that go on to their next page when they are chosen again."""

PLACES = (Menu, Ask, ShowResources, ShowEvents, ShowEntry, ShowSaved, Read, Page)
"""Kinds a person can come back to. The others pass, end, or do something that must not be done twice by itself."""


PASSING = (Say, Goto, Bring, Count)
"""Kinds that go on by themselves."""

MAY_BE_SILENT = (Goto, Bring, Count, Resume, Forget, Page)
"""Kinds that need no words of their own."""


class Flow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One flow: entry words, and steps by id. The first step is where it begins."""

    id: str
    name: str
    entry: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    steps: dict[str, AnyStep]

    @property
    def first(self) -> str:
        return f"{self.id}/{next(iter(self.steps))}"


@lru_cache(maxsize=4096)
def choice_key(label: str) -> str:
    """A short, stable name of a choice within its step: survives reordering, fits Telegram's 64 bytes."""
    return hashlib.blake2b(label.encode(), digest_size=4).hexdigest()


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What many ask in words of their own. Asked is what has a word of every group in `all`, and none of `unless`."""

    id: str
    leads_to: str
    all: tuple[tuple[str, ...], ...]
    unless: tuple[str, ...] = ()


def entry_key(place: int, entry_id: str) -> str:
    """The key of 「1を見る」: it names the entry, so that a button of an older list still shows what it showed."""
    return f"r{place}.{choice_key(entry_id)}"


def choice_id(flow: str, step: str, key: str) -> str:
    return f"{flow}/{step}/{key}"


def resolve(target: str, flow: str) -> tuple[str, str]:
    """The (flow, step) a target means, seen from a step of `flow`."""
    head, _, tail = target.partition("/")
    return (head, tail) if tail else (flow, head)
