"""The staff: who there is, with which role and desks; new ones, lost passphrases and factors, and leaving.

Every change asks once more who one is, and is noted in the audit.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web
from sqlalchemy import Connection

from admin.auth import Session
from admin.codes import new_code
from admin.guard import form_of, proven
from admin.live import Streams
from admin.views.pages import Pages
from admin.words import Words, marked, words_of
from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.store import factors, sittings, staff
from bot.store.staff import EVERY_DESK, ROLES, Member

if TYPE_CHECKING:
    from admin.app import Console

HERE = "/admin/members"
ONE = "/members/{staff:[0-9a-f]{32}}"
ONE_TIME_FOR = timedelta(hours=24)
MOST_WEIGHT = 99
ROLE_NAMES: dict[str, str] = {
    "counselor": marked("Counselor"),
    "peer": marked("Peer"),
    "lead": marked("Lead"),
    "editor": marked("Editor"),
    "reviewer": marked("Reviewer"),
    "operator": marked("Operator"),
}
assert set(ROLE_NAMES) == set(ROLES)


class Members:
    """The pages of the staff."""

    def __init__(self, console: Console, pages: Pages, streams: Streams) -> None:
        self._console, self._pages, self._streams = console, pages, streams

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/members", self.show),
            web.post("/members", self.add),
            web.get(ONE, self.one),
            web.post(ONE, self.change),
            web.post(f"{ONE}/renew", self.renew),
            web.post(f"{ONE}/reset", self.reset),
            web.post(f"{ONE}/leave", self.leave),
        ]

    async def show(self, request: web.Request) -> web.Response:
        session, t = proven(request, HERE), words_of(request)
        found = await self._console.database.read(staff.members, session.member.operator_id)
        return self._pages.render(
            request,
            "members.html",
            session,
            rows=[self._row(t, one) for one in found],
            sentence=t.count("{n} person works here.", "{n} people work here.", len(found)),
            **self._form(t, None),
        )

    def _row(self, t: Words, one: Member) -> dict[str, object]:
        names = (
            [name for desk_id, name in self._console.desks() if one.serves(desk_id)]
            if one.desks != EVERY_DESK
            else [t("Every desk")]
        )
        return {
            "id": one.staff_id,
            "name": one.display_name,
            "login": one.login,
            "role": t(ROLE_NAMES.get(one.role, one.role)),
            "desks": names,
            "most": one.most,
        }

    def _form(self, t: Words, one: Member | None) -> dict[str, Any]:
        """What the form of a member offers, and what stands in it."""
        return {
            "one": one,
            "roles": [
                (role, t(name), role == (one.role if one else "counselor"))
                for role, name in ROLE_NAMES.items()
            ],
            "desks": [
                (desk_id, name, one is not None and one.desks != EVERY_DESK and one.serves(desk_id))
                for desk_id, name in self._console.desks()
            ],
            "most": one.most if one else staff.MOST,
            "peer": one.peer if one else False,
        }

    async def one(self, request: web.Request) -> web.Response:
        session, t = proven(request, request.path), words_of(request)
        found = await self._known(request, session)
        own = found.staff_id == session.member.staff_id
        return self._pages.render(request, "member.html", session, own=own, **self._form(t, found))

    async def _known(self, request: web.Request, session: Session) -> Member:
        asked = request.match_info["staff"]
        found = await self._console.database.read(staff.by_id, session.member.operator_id, asked)
        if found is None:
            raise NotFound
        if found.staff_id != session.member.staff_id:
            self._check_desks(session, found.desks)
        return found

    @staticmethod
    def _check_desks(session: Session, desks: str) -> None:
        """A lead of some desks gives and takes those, and no others: nobody lets themselves in elsewhere (R-077)."""
        own = session.member.desk_ids
        if own is not None and (desks == EVERY_DESK or not set(desks.split()) <= set(own)):
            raise NotAllowed("This is for a lead of those desks.")

    async def add(self, request: web.Request) -> web.Response:
        """A new member; the one-time passphrase is shown once."""
        session, form = proven(request, HERE), form_of(request)
        login, name = form.get("login", "").strip(), form.get("name", "").strip()
        if not (0 < len(login) <= 64 and login.isprintable() and 0 < len(name) <= 64 and name.isprintable()):
            raise BadInput("Name and login need 1 to 64 characters.")
        given = self._given(session, form)
        await self._note(session, "staff_add")
        secret = new_code()

        def made(connection: Connection) -> str:
            operator = session.member.operator_id
            role, desks, most, peer = given
            staff_id = staff.add(
                connection, operator, login, name, role, None, desks=desks, peer=peer, most=most
            )
            self._offer(connection, staff_id, secret)
            return staff_id

        try:
            await self._console.database.write(made)
        except Conflict as error:
            raise Conflict("This login is taken already.") from error
        return self._once(request, session, name, secret)

    def _given(self, session: Session, form: dict[str, str]) -> tuple[str, str, int, bool]:
        """Role, desks, weight and peer of a form. Raises BadInput, and NotAllowed for desks that are not the lead's."""
        role, most = form.get("role", ""), form.get("most", "")
        if role not in ROLES:
            raise BadInput("This form cannot be read.")
        if not re.fullmatch("[1-9][0-9]?", most):
            raise BadInput("How much they carry is a number from 1 to 99.")
        chosen = [desk_id for desk_id, _ in self._console.desks() if f"desk:{desk_id}" in form]
        desks = " ".join(chosen) or EVERY_DESK
        self._check_desks(session, desks)
        return role, desks, int(most), "peer" in form

    def _offer(self, connection: Connection, staff_id: str, secret: str) -> None:
        until = self._console.clock.now() + ONE_TIME_FOR
        staff.offer_one_time_login(connection, staff_id, secret, until)

    def _once(self, request: web.Request, session: Session, name: str, secret: str) -> web.Response:
        return self._pages.render(request, "one_time.html", session, name=name, secret=secret)

    async def change(self, request: web.Request) -> web.Response:
        """Role, desks and weight. Nobody changes their own role or desks, so there is always a lead left."""
        session = proven(request, request.path)
        found = await self._known(request, session)
        role, desks, most, peer = self._given(session, form_of(request))
        own = found.staff_id == session.member.staff_id
        if own and (role != found.role or set(desks.split()) != set(found.desks.split())):
            raise Conflict("Your own role and desks are changed by another lead.")
        await self._note(session, "staff_change")
        await self._console.database.write(
            staff.change, found.staff_id, role=role, desks=desks, most=most, peer=peer
        )
        raise web.HTTPSeeOther(HERE)

    async def renew(self, request: web.Request) -> web.Response:
        """A one-time passphrase for who forgot theirs; the second factor stays."""
        return await self._anew(request, "staff_renew", with_factor=False)

    async def reset(self, request: web.Request) -> web.Response:
        """The same for who lost their second factor: both are set up anew."""
        return await self._anew(request, "staff_reset", with_factor=True)

    async def _anew(self, request: web.Request, action: str, *, with_factor: bool) -> web.Response:
        session = proven(request, HERE)
        found = await self._known(request, session)
        if found.staff_id == session.member.staff_id:
            raise Conflict("Your own sign-in is changed in your settings, or by another lead.")
        await self._note(session, action)
        secret = new_code()

        def made(connection: Connection) -> list[str]:
            ended = sittings.end_sessions(connection, found.staff_id)
            if with_factor:
                factors.reset(connection, found.staff_id)
            staff.set_password(connection, found.staff_id, None)
            self._offer(connection, found.staff_id, secret)
            return ended

        self._streams.end(*await self._console.database.write(made))
        return self._once(request, session, found.display_name, secret)

    async def leave(self, request: web.Request) -> web.Response:
        """Lets a member go: who they had waits for others. Raises Conflict while they owe anybody something."""
        session = proven(request, HERE)
        found = await self._known(request, session)
        if found.staff_id == session.member.staff_id:
            raise Conflict("Another lead lets you go.")
        ended = await self._console.database.read(
            sittings.sittings, found.staff_id, self._console.clock.now()
        )
        try:
            await self._console.desk.leave(session.member, found.staff_id)
        except Conflict as error:
            raise Conflict(
                "They still owe somebody something. Give each promise a new owner first."
            ) from error
        self._streams.end(*(one.session_id for one in ended))
        raise web.HTTPSeeOther(HERE)

    async def _note(self, session: Session, action: str) -> None:
        await self._console.trail.note(session.member, action, self._console.clock.now())
