"""What nobody thought of: thousands of odd requests to the JSON endpoints and pages, and sqlmap."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
import uuid
from typing import Any, Final
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.attack.bars import NotRun, bar, check
from tests.attack.people import cry
from tests.attack.stage import Person, Stage

CASES: Final = 10_000
FIELDS: Final = (
    "client_id",
    "text",
    "choice_id",
    "role",
    "operator_id",
    "contact_id",
    "seq",
    "author",
    "from",
    "at",
)
EXTRA: Final = {"role": "staff", "operator_id": "other", "author": "staff", "seq": 1, "contact_id": "0" * 32}
SQLMAP_WITHIN: Final = 300.0  # seconds for each address

ANY: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
BODIES: Final = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS), ANY, max_size=5).map(lambda one: json.dumps(one).encode()),
    ANY.map(lambda one: json.dumps(one).encode()),
    st.binary(max_size=200),
)
PATHS: Final = st.sampled_from(
    (
        "/chat/api/messages?after={}",
        "/chat/api/session?from={}",
        "/places?area={}&q={}",
        "/places/{}",
        "/read/{}",
        "/calendar?area={}",
        "/calendar/area/{}.ics",
        "/calendar/area/{}/{}.ics",
        "/calendar/event/{}.ics",
        "/calendar/series/{}.ics",
        "/card?from={}",
        "/chat?from={}&lang={}",
        "/chat/move/{}",
        "/chat/static/{}",
        "/admin/tickets/{}",
        "/admin/tickets/{}?since={}&before={}",
        "/admin/places?area={}&q={}",
        "/admin/static/{}",
        "/admin?group={}",
        "/webhooks/line/{}",
    )
)
ODD: Final = st.text(max_size=40) | st.sampled_from(
    (
        "../../etc/passwd",
        "..%2f..%2f",
        "\x00",
        "' OR 1=1--",
        "9" * 400,
        "-1",
        "1e309",
        "\ud7ff",
        "０",
        "%",
        "a\r\nb: c",
    )
)


def asked(stage: Stage, method: str, path: str, cookie: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and body, by the plainest client there is."""
    request = urllib.request.Request(stage.url + path, data=body, method=method)
    request.add_header("Cookie", cookie)
    if body is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.build_opener(Quiet()).open(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Quiet(urllib.request.HTTPRedirectHandler):
    """Follows nothing."""

    def redirect_request(self, *_: Any) -> None:
        return None


def fuzzed(stage: Stage, person: Person) -> tuple[int, set[int]]:
    """How many requests were made, and every status that came."""
    statuses, made = set[int](), 0
    rules = settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    @seed(1)
    @rules
    @given(BODIES, st.sampled_from(("/chat/api/messages", "/chat/api/session")))
    def bodies(body: bytes, path: str) -> None:
        nonlocal made
        made += 1
        status, answer = asked(stage, "POST", path, person.cookie, body)
        statuses.add(status)
        assert status < 500, (path, body, status)
        assert isinstance(json.loads(answer), dict), (path, body, answer)

    @seed(2)
    @rules
    @given(PATHS, ODD, ODD, ODD, st.booleans())
    def paths(path: str, one: str, two: str, three: str, signed_in: bool) -> None:
        nonlocal made
        made += 1
        cookie = stage.member("lead") if signed_in else person.cookie
        filled = path.format(*[quote(odd, safe="") for odd in (one, two, three)])
        status, _ = asked(stage, "GET", filled, cookie)
        statuses.add(status)
        assert status < 500, (filled, status)

    bodies()
    paths()
    return made, statuses


@bar("B28", "odd requests by the thousand")
async def fuzz(stage: Stage) -> str:
    """Bodies and addresses nobody thought of: never a 5xx, and the API always answers with a JSON object."""
    made, statuses = await asyncio.to_thread(fuzzed, stage, await stage.person())
    check(500 not in statuses, "a 500")
    return f"{made} requests by Hypothesis, statuses {sorted(statuses)}"


@bar("B20", "fields that nobody asked for")
async def mass_assignment(stage: Stage) -> str:
    """A message with fields of our tables in it is a message, and nothing else."""
    person = await stage.person()
    body = json.dumps({"client_id": uuid.uuid4().hex, "text": "ふつう", **EXTRA}).encode()
    answer = await stage.ask("POST", "/chat/api/messages", cookie=person.cookie, body=body)
    check(answer.status == 202, f"answered {answer.status}")
    await stage.settled()
    own = [one for one in await person.thread() if one["text"] == "ふつう"]
    check([one["from"] for one in own] == ["person"], "a field of the body changed who wrote it")
    return f"{len(EXTRA)} fields, none taken"


@bar("B21", "other people's streams and messages")
async def guessed(stage: Stage) -> str:
    """Guessed cookies, another's place in the stream, no cookie: no word of anybody."""
    words, person = stage.canaries.make("own stream"), await stage.person()
    await person.says(words)
    await stage.settled()
    value = person.cookie.partition("=")[2]
    flipped = [
        value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :] for place in range(43)
    ]
    for guess in ["", "A" * 43, value[:-1], value + "A", value.lower(), value.upper(), *flipped]:
        answer = await stage.ask("GET", "/chat/api/messages?after=0", cookie=f"engawa_chat={guess}")
        check(words not in answer.text or guess == value, "a guess reads somebody's words")
    head = "GET /chat/api/stream?after=0 HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0\r\n"
    head += f"Cookie: engawa_chat={'A' * 43}\r\n\r\n"
    raw = await stage.raw(head.encode(), wait=1.5)
    check(words.encode() not in raw, "a stream tells of somebody else")
    own = await stage.raw(head.replace("A" * 43, value).encode(), wait=1.5)
    check(words.encode() in own, "one's own stream tells nothing, so this proves nothing")
    return f"{6 + len(flipped)} guesses, 0 words"


