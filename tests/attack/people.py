"""Those who ask for what is not theirs: other people's threads, forged forms and webhooks, replays, guesses."""

from __future__ import annotations

import asyncio
import json
import random
import re
import statistics
import uuid
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import func, select

from admin.serving import application
from bot.app import Engawa
from bot.store.schema import tickets, timeline
from tests.attack.bars import NotRun, bar, check
from tests.attack.stage import PASSWORD, Answer, Stage

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
SOMEBODY: Final = "0" * 32
TRIES: Final = 200  # of each kind
SHUFFLES: Final = 5_000
NOISE: Final = 0.005  # seconds


def routes(stage: Stage) -> Iterator[tuple[str, str]]:
    """Method and pattern of every route of the application, read from its own router."""
    app = application(Engawa(stage.settings))
    for found in app.router.routes():
        resource = found.resource
        if resource is not None and found.method != "*":
            yield found.method, resource.canonical


def filled(pattern: str, ticket: str) -> str:
    """An address of this route; what is asked for by id is the ticket."""
    return re.sub(r"\{[^}]+\}", ticket, pattern.replace("{platform}", "line"))


async def cry(stage: Stage, words: str) -> str:
    """Somebody in danger waits; returns the newest ticket."""
    await stage.line.says(stage.line.new_user(), f"もう死にたい {words}")
    await stage.settled()
    query = select(tickets.c.ticket_id).order_by(tickets.c.opened_at.desc()).limit(1)
    return str(stage.rows(query)[0][0])


@bar("B19", "every route, asked for by everybody")
async def idor(stage: Stage) -> str:
    """Nobody but staff who answer ever reads a person's words, by whatever route and id."""
    words = stage.canaries.make("thread of somebody")
    ticket = await cry(stage, words)
    other = await stage.person()
    askers = {
        "nobody": "",
        "somebody on the web": other.cookie,
        "a made-up session": "engawa_staff=" + "A" * 43,
        "editor": stage.member("editor"),
    }
    asked, wrong = 0, list[str]()
    for method, pattern in sorted(set(routes(stage))):
        if pattern.endswith("/stream"):
            continue
        for name, cookie in askers.items():
            staff_only = pattern.startswith("/admin") and pattern != "/admin/login"
            answer = await stage.ask(method, filled(pattern, ticket), cookie=cookie, headers=FORM)
            asked += 1
            if words in answer.text:
                wrong.append(f"{name} reads the thread by {method} {pattern}")
            open_page = answer.status == 200 and "/static/" not in pattern
            if staff_only and name != "editor" and open_page:
                wrong.append(f"{name} is let in by {method} {pattern}")
            if answer.status >= 500:
                wrong.append(f"{name}: {answer.status} by {method} {pattern}")
    mine = await stage.ask("GET", f"/admin/tickets/{ticket}", cookie=stage.member("counselor"))
    check(words in mine.text, "a counselor cannot read an open card, so this search finds nothing")
    absent = await stage.ask("GET", f"/admin/tickets/{SOMEBODY}", cookie=stage.member("editor"))
    foreign = await stage.ask("GET", f"/admin/tickets/{ticket}", cookie=stage.member("editor"))
    check(absent.status == foreign.status, "an editor learns whether a ticket exists")
    check(not wrong, "; ".join(wrong[:5]))
    return f"{asked} requests, 0 surprises"


@bar("B23", "forms that are not ours, and pages that only show")
async def forged(stage: Stage) -> str:
    """No change without this session's mark; and looking at every page changes nothing."""
    ticket = await cry(stage, "だれか")
    cookie, before, asked = stage.member("counselor"), stage.counted(), 0
    everything = sorted(set(routes(stage)))
    for method, pattern in everything:
        path = filled(pattern, ticket)
        if method == "POST" and pattern.startswith("/admin"):
            for headers, body in (
                (FORM, b""),
                (FORM, urlencode({"csrf": "0" * 64, "text": "x"}).encode()),
                ({**FORM, "Origin": "https://evil.example"}, b""),
                ({**FORM, "Sec-Fetch-Site": "cross-site"}, b""),
                ({"Content-Type": "text/plain"}, b'{"text": "x"}'),
            ):
                answer = await stage.ask("POST", path, cookie=cookie, body=body, headers=headers)
                asked += 1
                check(answer.status in (400, 403, 404), f"POST {pattern} answered {answer.status}")
        elif method == "GET" and not pattern.endswith("/stream"):
            await stage.ask("GET", path, cookie=cookie)
            asked += 1
    check(changed(stage, before) <= {"audit", "audit_refs"}, f"looking changed {changed(stage, before)}")
    person = await stage.person()
    message = json.dumps({"client_id": uuid.uuid4().hex, "text": "forged"}).encode()
    before = stage.counted()
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        told = await stage.ask(
            "POST", "/chat/api/messages", cookie=person.cookie, body=message, headers=headers
        )
        check(told.status == 403, f"a foreign page writes for somebody: {told.status}")
    check(not changed(stage, before), f"{changed(stage, before)} changed")
    return f"{asked + 2} requests, no row came or went but that a thread was looked at"


def changed(stage: Stage, before: dict[str, int]) -> set[str]:
    """Tables that have more or fewer rows than before."""
    return {name for name, count in stage.counted().items() if count != before[name]}


