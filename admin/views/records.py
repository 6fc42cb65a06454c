"""Who of the staff read or wrote which thread: for leads, with simple filters. Looking at it is noted, too."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import is_no_text, session_of
from admin.views import times
from admin.views.pages import Pages
from admin.words import Words, marked, words_of
from bot.errors import NotFound
from bot.handoff.hours import TOKYO
from bot.store import audit
from bot.store.audit import Entry

if TYPE_CHECKING:
    from admin.app import Console

MOST = 200
FAILED = "_failed"
ACTIONS: dict[str, str] = {
    "read": marked("read"),
    "claim": marked("took"),
    "reply": marked("wrote"),
    "hand_back": marked("handed back"),
    "review": marked("judged a rule"),
    "next_for": marked("asked for the next person"),
    "release": marked("gave back to the desk"),
    "pass_on": marked("passed on to a colleague"),
    "send_on": marked("handed over to another desk"),
    "refuse": marked("noted that somebody is not wished for"),
    "lower": marked("found it less urgent"),
    "stand_in": marked("named who stands in"),
    "follow_up": marked("agreed on a word later on"),
    "call_off": marked("called off a word later on"),
    "leave": marked("let a colleague go"),
    "confirm": marked("saw the wishes"),
    "read_later": marked("told when an answer comes"),
    "note": marked("wrote a note"),
    "notes": marked("read the notes"),
    "settle": marked("settled a wish or a promise"),
    "agree": marked("agreed to a decision"),
    "preview": marked("saw what would be handed over"),
    "page": marked("read the page for who goes on"),
    "consult": marked("asked a colleague"),
    "take_back": marked("took words back before they left"),
    "hide": marked("hid words of a message"),
    "audit": marked("looked at these records"),
    "second_factor": marked("showed a second factor, or tried to"),
    "factor_add": marked("set up a second factor"),
    "factor_drop": marked("took a second factor of theirs away"),
    "codes": marked("made new recovery codes"),
    "passphrase": marked("chose a new passphrase"),
    "session_end": marked("signed out elsewhere"),
    "sign_out": marked("signed out"),
    "publish": marked("published"),
    "roll_back": marked("went back to an earlier release"),
    "export": marked("took content out as files"),
    "not_allowed": marked("asked for a page of others"),
    "break_glass": marked("asked to read in an emergency"),
    "open_glass": marked("opened it as the second person"),
    "refuse_glass": marked("did not open it"),
    "end_glass": marked("ended it"),
    "through_glass": marked("read in an emergency"),
    "staff_add": marked("took somebody on"),
    "staff_change": marked("changed a role or desk"),
    "staff_renew": marked("gave a one-time passphrase"),
    "staff_reset": marked("took a lost second factor away"),
    "shift_add": marked("entered a shift"),
    "shift_drop": marked("took a shift out"),
}
PURPOSES: dict[str, str] = {
    audit.CARE: marked("own conversation"),
    audit.TAKE_OVER: marked("somebody who waits"),
    audit.OVERSIGHT: marked("oversight"),
    audit.REFUSED: marked("not allowed"),
    audit.RECORDS: marked("these records"),
    audit.EMERGENCY: marked("an emergency, opened by two"),
}


class Records:
    """The page of the audit."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/records", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        member = session.member
        await self._console.trail.note(member, "audit", now)
        chosen = {name: request.query.get(name, "")[:64] for name in ("login", "action", "purpose", "day")}
        if chosen["purpose"] not in ("", *PURPOSES) or any(map(is_no_text, chosen.values())):
            raise NotFound
        since = _midnight(chosen["day"])
        read = self._console.database.read
        found = await read(
            audit.entries,
            member.operator_id,
            login=chosen["login"],
            action=chosen["action"],
            purpose=chosen["purpose"],
            since=since,
            until=since + timedelta(days=1) if since else None,
            limit=MOST,
        )
        names = await read(audit.actions, member.operator_id)
        return self._pages.render(
            request,
            "records.html",
            session,
            rows=[row(t, now, one) for one in found],
            chosen=chosen,
            cut=len(found) >= MOST,
            actions=[(name, done(t, name)) for name in names],
            purposes=[(name, t(word)) for name, word in PURPOSES.items()],
            clock=times.moment(t, now, now),
        )


def _midnight(day: str) -> datetime | None:
    """The begin of a day here. Raises NotFound for what is none."""
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(), TOKYO)
    except ValueError as error:
        raise NotFound from error


def row(t: Words, now: datetime, one: Entry) -> dict[str, object]:
    """A line of the ledger. Of an erased person nothing but the event is left."""
    return {
        "seq": one.event.seq,
        "when": times.moment(t, now, one.event.at),
        "at": times.exact(one.event.at),
        "name": one.name or one.login or one.event.staff_id,
        "action": done(t, one.event.action),
        "purpose": t(PURPOSES.get(one.event.purpose, one.event.purpose)),
        "nickname": one.nickname,
        "ticket": one.ticket_id,
    }


def done(t: Words, action: str) -> str:
    """What was done, in words; our own name of it where there are none."""
    plain = action.removesuffix(FAILED)
    word = t(ACTIONS[plain]) if plain in ACTIONS else plain.replace("_", " ")
    return t("{what}, which failed", what=word) if action.endswith(FAILED) else word
