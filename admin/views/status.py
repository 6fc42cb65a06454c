"""How the entrances and our own machinery are, in words: for leads and operators. Nothing of any person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web
from sqlalchemy import Connection

from admin.guard import session_of
from admin.views import alerts, labels, times
from admin.views.pages import Pages
from admin.words import Words, words_of
from bot.handoff.alerts import Standing
from bot.runtime.retention import LATE, NAME
from bot.store import chores, outbox
from bot.store.accounts import Account
from bot.store.backup import NAME as BACKUP

if TYPE_CHECKING:
    from admin.app import Console

SKEWED = timedelta(seconds=30)

WEEK = timedelta(days=7)
LATE_BACKUP = timedelta(hours=36)  # one a day, and some hours of patience


class StatusPage:
    """The page of entrances and machinery."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/status", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        accounts = await self._console.accounts()
        standing = await self._console.alerts.standing()
        kept = await self._console.database.read(forgotten_at)
        saved = await self._console.database.read(chores.last_done, BACKUP)
        lost = await self._console.database.read(outbox.undelivered, now - WEEK)
        return self._pages.render(
            request,
            "status.html",
            session,
            rows=[row(t, now, one) for one in accounts],
            sentence=sentence(t, accounts),
            told=alerts.told(t, now, standing),
            machinery=[*machinery(t, now, standing, kept), backed_up(t, now, saved), undelivered(t, lost)],
            clock=times.moment(t, now, now),
        )


def forgotten_at(connection: Connection) -> datetime | None:
    """When old data was last forgotten, to its end."""
    return chores.last_done(connection, NAME)


def backed_up(t: Words, now: datetime, saved: datetime | None) -> tuple[str, str, bool]:
    """When `engawa backup` last wrote one that could be read back."""
    said = t("Done at {time}", time=when(t, now, saved)) if saved is not None else t("None yet")
    return t("Backup"), said, saved is not None and now - saved <= LATE_BACKUP


def undelivered(t: Words, number: int) -> tuple[str, str, bool]:
    """How many messages did not arrive within a week, those of unknown outcome too."""
    said = (
        t.count("{n} in the last seven days", "{n} in the last seven days", number) if number else t("None")
    )
    return t("Messages that did not arrive"), said, not number


def sentence(t: Words, accounts: Sequence[Account]) -> str:
    """Whether anything is wrong with an entrance."""
    ailing = [one for one in accounts if one.ailment]
    if ailing:
        return t.count("{n} entrance needs a look.", "{n} entrances need a look.", len(ailing))
    return t("Nothing is known to be wrong with the entrances.")


def row(t: Words, now: datetime, one: Account) -> dict[str, object]:
    """An entrance: how it is, its last letter in and out, its last failure and why, what is left of its pushes."""
    marks, checked = one.marks, one.checked
    failed = ""
    if marks.failed_at is not None:
        reason = t(labels.NOT_SENT_BECAUSE.get(marks.failure_code or "", labels.NO_REASON))
        failed = t("{time}: {reason}", time=times.moment(t, now, marks.failed_at), reason=reason)
    skew = checked.clock_skew if checked is not None else None
    return {
        "name": labels.entrance(t, one.account_id),
        "state": labels.ailing(t, one) or t("Things arrive."),
        "ails": bool(one.ailment),
        "since": times.since(t, now, one.ails_since) if one.ails_since else "",
        "received": when(t, now, marks.received_at),
        "sent": when(t, now, marks.sent_at),
        "failed": failed or t("None"),
        "quota": t("{n} left this month", n=checked.quota_left)
        if checked is not None and checked.quota_left is not None
        else t("Not counted here"),
        "held": checked.pending if checked is not None and checked.pending else 0,
        "skew": t("About {n} seconds apart", n=round(abs(skew)))
        if skew is not None and abs(skew) > SKEWED.total_seconds()
        else t("Together"),
    }


def when(t: Words, now: datetime, at: datetime | None) -> str:
    return times.moment(t, now, at) if at is not None else t("None yet")


def machinery(
    t: Words, now: datetime, standing: Standing, forgotten: datetime | None
) -> list[tuple[str, str, bool]]:
    """What watches over us: the round, the ways alerts take, and forgetting. Name, words, whether it is well."""
    watch = standing.watch
    late = forgotten is None or now - forgotten > LATE
    return [
        (
            t("Synthetic round"),
            t("Passed at {time}", time=when(t, now, watch.passed_at))
            if watch is not None and not watch.is_failing
            else t("None yet")
            if watch is None
            else t("Did not pass"),
            watch is None or not watch.is_failing,
        ),
        (
            t("Ways of alerts"),
            t("Somebody is named")
            if standing.named
            else t("Nobody is named: alerts stand in this console only."),
            standing.named and not standing.not_working,
        ),
        (
            t("Forgetting what is old"),
            t("Done at {time}", time=when(t, now, forgotten)) if not late else t("Not done for a day"),
            not late,
        ),
    ]