@bar("B39", "webhooks that nobody signed")
async def unsigned(stage: Stage) -> str:
    """Every kind of wrong signature: 401, and nothing is stored."""
    body = stage.line.body([stage.line.text(stage.line.new_user(), "forged")])
    right = stage.line.sign(body)
    before = stage.counted()
    wrong = [
        "",
        right[:-2],
        right.swapcase(),
        right + "=",
        "sha256=" + right,
        "あ" * 10,
        right[::-1],
        "A" * 44,
    ]
    for signature in wrong:
        sent = signature.encode("utf-8").decode("latin-1")
        status = (
            await stage.ask("POST", "/webhooks/line", body=body, headers={"X-Line-Signature": sent})
        ).status
        check(status == 401, f"a wrong signature is answered {status}")
    check((await stage.ask("POST", "/webhooks/line", body=body)).status == 401, "no signature is needed")
    touched = body.replace(b"forged", b"gedfor")
    check(
        (await stage.line.post_raw(touched, right)).status == 401, "another body passes with this signature"
    )
    secret = stage.canaries.known("telegram secret")
    for guess in ("", "x", secret[:-1], secret + "x"):
        check(
            (await stage.telegram.post_raw(b"{}", guess)).status == 401, "Telegram's secret is not looked at"
        )
    check(stage.counted() == before, "something was stored")
    return f"{len(wrong) + 6} tries, 0 stored"


@bar("B40", "the same webhook a hundred times")
async def replay(stage: Stage) -> str:
    """In parallel and one after the other: one message, one answer."""
    user = stage.line.new_user()
    body = stage.line.body([stage.line.text(user, "一度だけ")])
    signature = stage.line.sign(body)
    lines = select(func.count()).select_from(timeline)
    before = stage.rows(lines)[0][0]
    told = await asyncio.gather(*[stage.line.post_raw(body, signature) for _ in range(100)])
    await stage.settled()
    after = stage.rows(lines)[0][0]
    for _ in range(5):
        await stage.line.post_raw(body, signature)
    await stage.settled()
    check({one.status for one in told} == {200}, "a repeat is not acknowledged")
    check(stage.rows(lines)[0][0] == after, "a repeat was stored later")
    check(
        len(stage.line.received(user)) >= 1 and after - before <= 6, f"{after - before} lines for one message"
    )
    return f"105 times, {after - before} lines: the message and its answer"


@bar("B13", "sign-in tells nothing by its time")
async def timing(stage: Stage) -> str:
    """A known and an unknown name, in turns, each from its own network; a permutation test of the medians."""
    known, unknown = list[float](), list[float]()
    answers = list[Answer]()
    for number in range(TRIES):
        order = [("counselor", known), (f"nobody{number:03}", unknown)]
        random.shuffle(order)
        for login, times in order:
            answer = await sign_in(stage, login, f"wrong {number}")
            times.append(answer.seconds)
            answers.append(answer)
    seen = {(one.status, tuple(sorted(set(one.headers) - {"Date"}))) for one in answers}
    check(len(seen) == 1, f"the answers differ: {[status for status, _ in seen]}")
    check((await sign_in(stage, "counselor", PASSWORD)).status != 401, "the right password is refused, too")
    apart, itself = medians(known, unknown), max(medians(one[::2], one[1::2]) for one in (known, unknown))
    p = permuted(known, unknown)
    told = f"{TRIES} of each, medians {apart * 1000:.1f} ms apart, p = {p:.2f}"
    check(p > 0.01, told)
    if apart > NOISE and itself > NOISE / 2:
        raise NotRun(
            f"{told}; but here a name is {itself * 1000:.1f} ms apart from itself: try on a quiet machine"
        )
    check(apart <= NOISE, told)
    return told


def medians(one: list[float], two: list[float]) -> float:
    """How far the medians lie apart, in seconds."""
    return abs(statistics.median(one) - statistics.median(two))


async def sign_in(stage: Stage, login: str, secret: str) -> Answer:
    """One try with a form of our own, from a network nobody tried from before."""
    mark = "A" * 43
    fields = urlencode({"csrf": mark, "login": login, "secret": secret}).encode()
    network = ".".join(str(random.randrange(1, 250)) for _ in range(4))
    return await stage.ask(
        "POST",
        "/admin/login",
        cookie=f"engawa_login={mark}",
        body=fields,
        headers={**FORM, "X-Forwarded-For": network},
    )


def permuted(one: list[float], two: list[float]) -> float:
    """How often medians of a random split lie as far apart as these."""
    draw, both, far = random.Random(1), one + two, abs(statistics.median(one) - statistics.median(two))
    hits = 0
    for _ in range(SHUFFLES):
        draw.shuffle(both)
        hits += abs(statistics.median(both[: len(one)]) - statistics.median(both[len(one) :])) >= far
    return (hits + 1) / (SHUFFLES + 1)


@bar("B33", "the server goes where nobody sends it")
async def outgoing(stage: Stage) -> str:
    """Addresses in every place people can write; a listener counts who comes."""
    came = list[str]()

    async def heard(request: web.Request) -> web.Response:
        came.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", heard)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    targets = [
        f"http://{host}:{port}/x" for host in ("127.0.0.1", "[::1]", "2130706433", "localhost", "0x7f.1")
    ]
    targets += ["http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"]
    user, person = stage.line.new_user(), await stage.person()
    for target in targets:
        await stage.line.says(user, f"見てください {target}")
        await person.says(target)
        await stage.ask("GET", "/places?" + urlencode({"area": target, "q": target}))
        await stage.ask("GET", f"/card?from={target}", headers={"Host": target[7:-2], "Referer": target})
    await stage.settled()
    await asyncio.sleep(1.0)
    await runner.cleanup()
    check(not came, f"it asked for {came[:3]}")
    return f"{len(targets)} addresses in 4 places, 0 requests came"
