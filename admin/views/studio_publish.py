"""Publishing: what changes, what is wrong, who still looks at it, when; releases of before and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import form_of, proven, session_of
from admin.views import times
from admin.views.pages import Pages
from admin.views.studio import address, number
from admin.words import Words, marked, words_of
from bot.content.diff import Change, kind_name
from bot.content.issues import Issue
from bot.drafting import NotReady, Ready
from bot.errors import BadInput, NotFound
from bot.handoff.hours import TOKYO
from bot.releases import REVIEWS

if TYPE_CHECKING:
    from admin.app import Console

FEW = 5
MOST_CHANGES = 40
PROBLEMS = {
    "not_ready": marked(
        "It could not be published at the time that was set. Look at it, and set a time again."
    )
}


class Publishing:
    """The page of the next release, and those of the releases there were."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages
        self._studio = console.studio

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/studio/publish", self.show, name="studio-publish"),
            web.post("/studio/publish", self.publish, name="studio-publish-do"),
            web.post("/studio/publish/call-off", self.call_off, name="studio-call-off"),
            web.get("/studio/releases", self.releases, name="studio-releases"),
            web.get("/studio/releases/{number}", self.release, name="studio-release"),
            web.post("/studio/releases/{number}/export", self.export, name="studio-export"),
            web.post("/studio/releases/{number}/back", self.roll_back, name="studio-roll-back"),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return await self._page(request)

    async def _page(self, request: web.Request, *, refused: bool = False) -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        ready = await self._studio.ready(session.member)
        released = (await self._studio.releases(session.member))[:1]
        midway = await self._studio.midway(session.member)
        planned = ready.planned
        return self._pages.render(
            request,
            "studio_publish.html",
            session,
            status=409 if refused else 200,
            ready=ready,
            items=[self._item(ready, place, session.member.staff_id) for place in range(len(ready.items))],
            looks=[issue for issue in ready.issues if not issue.blocks],
            public=released[0] if released else None,
            public_at=times.moment(t, now, released[0].published_at) if released else "",
            midway=midway_of(t, ready, midway),
            planned=planned,
            planned_at=times.moment(t, now, planned.due_at) if planned else "",
            planned_by=ready.names.get(planned.staff_id, "") if planned else "",
            problem=t(PROBLEMS[planned.problem]) if planned and planned.problem else "",
            why=why(t, ready),
            lead=t.count(
                "{n} document changes. The other {others} stay as they are.",
                "{n} documents change. The other {others} stay as they are.",
                len(ready.items),
                others=ready.unchanged,
            ),
            reviews=session.member.role in REVIEWS,
            soonest=now.astimezone(TOKYO).strftime("%Y-%m-%dT%H:%M"),
            refused=refused,
            link=link,
        )

    def _item(self, ready: Ready, place: int, me: str) -> dict[str, object]:
        item = ready.items[place]
        names, draft = ready.names, item.draft
        found = item.changes
        return {
            "item": item,
            "kind": kind_name(draft.kind),
            "at": address(draft.kind, draft.name),
            "by": names.get(draft.by, ""),
            "changes": found[:MOST_CHANGES],
            "more": max(0, len(found) - MOST_CHANGES),
            "may_approve": item.waits and draft.by != me,
            "approver": draft.approver or "",
        }

    async def publish(self, request: web.Request) -> web.Response:
        """Now, or at a time of Tokyo."""
        session, form = session_of(request), form_of(request)
        at = moment(form.get("at", "")) if form.get("when") == "later" else None
        try:
            await self._studio.publish(session.member, form.get("note", ""), at)
        except NotReady:
            return await self._page(request, refused=True)
        raise web.HTTPSeeOther("/admin/studio/publish" if at else "/admin/studio/releases")

    async def call_off(self, request: web.Request) -> web.Response:
        await self._studio.call_off(session_of(request).member)
        raise web.HTTPSeeOther("/admin/studio/publish")

    # --- releases there were ---

    async def releases(self, request: web.Request) -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        rows = await self._studio.releases(session.member)
        return self._pages.render(
            request,
            "studio_releases.html",
            session,
            rows=[(row, times.moment(t, now, row.published_at)) for row in rows],
        )

    async def release(self, request: web.Request) -> web.Response:
        """What a release changed; and what going back to it would change now."""
        return await self._release(request)

    async def _release(self, request: web.Request, issues: Sequence[Issue] = ()) -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        wanted = self._number(request)
        rows = await self._studio.releases(session.member)
        row = next((row for row in rows if row.number == wanted), None)
        if row is None:
            raise NotFound
        latest = rows[0].number
        before = await self._studio.compare(session.member, wanted - 1, wanted) if wanted > 1 else []
        back = await self._studio.compare(session.member, latest, wanted) if wanted < latest else []
        return self._pages.render(
            request,
            "studio_release.html",
            session,
            status=409 if issues else 200,
            row=row,
            when=times.moment(t, now, row.published_at),
            latest=latest,
            before=[shown(*one) for one in before],
            back=[shown(*one) for one in back],
            issues=issues,
            reviews=session.member.role in REVIEWS,
        )

    async def export(self, request: web.Request) -> web.Response:
        """A zip, by a press: no link that brings it can be passed on."""
        session = proven(request, f"/admin/studio/releases/{request.match_info['number']}")
        wanted = self._number(request)
        packed = await self._studio.export(session.member, wanted)
        name = f'attachment; filename="engawa-content-{wanted}.zip"'
        headers = {"Content-Disposition": name}
        return web.Response(body=packed, content_type="application/zip", headers=headers)

    async def roll_back(self, request: web.Request) -> web.Response:
        """The second press."""
        try:
            await self._studio.roll_back(session_of(request).member, self._number(request))
        except NotReady as error:
            return await self._release(request, error.issues)
        raise web.HTTPSeeOther("/admin/studio/releases")

    @staticmethod
    def _number(request: web.Request) -> int:
        try:
            return number(request.match_info["number"])
        except BadInput as error:
            raise NotFound from error


