"""Reports, put together from daily counters and from what was public (docs/report.md)."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import Connection

from bot.clock import Clock
from bot.content.library import Library
from bot.errors import BadInput
from bot.handoff.hours import TOKYO
from bot.report import measures, periods
from bot.report.measures import Places, Report
from bot.report.periods import Kind, Period
from bot.store import counts
from bot.store.database import Database


class Reports:
    """Makes reports of periods that are over."""

    def __init__(self, database: Database, library: Library, clock: Clock, operator_id: str) -> None:
        self._database, self._library, self._clock = database, library, clock
        self._operator_id = operator_id

    def newest(self, kind: Kind = Kind.QUARTER) -> Period:
        """The newest period of a kind that is over."""
        return periods.newest(kind, self._clock.now().astimezone(TOKYO).date())

    def is_over(self, period: Period) -> bool:
        return period.is_over(self._clock.now().astimezone(TOKYO).date())

    async def of(self, period: Period) -> Report:
        """Raises BadInput for a period that is not over: two looks at it would tell what came between."""
        if not self.is_over(period):
            raise BadInput("This period is not over yet. A report is made when it is.")
        return await self._database.read(self._of, period)

    def _of(self, connection: Connection, period: Period) -> Report:
        counted: dict[date, dict[str, int]] = {}
        for one in (period, period.year_before):
            counted |= counts.by_month(connection, self._operator_id, measures.READ, one.first, one.last)
        now, before = (self._places(connection, one) for one in (period, period.year_before))
        if now is None:
            raise BadInput("Nothing was public in this period.")
        return measures.report(period, counted, now, before)

    def _places(self, connection: Connection, period: Period) -> Places | None:
        """What was public when a period ended."""
        end = datetime.combine(period.after.first, time(), TOKYO)
        pack = self._library.as_of(connection, end)
        return measures.places(pack.resources.values(), period.last) if pack is not None else None
