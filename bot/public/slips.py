"""The page of a link for a small group: one form, no script, no account, nothing kept of who opened it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from aiohttp import web

from bot.channels.patience import Allowance, shared_by
from bot.channels.webchat.pages import is_foreign
from bot.channels.webhook import read_body
from bot.content.csv_import import HOLIDAYS
from bot.content.importing import Unfit
from bot.content.next_days import next_days
from bot.content.pack import Released
from bot.content.slip import TEXTS, filled, schedule_in
from bot.errors import BadInput, NotFound, TooLarge
from bot.handoff.hours import DAYS
from bot.slips import Slip, Slips

if TYPE_CHECKING:
    from bot.public.pages import PublicPages

MAX_FORM = 40_000
MAX_FIELDS = 24
BURST, EVERY = 30, 10.0  # so many at once from a network, then one in so many seconds


class SlipPages:
    """Shows a form, tries it, and takes it in."""

    def __init__(self, pages: PublicPages, slips: Slips) -> None:
        self._pages, self._slips = pages, slips
        self._allowance = Allowance(BURST, EVERY)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/slip/{token}", self.show), web.post("/slip/{token}", self.take)]

    async def show(self, request: web.Request) -> web.Response:
        return await self._answer(request, {})

    async def take(self, request: web.Request) -> web.Response:
        """With `do=send` it is taken in; else only looked at."""
        if is_foreign(request):
            raise web.HTTPForbidden
        try:
            raw = await read_body(request, MAX_FORM)
            form = dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except TooLarge as error:
            raise web.HTTPRequestEntityTooLarge(MAX_FORM, MAX_FORM + 1) from error
        except (BadInput, ValueError) as error:
            raise web.HTTPBadRequest from error
        if any(not sign.isprintable() and sign not in "\r\n" for said in form.values() for sign in said):
            raise web.HTTPBadRequest
        return await self._answer(request, form)

    async def _answer(self, request: web.Request, form: Mapping[str, str]) -> web.Response:
        network = shared_by(request)
        if network and not self._allowance.take(network):
            return web.Response(status=429, headers={"Retry-After": str(int(EVERY))})
        released = await self._pages.released()
        words, token = self._pages.words["slip"], request.match_info["token"]
        try:
            slip, problem = await self._slips.open(token), ""
            if form.get("do") == "send":
                problem = await self._sent(token, form, words["source"])
                if not problem:
                    return self._pages.page(released, "slip_done.html", here="slip")
        except NotFound:
            return self._pages.page(released, "slip_gone.html", status=404, here="slip")
        return self._form(released, request, slip, form, problem)

    async def _sent(self, token: str, form: Mapping[str, str], source: str) -> str:
        """What keeps it from being taken in; empty when it was."""
        try:
            await self._slips.take(token, form, source)
        except BadInput as error:
            return str(error)
        return ""

    def _form(
        self, released: Released, request: web.Request, slip: Slip, form: Mapping[str, str], problem: str = ""
    ) -> web.Response:
        values = filled(slip.kind, slip.body)
        values |= {name: form.get(name, "") for name in values} if form else {}
        days = list[str]()
        try:
            schedule = schedule_in(values, slip.body.get("schedule"))
            if schedule is not None:
                days = [said(one.day) for one in next_days(schedule, self._slips.today(), 5) if not one.doubt]
        except Unfit:
            problem = problem or self._pages.words["slip"]["unread"]
        return self._pages.page(
            released,
            "slip.html",
            status=400 if problem else 200,
            here="slip",
            title=slip.title,
            until=said(slip.until.date()),
            action=request.path,
            lines=TEXTS[slip.kind],
            pauses=slip.kind == "resource",
            values=values,
            holidays=list(HOLIDAYS),
            days=days,
            problem=problem,
            looked=bool(form),
        )


def said(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日（{DAYS[day.weekday()]}）"
