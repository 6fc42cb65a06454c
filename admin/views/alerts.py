"""Alerts in words: what is not over, who was told, and that somebody has seen it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import session_of
from admin.views import times
from admin.views.pages import Pages
from admin.words import Words, marked, words_of
from bot.handoff.alerts import Standing
from bot.handoff.escalation import Kind
from bot.store.alert_sends import Open
from bot.store.reach import OWN

if TYPE_CHECKING:
    from admin.app import Console

ALERT = "/alerts/{alert:[0-9a-f]{32}}/acknowledge"
KINDS: dict[str, str] = {
    Kind.UNCLAIMED: marked("Somebody waits, and nobody has taken it"),
    Kind.UNDELIVERABLE: marked("What was sent has not arrived"),
    Kind.ROUND: marked("The synthetic round did not pass"),
}
STEPS: dict[str, str] = {
    "desk": marked("the desk"),
    "next": marked("the next person"),
    "lead": marked("the duty lead"),
    "phone": marked("the duty phone"),
}


class Alarms:
    """The page of alerts."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/alerts", self.show), web.post(ALERT, self.acknowledge)]

    async def show(self, request: web.Request) -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        rows = [row(t, now, one) for one in await self._console.alerts.open(session.member)]
        return self._pages.render(
            request,
            "alerts.html",
            session,
            rows=rows,
            sentence=t.count("{n} alert is open.", "{n} alerts are open.", len(rows))
            if rows
            else t("No alert is open."),
            told=told(t, now, await self._console.alerts.standing()),
            clock=times.moment(t, now, now),
        )

    async def acknowledge(self, request: web.Request) -> web.Response:
        await self._console.alerts.acknowledge(session_of(request).member, request.match_info["alert"])
        raise web.HTTPSeeOther("/admin/alerts")


def row(t: Words, now: datetime, one: Open) -> dict[str, object]:
    """A line of the ledger."""
    seen = ""
    if one.alert.acknowledged_at is not None:
        seen = t("{name} has seen it", name=one.acknowledged_by or t("Somebody"))
    return {
        "id": one.alert_id,
        "ticket": one.ticket_id,
        "level": one.alert.level,
        "what": t(KINDS.get(one.alert.kind, one.alert.kind)),
        "since": times.since(t, now, one.alert.raised_at),
        "at": times.exact(one.alert.raised_at),
        "told": [
            t("Told: {whom}", whom=whom(t, name))
            if arrived
            else t("Not delivered to {whom}", whom=whom(t, name))
            for name, arrived in one.told
        ],
        "seen": seen,
    }


def whom(t: Words, target: str) -> str:
    """A target in words: the step it stands for or the name of a member, never an address."""
    step, _, number = target.partition("/")
    if target.startswith(OWN):
        return target.removeprefix(OWN)
    return f"{t(STEPS[step])} {number}" if step in STEPS else target


def told(t: Words, now: datetime, standing: Standing) -> list[str]:
    """How telling is: nothing to say where all is well."""
    said = []
    if standing.undelivered:
        said.append(
            t.count("{n} alert has reached nobody.", "{n} alerts have reached nobody.", standing.undelivered)
        )
    names = ", ".join(whom(t, name) for name, _ in standing.not_working)
    if names:
        said.append(t("Telling {whom} does not work at present.", whom=names))
    last = standing.watch
    if last is not None and last.is_failing and last.failed_at is not None:
        said.append(
            t("The synthetic round did not pass at {time}.", time=times.moment(t, now, last.failed_at))
        )
    if last is not None and last.ping_code:
        said.append(t("The outside monitor cannot be told at present."))
    return said
