"""What a document said before; and where that was wrong: how many were shown it, and a correction for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import form_of, session_of
from admin.views import times
from admin.views.pages import Pages
from admin.views.studio import address, named, number
from admin.words import Words, marked, words_of
from bot.content.diff import changes, kind_name, title_of
from bot.content.gaps import THRESHOLD
from bot.content.recall import ENTRIES, SPOKEN
from bot.errors import NotFound
from bot.flows.engine import MAX_LENGTH
from bot.recall import Counted, Sent

if TYPE_CHECKING:
    from admin.app import Console

STANDING = (
    ("unreachable", marked("of those cannot be written to any more")),
    ("hushed", marked("of those wish to be left alone for now: they get it afterwards")),
    ("with_staff", marked("of those have an open thread with the counselors: they get it afterwards")),
    ("keep", marked("of those have it in their list, or wish to be told of its date")),
    ("unsure", marked("more may have got it, which nobody knows: they get no correction")),
)


class HistoryPages:
    """One page, with a form for who finds something wrong on it."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        at = "/studio/documents/{kind}/{name}/history"
        return [
            web.get(at, self.show, name="studio-history"),
            web.post(at, self.correct, name="studio-correct"),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """What a document said in each release that changed it; with `wrong`, who was shown what that one said."""
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        studio, recalls = self._console.studio, self._console.recalls
        kind, name = named(request)
        found = await studio.history(session.member, kind, name)
        if not found:
            raise NotFound
        _, public = await studio.latest()
        told = next((one.body for one in public if (one.kind, one.name) == (kind, name)), None)
        before = [*(one.body for one in found[1:]), None]
        wrong = number(asked) if (asked := request.query.get("wrong", "")) else 0
        counted = await recalls.counted(session.member, kind, name, wrong) if wrong else None
        sent = await recalls.of(session.member, kind, name)
        return self._pages.render(
            request,
            "studio_history.html",
            session,
            title=title_of(kind, name, found[0].body),
            at=address(kind, name),
            kind_word=kind_name(kind),
            can_be_wrong=kind in ENTRIES | SPOKEN,
            wrong=wrong,
            counted=standing(t, counted) if counted is not None else (),
            anybody=counted is not None and counted.told > 0,
            most=MAX_LENGTH,
            corrections=[(one, self._state(request, one)) for one in sent],
            rows=[
                (
                    one,
                    times.moment(t, now, one.published_at),
                    changes(kind, name, old, one.body) if old else [],
                    one.body != told,
                )
                for one, old in zip(found, before, strict=True)
            ],
        )

    def _state(self, request: web.Request, one: Sent) -> str:
        t, now = words_of(request), self._console.clock.now()
        if one.begun_at is None:
            return t("It goes out when what was on its way has left.")
        when = times.moment(t, now, one.begun_at)
        return t("Begun {time}. Said so far to: {n}", time=when, n=people(t, one.said))

    async def correct(self, request: web.Request) -> web.Response:
        """A correction, written once, goes to review: a second person decides."""
        session, form = session_of(request), form_of(request)
        kind, name = named(request)
        wrong, text = number(form.get("wrong", "")), form.get("text", "")
        made = await self._console.recalls.write(session.member, kind, name, wrong, text)
        raise web.HTTPSeeOther(address("correction", made))


def standing(t: Words, counted: Counted) -> list[tuple[str, str]]:
    """Numbers with what they count; those nobody is under are left out."""
    rows = [(people(t, counted.told), t("were shown it"))]
    return rows + [(people(t, n), t(said)) for name, said in STANDING if (n := getattr(counted, name))]


def people(t: Words, n: int) -> str:
    """How many; small numbers are not told, as a few are easily known."""
    return str(n) if n == 0 or n >= THRESHOLD else t("under 5")
