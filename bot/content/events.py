"""Gatherings as staff write them: series that recur, and single days. None means nobody has told us (R-096)."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from bot.content.model import Source
from bot.content.schedule import Schedule, check_times

State = Literal["confirmed", "planned", "cancelled", "moved"]
AUDIENCE = ("self", "family", "supporter", "community")


class Particulars(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What there is to know about coming. A day takes from its series what it does not say itself, a series from
    its place. `venue` is where, `directions` how to come, `capacity` a number of people, `audience` for whom."""

    summary: str | None = None
    prefecture: str | None = None
    municipality: str | None = None
    audience: tuple[str, ...] | None = None
    venue: str | None = None
    directions: str | None = None
    online: bool | None = None
    capacity: int | None = None
    residence: str | None = None
    reservation: str | None = None
    cost: str | None = None
    contact: str | None = None
    url: str | None = None


class EventSeries(Particulars, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that takes place again and again. While it is `planned` or `cancelled` no date of its schedule is
    told; `resource` is the place or group it belongs to; `uid` is its name in the calendar it was imported from."""

    id: str
    name: str
    kind: str = "event"
    resource: str = ""
    schedule: Schedule
    state: Literal["confirmed", "planned", "cancelled"] = "confirmed"
    source: Source | None = None
    agreement: str = "unknown"
    listed: bool = True
    uid: str = ""


class Event(Particulars, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A single day, up to `last` where it takes several. Alone, or one day of a `series` (or of a resource with a
    schedule): a confirmed date of what is else told roughly, one that is cancelled, or one `moved` here from `was`.

    Only while `confirmed` or `moved` is its `day` printed as a date (R-098). `planned` prints `wording`.
    """

    id: str
    name: str = ""
    kind: str = ""
    series: str = ""
    state: State = "confirmed"
    wording: str = ""
    day: date | None = None
    last: date | None = None
    was: date | None = None
    begins: str | None = None
    ends: str | None = None
    source: Source | None = None
    agreement: str = "unknown"
    listed: bool = True
    uid: str = ""

    def __post_init__(self) -> None:
        check_times(self.begins, self.ends)


DATED_TYPES: dict[str, type[msgspec.Struct]] = {"event_series": EventSeries, "event": Event}
"""The kinds of document of this module; `codec` adds them to the others."""
