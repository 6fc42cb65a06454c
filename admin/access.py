"""Who may come where: every route of the console with the roles it is for. What has no line here is closed.

Roles decide on pages; which conversation a member sees is decided below, by desk and part (bot.handoff.access).
"""

from __future__ import annotations

from aiohttp import hdrs, web

from bot.releases import EDITS
from bot.store.staff import ANSWERING, ROLES

OPEN: frozenset[str] = frozenset()
"""Without a session: the door, and what it is drawn with."""
EVERYBODY = frozenset(ROLES)
ANSWER = frozenset(ANSWERING)
LEADS = frozenset({"lead"})
WATCH = frozenset({"lead", "operator"})
ALERTED = ANSWER | {"operator"}
REPORT = frozenset({"lead", "operator", "editor", "reviewer"})

HOME = {"editor": "/admin/studio", "reviewer": "/admin/studio", "operator": "/admin/status"}
"""The first page of who does not answer people."""

TICKET = "/tickets/{ticket}"
DEEDS = (
    *("claim", "seen", "reply", "draft", "hand-back", "release", "stand-in", "refuse"),
    *("notes/{number}/settle", "notes/{number}/agree", "follow-up/cancel", "read-later"),
    *("scheduled/{number}/take-back", "scheduled/{number}/hold", "lines/{number}/hide"),
)
DOCUMENT, FLOW = "/studio/documents/{kind}/{name}", "/studio/flows/{flow}"
STUDIO = (
    *("GET /studio", "POST /studio/new", f"GET {DOCUMENT}", f"POST {DOCUMENT}", f"GET {DOCUMENT}/history"),
    f"POST {DOCUMENT}/history",
    *(f"POST {DOCUMENT}/{{deed}}", "GET /studio/publish", "POST /studio/publish"),
    *("POST /studio/publish/call-off", "GET /studio/releases", "GET /studio/releases/{number}"),
    *(
        "POST /studio/releases/{number}/back",
        "POST /studio/releases/{number}/export",
        "GET /studio/flows",
        "POST /studio/flows",
    ),
    *(f"GET {FLOW}", f"POST {FLOW}", f"POST {FLOW}/preview", f"POST {FLOW}/remarks"),
    *(f"POST {FLOW}/propose", f"POST {FLOW}/undo"),
    *("GET /studio/board", "POST /studio/board/{deed}", "GET /studio/words", "POST /studio/words"),
    *("GET /studio/import", "POST /studio/import"),
)
ACCESS: dict[str, frozenset[str]] = {
    "GET /login": OPEN,
    "POST /login": OPEN,
    "GET /static/{name}": OPEN,
    "GET ": EVERYBODY,
    "GET /": EVERYBODY,
    "POST /logout": EVERYBODY,
    "GET /second": EVERYBODY,
    "POST /second": EVERYBODY,
    "GET /enrol": EVERYBODY,
    "POST /enrol": EVERYBODY,
    "GET /passphrase": EVERYBODY,
    "POST /passphrase": EVERYBODY,
    "GET /settings": EVERYBODY,
    "POST /settings": EVERYBODY,
    "POST /settings/end": EVERYBODY,
    "POST /settings/alerts": ANSWER,
    "POST /settings/codes": EVERYBODY,
    "POST /settings/factor": EVERYBODY,
    "GET /components": EVERYBODY,
    "GET /stream": EVERYBODY,
    "GET /queue": ANSWER,
    "POST /next": ANSWER,
    "GET /places": ANSWER,
    "GET /practice": ANSWER,
    "POST /practice": ANSWER,
    "GET /practice/{practice}": ANSWER,
    **{f"POST /practice/{{practice}}/{deed}": ANSWER for deed in ("seen", "draft", "reply", "end", "away")},
    "GET /consults": ANSWER,
    "POST /consults/{ticket}/{number}": ANSWER,
    "GET /alerts": ALERTED,
    "POST /alerts/{alert}/acknowledge": ALERTED,
    "GET /records": WATCH,
    "GET /status": WATCH,
    "GET /board": LEADS,
    "POST /debriefs/{debrief}": LEADS,
    "GET /shifts": LEADS,
    "POST /shifts": LEADS,
    "POST /shifts/drop": LEADS,
    "GET /members": LEADS,
    "POST /members": LEADS,
    "GET /members/{staff}": LEADS,
    "POST /members/{staff}": LEADS,
    "POST /members/{staff}/renew": LEADS,
    "POST /members/{staff}/reset": LEADS,
    "POST /members/{staff}/leave": LEADS,
    "GET /break-glass": ALERTED,
    "POST /break-glass": ALERTED,
    "GET /break-glass/{access}": ALERTED,
    "POST /break-glass/{access}/open": WATCH,
    "POST /break-glass/{access}/refuse": WATCH,
    "POST /break-glass/{access}/end": ALERTED,
    "GET /report": REPORT,
    **dict.fromkeys(STUDIO, EDITS),
    f"GET {TICKET}": ANSWER,
    **{f"{way} {TICKET}/{page}": ANSWER for way in ("GET", "POST") for page in ("pass", "notes", "consult")},
    **{f"{way} {TICKET}/send-on/{{number}}": ANSWER for way in ("GET", "POST")},
    f"GET {TICKET}/hand-over": ANSWER,
    **{f"POST {TICKET}/{deed}": ANSWER for deed in DEEDS},
}


NOTED = {
    "POST /second": "second_factor",
    "POST /enrol": "factor_add",
    "POST /passphrase": "passphrase",
    "POST /settings/codes": "codes",
    "POST /settings/factor": "factor_drop",
    "POST /settings/end": "session_end",
    "POST /logout": "sign_out",
    "POST /studio/publish": "publish",
    "POST /studio/releases/{number}/back": "roll_back",
    "POST /studio/releases/{number}/export": "export",
}
"""Deeds at no thread that go into the audit, before they are done; those at threads are noted where they are done."""
REFUSED = "not_allowed"


def key_of(request: web.Request) -> str:
    """The line of a request's route."""
    resource = request.match_info.route.resource
    path = resource.canonical.removeprefix("/admin") if resource is not None else "?"
    method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
    return f"{method} {path}"
