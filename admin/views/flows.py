"""The flow editor's pages: the list of flows, and one flow as map, form and phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web

from admin import preview
from admin.guard import form_of, session_of
from admin.preview import Persona, moves_of
from admin.views import flow_form, flow_page, times
from admin.views.flow_deeds import Deed, way_of
from admin.views.flow_form import form_of_fields, form_of_step
from admin.views.pages import Pages
from admin.views.studio import STATES, address, number
from admin.words import Words, words_of
from bot.content import editing
from bot.content.check_places import VOCABULARY
from bot.content.editing import CannotEdit
from bot.content.flow_links import links_of
from bot.content.step_templates import made, templates
from bot.errors import BadInput, Conflict, EngawaError
from bot.flow_editor import FlowEditor, Opened, StepConflict, fingerprint

if TYPE_CHECKING:
    from admin.app import Console

FLOW = "/studio/flows/{flow:[^/]{1,64}}"


class Flows:
    """The pages of flows."""

    def __init__(self, console: Console, editor: FlowEditor, pages: Pages) -> None:
        self._console, self._editor, self._pages = console, editor, pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/studio/flows", self.list),
            web.post("/studio/flows", self.begin),
            web.get(FLOW, self.show),
            web.post(FLOW, self.change, name="studio-flow"),
            web.post(FLOW + "/preview", self.preview),
            web.post(FLOW + "/remarks", self.remark),
            web.post(FLOW + "/propose", self.propose),
            web.post(FLOW + "/undo", self.undo),
        ]

    # --- the list ---

    async def list(self, request: web.Request) -> web.Response:
        return await self._list(request)

    async def _list(self, request: web.Request, error: str = "", status: int = 200) -> web.Response:
        session, t = session_of(request), words_of(request)
        rows = await self._editor.flows(session.member)
        form = form_of(request) if error else {}
        return self._pages.render(
            request,
            "flows.html",
            session,
            status=status,
            rows=rows,
            states=_states(t),
            error=error,
            form=form,
            editor=flow_page.EDITOR,
        )

    async def begin(self, request: web.Request) -> web.Response:
        """A new flow of one step."""
        form, t = form_of(request), words_of(request)
        flow_id, name = form.get("id", "").strip(), form.get("name", "").strip()
        try:
            flow = editing.new_flow(flow_id, name or flow_id, made("end", ""))
            await self._editor.begin(session_of(request).member, flow)
        except (BadInput, Conflict) as error:
            return await self._list(request, t(str(error)), 409 if isinstance(error, Conflict) else 400)
        raise web.HTTPSeeOther(flow_page.href_of(flow_id, next(iter(flow.steps)), ""))

    # --- one flow ---

    async def show(self, request: web.Request) -> web.Response:
        return await self._page(request, request.query, request.query.get("step", ""))

    async def _page(
        self,
        request: web.Request,
        asked: Mapping[str, str],
        step: str,
        *,
        sent: Mapping[str, str] | None = None,
        error: EngawaError | None = None,
        moves: str = "",
    ) -> web.Response:
        """The whole page. `sent` is a form that could not be taken: it stays as it was written."""
        session, t = session_of(request), words_of(request)
        opened = await self._editor.open(session.member, request.match_info["flow"])
        status = 200 if error is None else 409 if isinstance(error, Conflict) else 400
        if opened.flow is None:
            return self._pages.render(
                request, "flow_text.html", session, status=status, opened=opened, error=_said(t, error)
            )
        flow, persona = opened.flow, Persona.of(asked)
        step = step if step in flow.steps else next(iter(flow.steps))
        seen = fingerprint(flow.steps[step])
        form = form_of_step(step, flow.steps[step], seen)
        if sent is not None:
            form = form_of_fields({**sent, "seen": seen}, flow.steps[step])
        query = urlencode(_query_of(persona))
        troubles = flow_page.troubles_of(flow, opened.issues)
        played = preview.play(
            opened.content, f"{flow.id}/{step}", persona, moves_of(moves), self._console.clock.now()
        )
        flows, now = opened.pack.flows, self._console.clock.now()
        return self._pages.render(
            request,
            "flow.html",
            session,
            status=status,
            opened=opened,
            flow=flow,
            form=form,
            error=_said(t, error),
            theirs=flow.steps[step] if isinstance(error, StepConflict) else None,
            map=flow_page.map_in_words(t, flow, flows, troubles, step, query),
            items=flow_page.list_in_words(t, flow, flows, troubles, step, query),
            troubles=troubles,
            wrong=flow_page.by_field(troubles, step),
            blocking=sum(one.blocks for one in troubles),
            said=flow_page.in_numbers(t, troubles, len(opened.uses(step))),
            limits=flow_page.LIMITS,
            ff=flow_form,
            targets=flow_form.targets_of(t, flow, flows),
            kind_words=_kind_words(opened),
            ways=[(way_of(link), link.label or t("by itself")) for link in links_of(step, flow.steps[step])],
            comes_from=flow_page.comes_from(flow, step),
            used_by=opened.uses(step),
            title=flow_form.called(flow, step),
            templates=templates().values(),
            remarks=[(one, times.moment(t, now, one.at)) for one in opened.remarks if one.part == step],
            persona=persona,
            played=played,
            jumped=played.step
            if played.flow == flow.id and played.step != step and played.step in flow.steps
            else "",
            moves=moves,
            preview=preview,
            query=query,
            compared=address("flow", flow.id),
            base=flow_page.EDITOR + request.match_info["flow"],
            saved=times.moment(t, now, opened.draft.at) if opened.draft.at else "",
            state=_states(t).get(opened.draft.state, ""),
            href_of=flow_page.href_of,
        )

    async def change(self, request: web.Request) -> web.Response:
        """Saves the form of a step, or does what its button says."""
        form, member, name = form_of(request), session_of(request).member, request.match_info["flow"]
        deed = Deed(form, form.get("step", ""))
        try:
            if deed.name == "text":
                await self._editor.write(member, name, form.get("text", ""), number(form.get("revision", "")))
            else:
                await self._editor.change(member, name, deed, step=deed.step, seen=form.get("seen", ""))
        except (CannotEdit, BadInput, Conflict) as error:
            sent = form if deed.name in ("save", "up", "down") else None
            return await self._page(request, form, deed.step, sent=sent, error=error)
        query = urlencode(_query_of(Persona.of(form)))
        raise web.HTTPSeeOther(flow_page.href_of(name, deed.step, query))

    async def preview(self, request: web.Request) -> web.Response:
        """The phone after one more move. Nothing is kept: all moves come with the form."""
        form = form_of(request)
        moves = "" if "again" in form else form.get("moves", "")
        written = form.get("say", "").strip().replace("\n", " ")
        if form.get("tap"):
            moves += f"\n{preview.TAP}{form['tap']}"
        elif written and "again" not in form:
            moves += f"\n{preview.WRITE}{written}"
        return await self._page(request, form, form.get("step", ""), moves=moves.strip("\n"))

    async def remark(self, request: web.Request) -> web.Response:
        form, member, name = form_of(request), session_of(request).member, request.match_info["flow"]
        step = form.get("step", "")
        if (settled := form.get("settle", "")).isdecimal():
            await self._editor.settle(member, name, int(settled))
        else:
            try:
                await self._editor.remark(member, name, step, form.get("text", ""))
            except BadInput as error:
                return await self._page(request, form, step, error=error)
        raise web.HTTPSeeOther(flow_page.href_of(name, step, "") + "#remarks")

    async def propose(self, request: web.Request) -> web.Response:
        form, member, name = form_of(request), session_of(request).member, request.match_info["flow"]
        try:
            await self._editor.propose(member, name, number(form.get("revision", "")))
        except (BadInput, Conflict) as error:
            return await self._page(request, form, form.get("step", ""), error=error)
        raise web.HTTPSeeOther(flow_page.href_of(name, form.get("step", ""), ""))

    async def undo(self, request: web.Request) -> web.Response:
        form, member, name = form_of(request), session_of(request).member, request.match_info["flow"]
        try:
            await self._editor.undo(member, name, number(form.get("revision", "")))
        except Conflict as error:
            return await self._page(request, form, form.get("step", ""), error=error)
        raise web.HTTPSeeOther(flow_page.href_of(name, form.get("step", ""), ""))


def _states(t: Words) -> dict[str, str]:
    return {state: t(said) for state, said in STATES.items()}


def _said(t: Words, error: EngawaError | None) -> str:
    """An error in the reader's language; what the checker says is in Japanese already."""
    return t(str(error)) if error is not None else ""


def _query_of(persona: Persona) -> dict[str, str]:
    """Who looks at the preview, for addresses; nothing where it is as it is by itself."""
    found = {"person": persona.person, "channel": persona.channel, "hour": str(persona.hour)}
    return {} if persona == Persona() else {**found, "returning": "1" if persona.returning else "0"}


def _kind_words(opened: Opened) -> dict[str, str]:
    """Kinds of places and audiences as people read them."""
    texts = opened.pack.texts
    return {
        f"{group}_{word}": next(iter(texts.get(f"{group}_{word}", ())), word)
        for group in ("kind", "who")
        for word in VOCABULARY[group]
    }
