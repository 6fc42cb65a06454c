"""Too much at once, or too slowly: bombs, floods, clients that do not finish, clients that do not read."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import uuid
from collections.abc import Mapping
from typing import Final

from tests.attack.bars import bar, check
from tests.attack.people import FORM
from tests.attack.stage import Person, Stage

QUICK: Final = 1.0  # seconds an answer to a bomb may take
GROWTH: Final = 50.0  # MB
UNTOUCHED: Final = 0.5  # seconds at p95 for everybody else
SLOW: Final = 100  # connections
STRANGERS: Final = 4_000
HEADERS_WITHIN: Final = 30.0  # seconds; the same for who does not read (B35)


def bombs() -> dict[str, tuple[str, bytes, Mapping[str, str]]]:
    """By name: path, body, headers."""
    api, form = "/chat/api/messages", "/chat/send"
    many = b"&".join(b"f%d=x" % number for number in range(1_001))
    part = b'--b\r\nContent-Disposition: form-data; name="text"; filename="x"\r\n\r\n' + b"x" * (5 << 20)
    deep, zeros = b"[" * 100_000, gzip.compress(b"\0" * (500 << 20), 6)
    told = json.dumps({"client_id": uuid.uuid4().hex})[:-1].encode()
    return {
        "500 MB as gzip": (api, zeros, {"Content-Encoding": "gzip"}),
        "500 MB as gzip to a form": (form, zeros, {**FORM, "Content-Encoding": "gzip"}),
        "500 MB as gzip to a webhook": ("/webhooks/line", zeros, {"Content-Encoding": "gzip"}),
        "500 MB as gzip at sign-in": ("/admin/login", zeros, {**FORM, "Content-Encoding": "gzip"}),
        "64 MB": (api, b"x" * (64 << 20), {}),
        "JSON, 100,000 deep": (api, deep, {}),
        "JSON, 100,000 deep, in an object": (api, b'{"a":' * 100_000, {}),
        "JSON, 30,000 deep, closed": (api, b"[" * 30_000 + b"]" * 30_000, {}),
        "a number of 100,000 digits": (api, told + b', "text": ' + b"9" * 60_000 + b"}", {}),
        "a number of 100,000 digits and half an emoji": (
            api,
            told + b', "text": "\\ud83d", "n": ' + b"9" * 60_000 + b"}",
            {},
        ),
        "NUL": (api, b"\x00" * 1_000, {}),
        "1,001 fields": (form, many, FORM),
        "1,001 fields at sign-in": ("/admin/login", many, FORM),
        "5 MB as multipart": (form, part, {"Content-Type": "multipart/form-data; boundary=b"}),
        "5 MB as multipart at sign-in": (
            "/admin/login",
            part,
            {"Content-Type": "multipart/form-data; boundary=b"},
        ),
    }


async def others(stage: Stage, person: Person, stop: asyncio.Event) -> list[float]:
    """How long an ordinary message takes, again and again, until it is over."""
    times = []
    while not stop.is_set():
        answer = await person.says("ふつうのことば")
        check(answer.status in (202, 429), f"an ordinary message was answered {answer.status}")
        times.append(answer.seconds)
        await asyncio.sleep(0.1)
    return times


def p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)] if times else 0.0


@bar("B29", "bombs")
async def bomb(stage: Stage) -> str:
    """Each is refused at once, without memory; others write on."""
    person, victim = await stage.person(), await stage.person()
    made, before, stop = await asyncio.to_thread(bombs), stage.resident(), asyncio.Event()
    meanwhile = asyncio.create_task(others(stage, victim, stop))
    most, slowest, wrong = before, 0.0, []
    for name, (path, body, headers) in made.items():
        try:
            answer = await stage.ask("POST", path, cookie=person.cookie, body=body, headers=headers)
        except ConnectionError:  # closed while we still sent: refused as well
            continue
        most, slowest = max(most, stage.resident()), max(slowest, answer.seconds)
        refused = 400 <= answer.status < 500 or (
            answer.status == 303 and answer.headers["Location"] == "/chat"
        )
        if not refused:
            wrong.append(f"{name}: {answer.status}")
        if answer.seconds > QUICK * (4 if len(body) > 1 << 20 else 1):
            wrong.append(f"{name}: {answer.seconds:.1f} s")
    stop.set()
    times = await meanwhile
    left = [path for path in (stage.folder / "tmp").rglob("*") if path.is_file()]
    check(not wrong, "; ".join(wrong))
    check(not left, "something was written to a temporary folder")
    check(most - before < GROWTH, f"memory grew by {most - before:.0f} MB")
    check(p95(times) < UNTOUCHED, f"others waited {p95(times) * 1000:.0f} ms")
    return (
        f"{len(made)} kinds, slowest {slowest:.2f} s, +{most - before:.0f} MB, "
        f"others' p95 {p95(times) * 1000:.0f} ms"
    )


@bar("B34", "clients that do not finish")
async def slow_clients(stage: Stage) -> str:
    """100 that never end their headers, 100 that never end their body: dropped, and nobody else waits."""
    person, stop = await stage.person(), asyncio.Event()
    meanwhile = asyncio.create_task(others(stage, person, stop))
    heads = [held(stage, b"GET /chat HTTP/1.1\r\nHost: x\r\n", b"X-A: b\r\n") for _ in range(SLOW)]
    body = b"POST /webhooks/line HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n"
    bodies = [held(stage, body, b"x") for _ in range(SLOW)]
    lives = await asyncio.gather(*heads, *bodies)
    stop.set()
    times = await meanwhile
    check(max(lives) < HEADERS_WITHIN, f"a slow client was kept for {max(lives):.0f} s")
    check(p95(times) < UNTOUCHED, f"others waited {p95(times) * 1000:.0f} ms")
    return f"{len(lives)} connections, each dropped within {max(lives):.0f} s, others' p95 {p95(times) * 1000:.0f} ms"


async def held(stage: Stage, first: bytes, then: bytes) -> float:
    """Opens a request and trickles; how many seconds until it was dropped."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(first)
    end = asyncio.ensure_future(reader.read(-1))
    try:
        while not end.done() and time.monotonic() - began < HEADERS_WITHIN + 2:
            await asyncio.wait({end}, timeout=1.0)
            writer.write(then)
    except ConnectionError:
        pass
    finally:
        end.cancel()
        writer.transport.abort()
        await asyncio.gather(end, return_exceptions=True)
    return time.monotonic() - began


