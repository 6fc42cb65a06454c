"""Templates to responses: the words, addresses and forms every page needs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup

from admin.access import ACCESS
from admin.auth import Session
from admin.views import labels, lines
from admin.words import Words, marked, words_of
from bot.clock import Clock
from bot.errors import Busy, Conflict, EngawaError

HERE = resources.files("admin")
SHARED = resources.files("bot.channels.webchat") / "static"
FOREVER = "public, max-age=31536000, immutable"
THEME_COOKIE = "engawa_theme"
THEMES = ("light", "dark")
KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}

PROBLEMS = {
    400: marked("This could not be taken."),
    403: marked("This cannot be done from here."),
    404: marked("There is nothing here."),
    405: marked("This cannot be done from here."),
    409: marked("Somebody else was first."),
    413: marked("This was too large to take."),
    503: marked("The records cannot be reached right now."),
}
PROBLEM = marked("That did not work.")
REMARKS = {
    404: marked("It is gone, or somebody else is taking care of it."),
    413: marked("Your browser's back button leads to what you wrote."),
    503: marked("Nothing was lost. It can be tried again in a moment."),
}
BUSY = marked("Many are signing in at once. It can be tried again in a moment.")
SAID = (
    marked("This came from another site."),
    marked("This page was out of date. Open it again."),
    marked("This form cannot be read."),
    marked("There are signs in it that are no text."),
    marked("The body did not arrive in time."),
    marked("Nothing is written."),
    marked("These words do not stand in this message. Nothing was changed."),
    marked("This place is not in the lists any more."),
    marked("At most 5000 characters can be sent at once."),
    marked("Take the conversation before you write."),
    marked("Somebody else took this one first."),
    marked("This conversation is not waiting any more."),
    marked("Only who has the conversation can hand it back."),
    marked("Conversations are for counselors."),
    marked("This period is not over yet. A report is made when it is."),
    marked("Nothing was public in this period."),
    marked("A reason is needed, in a few words."),
    marked("Alerts cannot be sent there. A mail address such as name@example.jp can be reached."),
    marked("A question is needed, in a few words."),
    marked("An answer is needed, in a few words."),
    marked("These are the person's own words. Ask in yours, without them."),
    marked("At most 2000 characters, please."),
    marked("Choose a time from now on, within twelve weeks."),
    marked("Choose an hour of the day, unless the person named this one."),
    marked("Choose a time from now on."),
    marked("Whose wish is it? Choose: the person, the family, or a supporter who heard it."),
    marked("A promise needs a day and who keeps it."),
    marked("Consent needs to whom, what, until when, and how it was given."),
    marked("Only the person's own words are consent, not what somebody reports of them."),
    marked("This consent would be over already."),
    marked("There is nothing to decide here."),
    marked("The second person must be another one."),
    marked("Without the person's own consent only a consultation without names can be sent."),
    marked("You carry as much as you may. Hand something back first, or leave it to a colleague."),
    marked("First confirm that you have seen how they would like it to go."),
    marked("They asked to be left alone. You can write again when they do."),
    marked("Your last words are unanswered. Leave them time; you can write again later."),
    marked("Somebody else must stand in."),
    marked("They have this conversation already."),
    marked("It is at this desk already."),
    marked("This conversation goes on with a colleague."),
    marked("Only who has the conversation, their stand-in or a lead can do this."),
    marked("Nothing was agreed on for later."),
    marked("This practice is over, or its wishes were not read yet."),
    marked("A decision is agreed to by a second person."),
    marked("This is no day."),
    marked("A day and a time are needed."),
    marked("Somebody is in danger here: what you write goes at once."),
    marked("Choose a time from now on, within a week."),
    marked("There are ten that have not left yet. Take one of them back first."),
    marked("{name} took this one first."),
    marked("This page is for others of the staff."),
    marked("Name and login need 1 to 64 characters."),
    marked("How much they carry is a number from 1 to 99."),
    marked("Your own role and desks are changed by another lead."),
    marked("This is for a lead of those desks."),
    marked("Your own sign-in is changed in your settings, or by another lead."),
    marked("Another lead lets you go."),
    marked("They still owe somebody something. Give each promise a new owner first."),
    marked("This login is taken already."),
    marked("A shift needs a day, and times such as 20:00."),
    marked("A shift lasts 16 hours at most, and is entered for 12 weeks at most."),
    marked("A shift ends after it begins."),
    marked("They are on duty at that time already."),
    marked("A passphrase needs 12 to 256 characters."),
    marked("This passphrase is among the first that are tried. A few words in a row are better."),
    marked("The passphrase until now is not right."),
    marked("These figures are not the ones of now. Look at the app once more."),
    marked("The passkey could not be set up. It can be tried again."),
    marked("This passkey is known already."),
    marked("The time for this has passed. Sign in once more."),
    marked("Set up another one first: nobody signs in with a passphrase alone."),
    marked("Content is for editors and reviewers."),
    marked("There is no such kind of document."),
    marked("This name cannot be a document's."),
    marked("There is a document of this name already."),
    marked("This document has to be there."),
    marked("A document has at most 400,000 characters."),
    marked("Somebody else saved this first."),
    marked("It was not sent to review yet."),
    marked("A second person has to look at it."),
    marked("Nothing was sent to review."),
    marked("The time lies between now and ninety days from now."),
    marked("This time cannot be read."),
    marked("Somebody published at the same moment."),
    marked("Somebody changed a draft at the same moment."),
    marked("A note has at most 500 characters."),
    marked("These words cannot be read as a document. Write them as they are stored."),
    marked("There is no text of this name."),
    marked("This file is too large."),
    marked("No conversation is called that."),
    marked("Several are called that. Use the number of the conversation."),
    marked("This conversation is open to you. It needs no emergency."),
    marked("Some of what you asked for is not decided yet. A second person looks at those first."),
    marked("The second person is another one, and one of the two is a lead."),
    marked("This is decided already, or too old."),
    marked("Somebody is writing on this. Open it and keep the day there."),
    marked("A hotline is looked at by two people: open it and write the day."),
)
"""Messages of errors that staff may read."""


class Taken(Conflict):
    """Somebody took the conversation first; `name` tells who."""

    def __init__(self, name: str) -> None:
        super().__init__("{name} took this one first.")
        self.name = name


class Pages:
    """Renders. Everything is escaped; nothing a person wrote is ever a template."""

    def __init__(self, clock: Clock, service_name: Callable[[], str]) -> None:
        self._clock, self._service_name = clock, service_name
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("admin"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._static = {item.name: item.read_bytes() for item in (HERE / "static").iterdir()}
        tokens = hashlib.sha256((SHARED / "tokens.css").read_bytes()).hexdigest()[:12]
        self._tokens = f"/chat/static/tokens.css?v={tokens}"

    def render(
        self,
        request: web.Request,
        template: str,
        session: Session | None,
        *,
        status: int = 200,
        **values: Any,
    ) -> web.Response:
        """A page; for `X-Fragment` only what changes while it is open."""
        t = words_of(request)
        text = self._templates.get_template(template).render(
            t=t,
            lang=t.language,
            other_lang=self._in_other_language(request, t),
            now=self._clock.now(),
            session=session,
            member=session.member if session else None,
            may=lambda key: session is not None and session.member.role in ACCESS[key],
            csrf=session.csrf if session else "",
            fragment=is_fragment(request),
            service=self._service_name(),
            theme=theme_of(request),
            asset=self.asset,
            tokens=self._tokens,
            labels=labels,
            **values,
        )
        headers = {"Cache-Control": "no-store", "Vary": "X-Fragment"}
        return web.Response(text=text, content_type="text/html", status=status, headers=headers)

    def piece(self, template: str, name: str) -> Callable[..., Markup]:
        """A macro of a template, to be drawn once and put into many pages."""
        macro: Callable[..., Markup] = getattr(self._templates.get_template(template).module, name)
        return macro

    def problem(
        self,
        request: web.Request,
        status: int,
        error: EngawaError | None,
        session: Session | None,
        form: Mapping[str, str],
    ) -> web.Response:
        """What went wrong in plain words; what was written stays on the page, ready to be sent again."""
        t = words_of(request)
        title, remark = t(PROBLEMS.get(status, PROBLEM)), t(REMARKS[status]) if status in REMARKS else ""
        if isinstance(error, Busy):
            title, remark = t(BUSY), ""
        elif isinstance(error, Taken):
            title = t(str(error), name=error.name)
        elif error is not None and t.knows(str(error)) and str(error) not in PROBLEMS.values():
            title, remark = t(str(error)), ""
        response = self.render(
            request,
            "problem.html",
            session,
            status=status,
            title=title,
            remark=remark,
            lost=status == 404 and request.path.startswith("/admin/tickets/"),
            draft=lines.readable(form.get("text", "")),
            reply_id=form.get("reply_id", ""),
            again=request.path if status == 503 and form.get("text") else "",
        )
        if status == 503:
            response.headers["Retry-After"] = "2"
        return response

    def asset(self, name: str) -> str:
        """The address of a static file; it changes with the file, so that it may be kept for ever."""
        return f"/admin/static/{name}?v={hashlib.sha256(self._static[name]).hexdigest()[:12]}"

    async def static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        content = self._static.get(name)
        if content is None:
            raise web.HTTPNotFound
        kind = KINDS.get("." + name.rpartition(".")[2], "application/octet-stream")
        return web.Response(body=content, content_type=kind, headers={"Cache-Control": FOREVER})

    def _in_other_language(self, request: web.Request, t: Words) -> str:
        other = "ja" if t.language == "en" else "en"
        here = request.rel_url if request.method == "GET" else request.rel_url.with_path("/admin")
        return str(here.update_query(lang=other))


def theme_of(request: web.Request) -> str:
    """Day or night, if this browser was told; else the reader's system decides."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def is_fragment(request: web.Request) -> bool:
    return "X-Fragment" in request.headers or request.query.get("fragment") == "1"
