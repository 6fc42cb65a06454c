"""`engawa report`: a month, a quarter or a year in lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from bot.clock import SystemClock
from bot.config import Settings
from bot.content.library import Library
from bot.report import periods
from bot.report.measures import LEVELS, Report, Wait
from bot.report.suppress import LEAST, Figure
from bot.reporting import Reports
from bot.store.database import Database
from bot.store.migrate import DEFAULT_OPERATOR


async def told(settings: Settings, text: str) -> str:
    """The report of a period, the last quarter if none is named. Raises BadInput."""
    database = Database.open(settings.database_url)
    try:
        reports = Reports(database, Library(DEFAULT_OPERATOR), SystemClock(), DEFAULT_OPERATOR)
        found = await reports.of(periods.parse(text) if text else reports.newest())
    finally:
        await database.close()
    return "".join(f"{line}\n" for line in lines(found))


def lines(found: Report) -> Iterator[str]:
    """A report in plain words."""
    places, before = found.places, found.places_before
    yield f"Report of {found.period}"
    yield ""
    yield f"places listed: {places.listed} ({places.fresh} checked and not yet due to be checked again)"
    for kind, number in places.by_kind.items():
        was = f" (a year before: {before.by_kind.get(kind, 0)})" if before is not None else ""
        yield f"  {kind}: {number}{was}"
    yield f"groups that agreed to be listed: {places.agreed}; with dates: {places.dated}"
    yield f"anonymous uses: {said(found.uses)} (a year before: {said(found.uses_before)})"
    yield f"entries opened: {said(found.opened)}"
    yield f"talks with a person wished: {said(found.wished)} (a year before: {said(found.wished_before)})"
    yield f"conversations taken by a person: {said(found.answered)}"
    yield f"load by weight: {said(found.load)}"
    yield "first human reply:"
    for wait in found.waits:
        yield f"  {LEVELS[wait.level]}: {said(wait.answered)} answered{_waited(wait)}"
    yield "searches without a fitting entry:"
    for name, gap in found.gaps.items():
        yield f"  {name or 'in all'}: {said(gap)}"
    yield ""
    yield f"Numbers under {LEAST} are not told, nor what would tell them by subtraction."
    yield "Made from daily sums only. Work, school, illness and 'solved' are not counted, nor is anything per person."


def said(figure: Figure) -> str:
    """A number as it may be told."""
    if figure.number is None:
        return f"under {LEAST}"
    return f"at least {figure.number}" if figure.at_least else str(figure.number)


def _waited(wait: Wait) -> str:
    if wait.median is None:
        return ""
    band = f", eight of ten in {wait.low} to {wait.high}" if wait.low is not None else ""
    return f", median {wait.median} minutes{band}"