@bar("B35", "clients that do not read, and streams that are too many")
async def unread(stage: Stage) -> str:
    """Who asks for much and reads nothing is dropped; one network gets so many streams, then 503."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port, limit=1)
    try:
        while time.monotonic() - began < HEADERS_WITHIN + 10:
            writer.write(b"GET /chat/static/chat.js HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
            async with asyncio.timeout(0.2):
                await writer.drain()
    except TimeoutError:
        pass
    except ConnectionError:
        return "dropped while it still asked"
    try:
        while time.monotonic() - began < HEADERS_WITHIN + 10:
            writer.write(b"\r\n")
            await asyncio.sleep(0.5)
            if writer.transport.is_closing():
                break
    finally:
        del reader
        took = time.monotonic() - began
        writer.transport.abort()
    check(took < HEADERS_WITHIN + 9, f"kept for {took:.0f} s without reading")
    streams = await crowd(stage)
    return f"dropped after {took:.0f} s; one network had {streams} streams, others one more"


async def crowd(stage: Stage) -> int:
    """How many streams one network may hold at once; somebody else still gets one."""
    head = "GET /chat/api/stream HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {}\r\nCookie: engawa_chat={}\r\n\r\n"
    writers, opened = [], 0

    async def open_one(network: str) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writers.append(writer)
        writer.write(head.format(network, uuid.uuid4().hex + "A" * 11).encode())
        return b" 200 " in await asyncio.wait_for(reader.readline(), 10)

    for _ in range(120):
        opened += await open_one("203.0.113.5")
    other = await open_one("203.0.113.99")
    for writer in writers:
        writer.transport.abort()
    check(opened <= 60, f"one network took {opened} streams")
    check(other, "nobody else gets a stream any more")
    return opened


@bar("B37", "a flood, and a cry within it")
async def flood(stage: Stage) -> str:
    """One person, and one network with ever new cookies: told to slow down; a word of danger passes each time."""
    person = await stage.person()
    told = [(await person.says(f"ながれ {number}")).status for number in range(120)]
    check(429 in told, "nothing slows a flood")
    check((await person.says("もう死にたい")).status == 202, "a cry was held up")
    network = {"X-Forwarded-For": "198.51.100.7"}
    fresh = list[int]()
    while (
        429 not in fresh and len(fresh) < STRANGERS
    ):  # a hundred at a time: it fills up again by ten a second
        fresh += await asyncio.gather(*[stranger(stage, "ながれ", network) for _ in range(100)])
    check(429 in fresh, "ever new cookies are never slowed down")
    check(await stranger(stage, "もう死にたい", network) == 202, "a cry from a busy network was held up")
    check(await stranger(stage, "ながれ", {"X-Forwarded-For": "198.51.100.9"}) == 202, "others are held up")
    return f"{told.count(429)} of 120 and {fresh.count(429)} of {len(fresh):,} were slowed down, both cries passed"


async def stranger(stage: Stage, text: str, headers: Mapping[str, str]) -> int:
    """The status of a first message with a cookie nobody gave out."""
    cookie = "engawa_chat=" + uuid.uuid4().hex + "B" * 11
    body = json.dumps({"client_id": uuid.uuid4().hex, "text": text}).encode()
    return (await stage.ask("POST", "/chat/api/messages", cookie=cookie, body=body, headers=headers)).status
