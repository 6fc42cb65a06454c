"""How fresh what is told about places is: what is overdue, what soon will be, what nobody has confirmed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Literal

from bot.content.codec import Document
from bot.content.diff import title_of
from bot.frozen import dataclass

SOON = timedelta(days=30)
USUAL = timedelta(days=182)
"""Until when a place is looked at again, when nobody said how often."""

State = Literal["overdue", "soon", "unconfirmed", "paused"]
ORDER: tuple[State, ...] = ("overdue", "soon", "unconfirmed", "paused")
KINDS = ("resource", "event_series", "hotline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """One document to look at. `due` is the day it was, or is, to be looked at again."""

    kind: str
    name: str
    title: str
    owner: str
    state: State
    due: date | None


def stale(documents: Iterable[Document], today: date) -> list[Stale]:
    """Everything to look at: what is overdue first, the longest first."""
    found = [one for document in documents if (one := _stale(document, today)) is not None]
    return sorted(found, key=lambda one: (ORDER.index(one.state), one.due or date.max, one.title))


def _stale(document: Document, today: date) -> Stale | None:
    body = document.body
    if document.kind not in KINDS or body.get("status", "active") != "active" or body.get("always"):
        return None
    source = body.get("source")
    source = source if isinstance(source, Mapping) else {}
    due = _day(source.get("recheck_by")) or _day(body.get("checked_until"))
    state: State
    if body.get("paused"):
        state = "paused"
    elif due is not None and due < today:
        state = "overdue"
    elif due is not None and due <= today + SOON:
        state = "soon"
    elif _day(source.get("checked_on")) is None and due is None:
        state = "unconfirmed"
    else:
        return None
    title, owner = title_of(document.kind, document.name, body), str(body.get("owner") or "")
    return Stale(kind=document.kind, name=document.name, title=title, owner=owner, state=state, due=due)


def still_right(body: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The same, looked at today; to be looked at again after as long as last time, or after half a year."""
    source = dict(body.get("source") or {})
    before, due = _day(source.get("checked_on")), _day(source.get("recheck_by"))
    after = due - before if before and due and due > before else USUAL
    source |= {"checked_on": today.isoformat(), "recheck_by": (today + after).isoformat()}
    return {**body, "source": source}


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
