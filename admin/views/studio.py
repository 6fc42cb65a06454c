"""The content studio: documents to look for, to write and to send to review. Works without a script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web

from admin.guard import form_of, session_of
from admin.views import studio_form, times
from admin.views.pages import Pages
from admin.views.studio_dates import dates_of
from admin.views.studio_desk import told_of
from admin.views.studio_fields import FORMS, NEW
from admin.words import marked, words_of
from bot.clock import new_id
from bot.content.codec import DOCUMENT_TYPES, ONLY_ONE
from bot.content.diff import changes, kind_name, title_of
from bot.content.export import body_of, text_of
from bot.content.proposal import concerns
from bot.content.slip import TEXTS
from bot.drafting import APPROVED, DRAFTED, PROPOSED, PUBLISHED, Draft, DraftConflict
from bot.errors import BadInput, ContentError, NotFound
from bot.releases import REVIEWS

if TYPE_CHECKING:
    from admin.app import Console

MOST = 200
STATES = {
    PUBLISHED: marked("Public"),
    DRAFTED: marked("Draft"),
    PROPOSED: marked("In review"),
    APPROVED: marked("Looked at by two"),
}
DEEDS = ("propose", "send-back", "approve", "put-away", "remove")


class StudioPages:
    """List and forms of documents."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages
        self._studio = console.studio

    def routes(self) -> list[web.RouteDef]:
        at = "/studio/documents/{kind}/{name}"
        return [
            web.get("/studio", self.list, name="studio"),
            web.post("/studio/new", self.new, name="studio-new"),
            web.get(at, self.show, name="studio-document"),
            web.post(at, self.save, name="studio-save"),
            web.post(f"{at}/{{deed}}", self.do, name="studio-do"),
        ]

    async def list(self, request: web.Request) -> web.Response:
        session, t = session_of(request), words_of(request)
        asked, kind = request.query.get("q", "")[:60].strip(), request.query.get("kind", "")
        state = request.query.get("state", "")
        rows = await self._studio.documents(session.member, kind if kind in DOCUMENT_TYPES else "")
        found = [
            row
            for row in rows
            if (not asked or asked in row.title or asked in row.name)
            and (not state or (row.state != PUBLISHED if state == "drafted" else row.blocking or row.issues))
        ]
        return self._pages.render(
            request,
            "studio.html",
            session,
            rows=[(row, address(row.kind, row.name), t(STATES[row.state])) for row in found[:MOST]],
            more=max(0, len(found) - MOST),
            total=len(rows),
            asked=asked,
            kind=kind,
            state=state,
            kinds=[(name, kind_name(name)) for name in DOCUMENT_TYPES],
            makes=[(name, kind_name(name)) for name in NEW],
            kind_name=kind_name,
        )

    async def new(self, request: web.Request) -> web.Response:
        """A new document begins as a draft that is not whole yet."""
        session, form = session_of(request), form_of(request)
        kind, name = form.get("kind", ""), form.get("name", "").strip() or f"n-{new_id()[-10:]}"
        if kind not in DOCUMENT_TYPES or kind in ONLY_ONE:
            raise BadInput("There is no such kind of document.")
        body = text_of({"id": name, **NEW.get(kind, {})})
        await self._studio.save(
            session.member, kind, name, body, await self._studio.newest(kind, name), fresh=True
        )
        raise web.HTTPSeeOther(address(kind, name))

    # --- one document ---

    async def show(self, request: web.Request) -> web.Response:
        session = session_of(request)
        kind, name = named(request)
        draft = await self._studio.draft(session.member, kind, name)
        return await self._page(request, draft)

    async def _page(self, request: web.Request, draft: Draft, slip: str = "") -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        kind, name = draft.kind, draft.name
        body, public = readable(kind, name, draft.body), readable(kind, name, draft.public)
        issues = [one for one in await self._studio.check(session.member) if concerns(one, kind, name)]
        raw = body is None or request.query.get("raw") == "1" or (kind not in FORMS and kind != "texts")
        known = body or {}
        return self._pages.render(
            request,
            "studio_document.html",
            session,
            draft=draft,
            at=address(kind, name),
            kind_word=kind_name(kind),
            title=title_of(kind, name, body or public),
            state=t(STATES[draft.state]),
            saved_at=times.moment(t, now, draft.at) if draft.at else "",
            issues=issues,
            raw=raw,
            body=known,
            sections=() if raw else FORMS.get(kind, ()),
            shown=studio_form.shown,
            schedule=studio_form.schedule_shown(known),
            forms=studio_form,
            word=self._word,
            towns=studio_form.towns(known),
            texts=studio_form.texts_of(known, request.query.get("q", ""))
            if kind == "texts" and not raw
            else (),
            asked=request.query.get("q", "")[:40],
            told=told_of(t, self._console, kind, known, now) if not raw else None,
            dates=dates_of(t, self._console, kind, known, now) if not raw else None,
            changes=changes(kind, name, public, body)
            if draft.state != PUBLISHED and body is not None
            else [],
            aside=draft.aside,
            reviews=session.member.role in REVIEWS,
            slip=slip,
            slips=kind in TEXTS,
            kind_of_form=kind in FORMS or kind == "texts",
            flow=f"/admin/studio/flows/{quote(name, safe='')}" if kind == "flow" else "",
        )

    async def save(self, request: web.Request) -> web.Response:
        """What was written, whole or a field at a time. Who is too late sees both, and loses nothing."""
        session, form = session_of(request), form_of(request)
        kind, name = named(request)
        revision = number(form.get("revision", ""))
        text = await self._written(request, kind, name, form)
        try:
            saved = await self._studio.save(session.member, kind, name, text, revision)
        except DraftConflict as conflict:
            if "X-Fragment" in request.headers:
                return web.json_response({"by": conflict.theirs.by}, status=409)
            return self._conflict(request, kind, name, conflict)
        if "X-Fragment" in request.headers:
            t, now = words_of(request), self._console.clock.now()
            said = t("Kept at {time}. What is public has not changed.", time=times.moment(t, now, now))
            return web.json_response({"revision": saved.revision, "said": said, "issues": len(saved.issues)})
        back = form.get("back", "")
        raise web.HTTPSeeOther(address(kind, name) + (back if back.startswith(("?", "#")) else ""))

    async def _written(self, request: web.Request, kind: str, name: str, form: Mapping[str, str]) -> str:
        """The body a posted form means, as YAML."""
        if "body" in form:
            return form["body"]
        draft = await self._studio.draft(session_of(request).member, kind, name)
        base = await self._studio.body(kind, name, number(form.get("revision", "")))
        body = readable(kind, name, base or draft.body)
        if body is None:
            raise BadInput("These words cannot be read as a document. Write them as they are stored.")
        if kind == "texts":
            return text_of({**body, "texts": studio_form.texts_with(body, form)})
        if kind not in FORMS:
            raise BadInput("This form cannot be read.")
        return text_of(studio_form.applied(kind, body, form))

    def _conflict(self, request: web.Request, kind: str, name: str, conflict: DraftConflict) -> web.Response:
        base = readable(kind, name, conflict.base)
        mine, theirs = readable(kind, name, conflict.mine), readable(kind, name, conflict.theirs.body)
        return self._pages.render(
            request,
            "studio_conflict.html",
            session_of(request),
            status=409,
            title=title_of(kind, name, theirs or base),
            at=address(kind, name),
            conflict=conflict,
            by=conflict.theirs.by,
            mine=changes(kind, name, base, mine) if base is not None and mine is not None else [],
            theirs=changes(kind, name, base, theirs) if base is not None and theirs is not None else [],
        )

    async def do(self, request: web.Request) -> web.Response:
        """Review: to it, back from it, seen by a second person; put away, or take out; or a link for its group."""
        session, form = session_of(request), form_of(request)
        kind, name = named(request)
        if request.match_info["deed"] == "slip":
            link = await self._console.slips.link(session.member, kind, name)
            here = f"{request.scheme}://{request.host}" if link.startswith("/") else ""
            return await self._page(
                request, await self._studio.draft(session.member, kind, name), here + link
            )
        deed, revision = request.match_info["deed"], number(form.get("revision", ""))
        deeds = {
            "propose": self._studio.propose,
            "send-back": self._studio.send_back,
            "approve": self._studio.approve,
            "put-away": self._studio.put_away,
            "remove": self._studio.remove,
        }
        if deed not in deeds:
            raise NotFound
        await deeds[deed](session.member, kind, name, revision)
        back = form.get("back", "")
        raise web.HTTPSeeOther(
            "/admin/studio/publish" if back == "publish" else "/admin/studio?state=drafted"
        )

    def _word(self, group: str, option: str) -> str:
        """An option in the words people see; itself where it has none."""
        released = self._console.content()
        texts = released.latest.texts if released is not None else {}
        return next(iter(texts.get(f"{group}_{option}", ())), "") or OPTIONS.get(option, option)


OPTIONS = {
    "unknown": "未確認",
    "agreed": "了解あり",
    "declined": "載せない",
    "active": "いまある",
    "past": "前にあった",
    "ended": "終わった",
    "held": "いつもどおり",
    "skipped": "休み",
}


def named(request: web.Request) -> tuple[str, str]:
    """The document of a page. Raises NotFound for a kind there is none of."""
    kind, name = request.match_info["kind"], request.match_info["name"]
    if kind not in DOCUMENT_TYPES:
        raise NotFound
    return kind, name


def address(kind: str, name: str) -> str:
    """The page of a document."""
    return f"/admin/studio/documents/{kind}/{quote(name, safe='')}"


def number(text: str) -> int:
    """A posted number. Raises BadInput."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadInput("This form cannot be read.")
    return int(text)


def readable(kind: str, name: str, text: str) -> dict[str, Any] | None:
    """The body of a text; None when it cannot be read, or is empty."""
    try:
        return body_of(kind, name, text) if text else None
    except ContentError:
        return None
