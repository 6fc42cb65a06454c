"""The report as a page: sentences first, then quiet charts. What is not counted is said at its foot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from markupsafe import Markup

from admin.guard import session_of
from admin.views.pages import Pages
from admin.words import Words, marked, words_of
from bot.errors import BadInput, NotFound
from bot.handoff.risk import Level
from bot.report import chart, periods
from bot.report.chart import Bar, Span
from bot.report.measures import Report, Wait
from bot.report.periods import Kind, Period
from bot.report.suppress import Figure

if TYPE_CHECKING:
    from admin.app import Console

MOST_KINDS = 8
LEVELS = {
    Level.EMERGENCY: marked("Emergency"),
    Level.HIGH: marked("High"),
    Level.CONCERN: marked("Concern"),
    Level.NONE: marked("Others"),
}
KINDS = {Kind.MONTH: marked("Month"), Kind.QUARTER: marked("Quarter"), Kind.YEAR: marked("Year")}


class ReportPage:
    """The page of reports."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/report", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        session, t = session_of(request), words_of(request)
        reports = self._console.reports
        period = self._period(request)
        found = await reports.of(period)
        return self._pages.render(
            request,
            "report.html",
            session,
            title=name_of(t, period),
            found=found,
            lead=lead(t, found),
            kinds=[
                (kind is period.kind, t(word), str(self._nearest(period, kind)))
                for kind, word in KINDS.items()
            ],
            earlier=str(period.before),
            later=str(period.after) if reports.is_over(period.after) else "",
            places=Markup(chart.bars(kinds(self._console, found), t("Places listed"))),  # noqa: S704 - escaped there
            fresh=t(
                "{n} of {all} were checked, and need no new check yet.",
                n=found.places.fresh,
                all=found.places.listed,
            ),
            groups=t(
                "{n} agreed to be listed; {dated} have dates.",
                n=found.places.agreed,
                dated=found.places.dated,
            ),
            waits=Markup(chart.spans([span(t, wait) for wait in found.waits], t("Wait until a human reply"))),  # noqa: S704
            answered=t("A person took {n} conversations.", n=said(t, found.answered)),
            load=t("Load by weight: {n}", n=said(t, found.load)),
            gaps=[(name or t("in all"), said(t, number)) for name, number in found.gaps.items()],
        )

    def _period(self, request: web.Request) -> Period:
        text = request.query.get("period", "")
        try:
            return periods.parse(text) if text else self._console.reports.newest()
        except BadInput as error:
            raise NotFound from error

    def _nearest(self, period: Period, kind: Kind) -> Period:
        """The same time as another kind of period, or the newest of that kind that is over."""
        wanted = period.of_kind(kind)
        return wanted if self._console.reports.is_over(wanted) else self._console.reports.newest(kind)


def name_of(t: Words, period: Period) -> str:
    """A period in words."""
    first, last = period.first, period.last
    if period.kind is Kind.YEAR:
        return t("{year}", year=first.year)
    if period.kind is Kind.MONTH:
        return t("{year}/{month}", year=first.year, month=first.month)
    return t("{year}/{month} to {last}", year=first.year, month=first.month, last=last.month)


def said(t: Words, figure: Figure) -> str:
    """A number as it may be told."""
    if figure.number is None:
        return t("under 5")
    return t("{n} or more", n=figure.number) if figure.at_least else str(figure.number)


def lead(t: Words, found: Report) -> list[str]:
    """What the numbers say, in sentences."""
    return [
        t(
            "Entries were opened {n} times, and a talk with a person was wished {m} times.",
            n=said(t, found.opened),
            m=said(t, found.wished),
        ),
        t(
            "It was used {n} times without a name; a year before: {m}.",
            n=said(t, found.uses),
            m=said(t, found.uses_before),
        ),
    ]


def kinds(console: Console, found: Report) -> list[Bar]:
    """Places by kind beside the year before."""
    before = found.places_before
    return [
        Bar(
            label=console.kind_name(kind),
            number=number,
            words=str(number),
            before=before.by_kind.get(kind, 0) if before is not None else None,
        )
        for kind, number in list(found.places.by_kind.items())[:MOST_KINDS]
    ]


def span(t: Words, wait: Wait) -> Span:
    """A level's wait."""
    label = t(LEVELS[wait.level])
    if wait.median is None:
        return Span(label=label, words=t("under 5"))
    band = ""
    if wait.low is not None and wait.high is not None and wait.low < wait.high:
        band = f"{minutes(t, wait.low)} – {minutes(t, wait.high)}"
    return Span(
        label=label,
        words=minutes(t, wait.median),
        band=band,
        median=wait.median,
        low=wait.low,
        high=wait.high,
    )


def minutes(t: Words, number: int) -> str:
    """A wait as people say it; what is longer than is counted, as more."""
    if number > 2880:
        return t("over two days")
    if number >= 120:
        return t("{n} h", n=round(number / 60))
    return t("{n} min", n=number)
