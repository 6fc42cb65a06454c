"""Looking after content: the board of freshness and gaps, words to try, tables to take in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from aiohttp import web

from admin.guard import UPLOAD, form_of, session_of
from admin.views import labels
from admin.views.pages import Pages
from admin.views.studio import address
from admin.views.studio_fields import PREFECTURES
from admin.words import Words, marked, words_of
from bot.content.check_places import VOCABULARY
from bot.content.diff import kind_name
from bot.content.finding import ANY
from bot.content.freshness import ORDER, Stale
from bot.content.gaps import THRESHOLD, Told
from bot.content.importing import Defaults
from bot.content.issues import Issue
from bot.content.model import Source
from bot.content.pack import Pack
from bot.content.rehearsal import Rehearsal
from bot.errors import BadInput, NotFound
from bot.freshness import Freshness
from bot.handoff.risk import RiskHit
from bot.releases import EDITS, allow
from bot.studio_files import StudioFiles

if TYPE_CHECKING:
    from admin.app import Console

STATES = {
    "overdue": marked("The day to look at it has passed"),
    "soon": marked("To be looked at within a month"),
    "unconfirmed": marked("Nobody has confirmed it yet"),
    "paused": marked("Paused"),
}
MOST_ROWS, MOST_TEXT = 100, 500
MOST_PROBLEMS = 500
MOST_MAILED = 30  # a longer address is cut by some mail programs


class BoardPages:
    """Three pages of the studio that look after what there is."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages, self._studio = console, pages, console.studio
        self._fresh, self._files = Freshness(console.studio), StudioFiles(console.studio)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/studio/board", self.board, name="studio-board"),
            web.post("/studio/board/{deed}", self.deed, name="studio-board-do"),
            web.get("/studio/words", self.words, name="studio-words"),
            web.post("/studio/words", self.words, name="studio-words-tried"),
            web.get("/studio/import", self.importing, name="studio-table"),
            web.post("/studio/import", self.read, name="studio-table-read"),
        ]

    # --- freshness and gaps ---

    async def board(self, request: web.Request) -> web.Response:
        session, t = session_of(request), words_of(request)
        found = await self._fresh.stale(session.member)
        owner, today = request.query.get("owner", ""), self._studio.today()
        rows = [one for one in found if not owner or one.owner == owner]
        gaps = await self._fresh.gaps(session.member)
        return self._pages.render(
            request,
            "studio_board.html",
            session,
            groups=[
                (
                    state,
                    t(STATES[state]),
                    [(one, address(one.kind, one.name)) for one in here[:MOST_ROWS]],
                    len(here),
                )
                for state in ORDER
                if (here := [one for one in rows if one.state == state])
            ],
            kind_name=kind_name,
            owners=sorted({one.owner for one in found if one.owner}),
            owner=owner,
            mail=mail_of(t, rows) if owner and rows else "",
            today=today,
            total=gaps.total,
            areas=cells(t, gaps.by_area, {}),
            kinds=cells(t, gaps.by_kind, {ANY: t("no kind was said")}, self._console.kind_name),
            least=THRESHOLD,
        )

    async def deed(self, request: web.Request) -> web.Response:
        """変わりなし, or a pause that holds at once."""
        member, form = session_of(request).member, form_of(request)
        kind, name = form.get("kind", ""), form.get("name", "")
        if request.match_info["deed"] == "same":
            await self._fresh.still_right(member, kind, name)
        elif request.match_info["deed"] == "pause":
            await self._fresh.pause(member, name)
        else:
            raise NotFound
        raise web.HTTPSeeOther("/admin/studio/board")

    # --- words ---

    async def words(self, request: web.Request) -> web.Response:
        """A sentence tried with the rules that are public, and with those being written. It is not kept."""
        session, t = session_of(request), words_of(request)
        allow(session.member, EDITS)
        form = form_of(request) if request.method == "POST" else {}
        text = form.get("sentence", "")[:MOST_TEXT]
        found = await self._studio.rehearsed(session.member) if form.get("do") == "rehearse" else None
        tried = []
        if text:
            public, drafted = await self._studio.packs(session.member)
            tried.append((t("As it is public"), await asyncio.to_thread(self._tried, t, public, text)))
            if drafted is not None:
                said = await asyncio.to_thread(self._tried, t, drafted, text)
                tried.append((t("With the drafts"), said))
        return self._pages.render(
            request,
            "studio_words.html",
            session,
            text=text,
            tried=tried,
            rehearsal=found if isinstance(found, Rehearsal) else None,
            problem=found if isinstance(found, Issue) else None,
            rehearsed=form.get("do") == "rehearse",
            level=lambda level: t(labels.LEVELS[level][1] if level in labels.LEVELS else labels.NO_LEVEL),
        )

    def _tried(self, t: Words, pack: Pack, text: str) -> dict[str, object]:
        hits = pack.rules.scan(text)
        spared = [one for one in pack.rules.candidates(text) if one.because][:20]
        level = hits[0].level if hits else None
        return {
            "words": [
                (hit.found, hit.rule, address("word_rule", hit.rule.id)) for hit in pack.words.scan(text)
            ],
            "level": t(labels.LEVELS[level][1]) if level in labels.LEVELS else t(labels.NO_LEVEL),
            "hits": [self._hit(t, text, hit) for hit in hits],
            "spared": [(text[one.start : one.end], one.rule, one.because) for one in spared],
        }

    @staticmethod
    def _hit(t: Words, text: str, hit: RiskHit) -> tuple[str, ...]:
        level, category = t(labels.LEVELS[hit.level][1]), labels.category(t, hit.category)
        return text[hit.start : hit.end], hit.rule, category, level, address("risk_rule", hit.rule)

    # --- taking in ---

    async def importing(self, request: web.Request) -> web.Response:
        allow(session_of(request).member, EDITS)
        return self._import(request)

    def _import(self, request: web.Request, *, status: int = 200, **values: object) -> web.Response:
        known: dict[str, object] = {"found": None, "problem": "", "name": "", "taken": None, "chosen": {}}
        return self._pages.render(
            request,
            "studio_import.html",
            session_of(request),
            status=status,
            prefectures=PREFECTURES,
            kinds=[(kind, self._console.kind_name(kind)) for kind in VOCABULARY["kind"]],
            most=MOST_PROBLEMS,
            **{**known, **values},
        )

    async def read(self, request: web.Request) -> web.Response:
        """Looks at a file; with `take` what could be read becomes drafts in review."""
        member, form = session_of(request).member, form_of(request)
        allow(member, EDITS)
        name, data = request[UPLOAD]
        seen = self._studio.today()
        try:
            found = await self._studio.beside.imported(name, data, _defaults(form, seen), seen)
        except BadInput as error:
            return self._import(request, status=400, problem=str(error), name=name[:100], chosen=form)
        taken = None
        if form.get("do") == "take" and (not found.problems or form.get("skip")):
            taken = await self._files.draft_of(found.documents(), member)
        return self._import(request, found=found, name=name[:100], taken=taken, chosen=form)


