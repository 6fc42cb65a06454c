"""The lines of the queue. Who looks at the same queue in the same minute shares them: fifty may look at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup

from admin.views import labels, times
from admin.words import Words
from bot.handoff.flags import standing
from bot.store.tickets import Waiting

WAITING, MINE, TEAM, RESTING = "waiting", "mine", "team", "resting"
MOST = 1_000  # lines kept; they hold names and why somebody is here, so for a minute at most


class Ledger:
    """Draws lines, and keeps each until the minute is over: the words of time change with it."""

    def __init__(self, draw: Callable[..., Markup], desk_name: Callable[[str], str]) -> None:
        self._draw, self._desk_name = draw, desk_name
        self._minute = 0
        self._drawn: dict[Hashable, Markup] = {}

    def lines(
        self,
        t: Words,
        now: datetime,
        group: str,
        found: Sequence[Waiting],
        stopped: Collection[str],
        *,
        opens: bool,
    ) -> list[Markup]:
        """Each as HTML. `stopped`: contacts to whom words of this member did not leave."""
        minute = int(now.timestamp() // times.MINUTE)
        if minute != self._minute or len(self._drawn) > MOST:
            self._minute, self._drawn = minute, {}
        lines = []
        for number, waiting in enumerate(found):
            is_on, is_stopped = group == WAITING and not number, waiting.ticket.contact_id in stopped
            key = (t.language, group, opens, is_on, is_stopped, waiting)
            if key not in self._drawn:
                desk = self._desk_name(waiting.ticket.desk_id)
                said: Any = row(t, now, group, waiting, desk, is_stopped=is_stopped, opens=opens)
                self._drawn[key] = self._draw(t, labels, said, group, is_on)
            lines.append(self._drawn[key])
        return lines


def row(
    t: Words,
    now: datetime,
    group: str,
    waiting: Waiting,
    desk: str,
    *,
    is_stopped: bool,
    opens: bool,
) -> dict[str, object]:
    """A line of the ledger, in words. `opens`: whether who looks may open it."""
    ticket = waiting.ticket
    at = ticket.claimed_at or ticket.opened_at if group in (MINE, TEAM) else ticket.opened_at
    return {
        "id": ticket.id,
        "level": ticket.priority,
        "nickname": waiting.nickname,
        "why": labels.why(t, standing(ticket, now)),
        "wait": times.waited(t, now, at) if group != RESTING else times.moment(t, now, at),
        "since": times.since(t, now, at) if group != RESTING else "",
        "at": times.exact(at),
        "remarks": remarks(t, now, group, waiting, is_stopped=is_stopped),
        "desk": desk,
        "entrance": labels.entrance(t, waiting.account_id),
        "opens": opens,
    }


def remarks(t: Words, now: datetime, group: str, waiting: Waiting, *, is_stopped: bool = False) -> list[str]:
    """What to know before opening it: words that did not leave, when an answer was told, who stands in."""
    said = []
    if is_stopped:
        said.append(t("Words of yours were not sent"))
    if waiting.ticket.promised_at is not None and group != RESTING:
        said.append(promised(t, now, waiting.ticket.promised_at))
    if waiting.stand_in and group != RESTING:
        said.append(t("Stands in: {name}", name=waiting.stand_in))
    if not waiting.reachable:
        said.append(t("Receiving is paused on their side"))
    if waiting.keeper and group == TEAM:
        said.append(t("With {name}", name=waiting.keeper))
    if waiting.keeper and group == WAITING:
        said.append(t("{name} took care of it before", name=waiting.keeper))
    if waiting.keeper and group == RESTING:
        said.append(t("{name} took care of it", name=waiting.keeper))
    if waiting.ticket.wishes and group != RESTING:
        said.append(t("There are wishes for how to go on"))
    return said


def promised(t: Words, now: datetime, at: datetime) -> str:
    """The time the person was told; past it, that it has passed, as a sentence."""
    if at >= now:
        return t("Told to answer around {time}", time=times.moment(t, now, at))
    late = int((now - at).total_seconds() // times.MINUTE)
    if late >= times.HOUR // times.MINUTE:
        return t("The promised time ({time}) has passed", time=times.moment(t, now, at))
    return t("{n} minutes past the promised time", n=max(1, late))