def shown(key: tuple[str, str], title: str, found: list[Change]) -> dict[str, object]:
    """One document's changes for a page."""
    return {
        "kind": kind_name(key[0]),
        "title": title,
        "at": address(*key),
        "changes": found[:MOST_CHANGES],
        "more": max(0, len(found) - MOST_CHANGES),
    }


def moment(text: str) -> datetime:
    """A time of Tokyo, as a browser's field writes it. Raises BadInput."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput("This time cannot be read.") from error
    if found.tzinfo is not None:
        raise BadInput("This time cannot be read.")
    return found.replace(tzinfo=TOKYO)


def why(t: Words, ready: Ready) -> str:
    """Why the release cannot be published yet; empty when it can."""
    if not ready.items:
        return t("Nothing was sent to review.")
    if ready.blocking:
        return t("Opens once everything to mend is mended.")
    if ready.overtaken:
        return t("Something was published meanwhile. Save these documents once more on top of it.")
    return t("Opens once a second person has checked.") if ready.waiting else ""


def midway_of(t: Words, ready: Ready, midway: Mapping[str, int]) -> list[str]:
    """Who is in the middle of a flow that changes, in words: few are not counted (R-124)."""
    found = []
    for item in ready.items:
        number = midway.get(item.draft.name, 0) if item.draft.kind == "flow" else 0
        if number:
            many = str(number) if number >= FEW else t("under 5")
            found.append(t("“{name}”: {n} people.", name=item.title, n=many))
    return found


def link(issue: Issue) -> str:
    """The page of the document an issue is about."""
    kind, _, rest = issue.path.partition("/")
    name = rest.partition("/")[0].partition(".")[0].partition("[")[0] or kind
    return address(kind, kind if kind == "texts" else name)