@bar("B28", "sqlmap")
async def sqlmap(stage: Stage) -> str:
    """Every parameter of pages and API, with a valid session."""
    program = shutil.which("sqlmap") or install()
    ticket, person = await cry(stage, "sqlmap"), await stage.person()
    lead = stage.member("lead")
    runs = (
        ("/chat/api/messages?after=1", person.cookie, ""),
        ("/places?area=a&kind=b&q=c", "", ""),
        ("/calendar?area=a", "", ""),
        (f"/admin/tickets/{ticket}?since=1&before=2", lead, ""),
        ("/admin/places?area=a&q=b", lead, ""),
        ("/chat/api/messages", person.cookie, json.dumps({"client_id": uuid.uuid4().hex, "text": "a"})),
    )
    wrong, done = [], 0
    for path, cookie, data in runs:
        told = await asyncio.to_thread(run_sqlmap, program, stage, path, cookie, data)
        done += "all tested parameters do not appear to be injectable" in told
        if re.search(r"is vulnerable|injectable \(|identified the following injection", told):
            wrong.append(path)
    check(not wrong, f"injection by {wrong}")
    check(done, "sqlmap tested nothing to its end")
    return f"{len(runs)} addresses, {done} tested to the end, 0 injectable"


def run_sqlmap(program: str, stage: Stage, path: str, cookie: str, data: str) -> str:
    out = stage.folder / "sqlmap"
    command = [
        program,
        "-u",
        stage.url + path,
        "--batch",
        "--level=3",
        "--risk=2",
        "--technique=BEU",
        "--flush-session",
    ]
    command += [
        "--disable-coloring",
        f"--output-dir={out}",
        "--dbms=sqlite",
        "--threads=2",
        "--timeout=5",
    ]
    command += [f"--cookie={cookie}", "--skip=Cookie"] if cookie else []
    command += [f"--data={data}"] if data else []
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=SQLMAP_WITHIN, check=False
        ).stdout
    except subprocess.TimeoutExpired:
        return ""


def install() -> str:
    """Sqlmap from Debian, where we are root and there is an apt. Raises NotRun with what to do otherwise."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        got = subprocess.run(("apt-get", "install", "-y", "-qq", "sqlmap"), capture_output=True, check=False)
        if got.returncode == 0 and (found := shutil.which("sqlmap")):
            return found
    raise NotRun("sqlmap is not here and could not be installed. On Debian: apt-get install sqlmap")