def _defaults(form: Mapping[str, str], seen: date) -> Defaults:
    source = form.get("source", "").strip()
    return Defaults(
        kind=form.get("kind", "") or "event",
        prefecture=form.get("prefecture") or None,
        municipality=form.get("municipality", "").strip() or None,
        source=Source(title=source, seen_in_source=seen.isoformat()) if source else None,
    )


def mail_of(t: Words, rows: Sequence[Stale]) -> str:
    """A mail to an owner, to be sent from the reader's own program: we keep no address, and send nothing unasked."""
    lines = [
        t("{name}: to be looked at by {day}", name=one.title, day=one.due.isoformat())
        if one.due
        else t("{name}: nobody has confirmed it yet", name=one.title)
        for one in rows[:MOST_MAILED]
    ]
    body = "\n".join([t("It is time to look at these again, whether they are still right."), "", *lines])
    return "mailto:?" + urlencode({"subject": t("Places to look at again"), "body": body}, quote_via=quote)


def cells(
    t: Words, told: Told, names: Mapping[str, str], say: Callable[[str], str] = str
) -> list[tuple[str, str]]:
    """Cells of a table in words; those that are withheld as one."""
    rows = [(names.get(name) or say(name), str(count)) for name, count in told.cells]
    if told.withheld:
        rows.append((t("{n} others", n=told.withheld), t("under 5")))
    return rows
