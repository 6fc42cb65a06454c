"""Below the application: headers on every status, odd HTTP, odd signs in what is logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from tests.attack.bars import bar, check
from tests.attack.people import cry, filled, routes
from tests.attack.stage import Stage

WANTED: Final = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=()",
    "Cache-Control": "",
    "Server": "engawa",
}
FORBIDDEN: Final = ("unsafe-inline", "unsafe-eval", "aiohttp", "Python/")


def lacking(headers: Mapping[str, str]) -> list[str]:
    """What is missing or too much in these headers."""
    found = [name for name, value in WANTED.items() if value not in headers.get(name, "no")]
    whole = "\n".join(f"{name}: {value}" for name, value in headers.items())
    return found + [word for word in FORBIDDEN if word in whole]


def parsed(raw: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers of a raw answer; 0 when there is none."""
    if not raw.startswith(b"HTTP/1."):
        return 0, {}
    head = raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return int(head[0].split()[1]), dict(line.split(": ", 1) for line in head[1:] if ": " in line)


@bar("B24", "headers on every route and status")
async def headers(stage: Stage) -> str:
    """All routes by all methods, and what goes wrong before there is a route."""
    ticket = await cry(stage, "ヘッダー")
    wrong, statuses, asked = dict[str, list[str]](), set[int](), 0
    for _, pattern in sorted(set(routes(stage))):
        if pattern.endswith("/stream"):
            continue
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
            for cookie in ("", stage.member("lead")):
                answer = await stage.ask(method, filled(pattern, ticket), cookie=cookie)
                asked += 1
                statuses.add(answer.status)
                if answer.status >= 500:
                    wrong[f"{method} {pattern}"] = [f"answers {answer.status}"]
                if found := lacking(answer.headers):
                    wrong[f"{method} {pattern} {answer.status}"] = found
    big = b"x" * (1 << 21)
    for path in ("/webhooks/line", "/chat/send", "/chat/api/messages", "/admin/login"):
        answer = await stage.ask("POST", path, body=big, cookie=(await stage.person()).cookie)
        statuses.add(answer.status)
        if found := lacking(answer.headers):
            wrong[f"big {path} {answer.status}"] = found
    for name, sent in MALFORMED.items():
        status, got = parsed(await stage.raw(sent, wait=2.0))
        statuses.add(status)
        if status and (found := lacking(got)):
            wrong[f"{name} {status}"] = found
    check(not wrong, f"{len(wrong)} answers lack something: {dict(list(wrong.items())[:4])}")
    return f"{asked} answers, statuses {sorted(statuses - {0})}"


MALFORMED: Final = {
    "no request": b"\x00\x01\x02\r\n\r\n",
    "TLS to a plain port": bytes.fromhex("16030100c8010000c40303") + b"\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 2_000 + b"\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "expectation": b"GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n",
}
CHUNKED: Final = b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED: Final = {
    "CL and TE": b"POST /chat/send HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two CL": b"POST /chat/send HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n",
    "TE twice": b"POST /chat/send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
    "TE with a tab": b"POST /chat/send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\n\r\n",
    "odd TE": b"POST /chat/send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "signed CL": b"POST /chat/send HTTP/1.1\r\nHost: x\r\nContent-Length: +40\r\n\r\n",
    "space before colon": b"POST /chat/send HTTP/1.1\r\nHost: x\r\nContent-Length : 40\r\n\r\n",
    "folded": b"POST /chat/send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
    "two hosts": b"GET /chat HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 40\r\n\r\n",
    "no host": b"GET /chat HTTP/1.1\r\nContent-Length: 40\r\n\r\n",
}


@bar("B46", "requests hidden in requests")
async def smuggling(stage: Stage) -> str:
    """What two servers could read differently is refused, and what follows it is never answered as a request."""
    wrong = []
    for name, head in SMUGGLED.items():
        raw = await stage.raw(head + CHUNKED, wait=1.5)
        status, _ = parsed(raw)
        if status != 400 or raw.count(b"HTTP/1.1 200") or b"engawa_sends_total" in raw:
            wrong.append(f"{name}: {status}, {raw.count(b'HTTP/1.1 ')} answers")
    check(not wrong, "; ".join(wrong))
    return f"{len(SMUGGLED)} shapes, each 400 and closed"


ODD: Final = (
    "a\r\nevil: 1",
    "\x1b[31mred\x1b]0;x\x07",
    "a\u2028b\u2029c",
    "\u202egnp.exe",
    '"},{"event":"forged"',
)


@bar("B32", "one event is one line of the log")
async def log_lines(stage: Stage) -> str:
    """Line ends and terminal codes in every place that is not ours; the log stays one JSON object a line."""
    person, user = await stage.person(), stage.line.new_user()
    for odd in ODD:
        await person.says(odd)
        await stage.line.says(user, odd)
        await stage.ask("POST", "/chat/api/messages", cookie=person.cookie, body=odd.encode())
        broken = b"GET /\x1b[31m HTTP/1.1\r\nHost: x\r\nUser-Agent: " + odd.encode() + b"\r\n\r\n"
        await stage.raw(broken, wait=0.5)
    await stage.settled()
    raw = stage.server.log.read_bytes()
    check(not set(raw) & (set(range(32)) - {10}), "control codes are in the log")
    lines = raw.decode().split("\n")[:-1]
    for line in lines:
        json.loads(line)
    check(not any("forged" in line or "evil" in line for line in lines), "words of others are in the log")
    return f"{len(lines)} lines, all JSON, no control code"


@bar("B32", "another name for this server leads nowhere")
async def other_hosts(stage: Stage) -> str:
    """What a request says it was sent to appears in no link that leaves the page, and in no redirect."""
    wrong = []
    for path in (
        "/",
        "/chat",
        "/chat/button",
        "/card",
        "/admin",
        "/admin/login?lang=en",
        "//evil.example/?lang=en",
    ):
        for name in ("Host", "X-Forwarded-Host", "Forwarded"):
            value = "host=evil.example" if name == "Forwarded" else "evil.example"
            answer = await stage.ask("GET", path, headers={name: value})
            place = answer.headers.get("Location", "/")
            if not place.startswith("/") or place.startswith("//"):
                wrong.append(f"{path} leads to {place}")
            if name != "Host" and "evil.example" in answer.text:
                wrong.append(f"{path} tells {name}")
    check(not wrong, "; ".join(wrong))
    return "7 pages, 3 headers: redirects stay on this host"
