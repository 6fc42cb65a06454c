"""How a message leaves LINE, each case against a LINE that fails as it was told: once, whole and in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.channels import http
from bot.channels.line import PUSH, REPLY, Line
from bot.channels.line.quota import JAPAN, LEAST_RESERVE, RECHECK
from bot.channels.line.sender import RETRY_KEY_KEPT
from bot.errors import (
    HintSpent,
    Misconfigured,
    QuotaSpent,
    Rejected,
    SendError,
    Throttled,
    Unreachable,
)
from bot.messages import HINT_FRESH, Address, Hold, Outgoing, Purpose, Reply, ReplyHint
from bot.runtime.retry import GiveUp, decide
from tests.platforms import FakeLine, Fault, cut, refuse, silence, slow

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CONTACT = "0" * 31 + "1"
AGED = NOW + HINT_FRESH
MONTHLY = "You have reached your monthly limit."
LONG = "あ" * 25_000 + "いう"


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def fake(clock: Clock) -> AsyncIterator[FakeLine]:
    async with FakeLine(clock=clock) as running:
        yield running
        running.assert_no_invalid()


@pytest.fixture
async def line(fake: FakeLine) -> AsyncIterator[Line]:
    made = Line(
        account="line",
        channel_secret=fake.secret,
        access_token=fake.access_token,
        api_base=fake.url,
        words=lambda key: key,
        webhook_url="https://engawa.example.jp/webhooks/line",
    )
    await made.open()
    yield made
    await made.close()


def outgoing(user: str = "U" + "0" * 32, token: str = "t" * 32, **more: Any) -> Outgoing:
    common = {"contact_id": CONTACT, "seq": 1, "address": Address(account="line", key=user)}
    common |= {"purpose": Purpose.BOT, "attempt": 1, "queued_at": NOW, "reply": Reply(texts=("はい",))}
    hint = ReplyHint(token=token, received_at=NOW) if token else None
    return Outgoing(**{**common, "hint": hint, **more})


async def deliver(line: Line, clock: Clock, one: Outgoing, tries: int = 20) -> list[str]:
    """What delivery does: routes, sends, decides, waits, and tries again. The ways it took and the errors it met."""
    ways: list[str] = []
    for _ in range(tries):
        via = line.route(one, clock.now)
        if not isinstance(via, str):
            return [*ways, via.code if isinstance(via, Hold) else "none"]
        ways.append(via)
        try:
            await line.send(replace(one, via=via))
            return ways
        except SendError as error:
            ways.append(error.code)
            verdict = decide(error, replace(one, via=via), clock.now)
            if isinstance(verdict, GiveUp):
                return [*ways, "uncertain" if verdict.uncertain else "failed"]
            clock.now = max(clock.now, verdict.at)
            one = replace(
                one,
                attempt=one.attempt + 1,
                earlier_via=via,
                earlier_error=error.code,
                may_have_arrived=verdict.may_have_arrived,
            )
    return ways


# --- ways -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "now", "via"),
    [
        ({}, NOW, REPLY),
        ({}, AGED, PUSH),
        ({"hint": None}, NOW, PUSH),
        ({"earlier_via": REPLY, "may_have_arrived": True}, NOW, REPLY),
        ({"earlier_via": REPLY, "may_have_arrived": True}, AGED, None),
        ({"earlier_via": REPLY, "may_have_arrived": True, "purpose": Purpose.SAFETY}, AGED, PUSH),
        ({"earlier_via": REPLY, "may_have_arrived": True, "purpose": Purpose.COUNSELOR}, AGED, PUSH),
        ({"earlier_via": REPLY, "earlier_error": HintSpent.code}, NOW, PUSH),
        ({"earlier_via": REPLY, "earlier_error": Throttled.code}, NOW, REPLY),
        ({"earlier_via": REPLY, "earlier_error": Throttled.code}, AGED, PUSH),
        ({"earlier_via": PUSH, "may_have_arrived": True}, NOW + timedelta(hours=23), PUSH),
        ({"earlier_via": PUSH, "may_have_arrived": True}, NOW + RETRY_KEY_KEPT, None),
        ({"earlier_via": PUSH, "earlier_error": QuotaSpent.code}, NOW + RETRY_KEY_KEPT, PUSH),
    ],
)
async def test_routes(line: Line, more: dict[str, Any], now: datetime, via: str | None) -> None:
    """As a table: fresh token first; unknown and too old only for what is worth a push."""
    assert line.route(outgoing(**more), now) == via


def test_the_key_of_a_send_is_stable() -> None:
    """The retry key is the same on every try of a row and another one for every other row and part."""
    first, again = outgoing(), outgoing(attempt=5)
    assert first.key == again.key
    keys = {first.key, outgoing(seq=2).key, first.part_key(1), first.part_key(2)}
    assert len(keys) == 4


# --- faults ---------------------------------------------------------------------------------------

BEFORE_AND_AFTER = [
    pytest.param(refuse(429), id="429"),
    pytest.param(refuse(500), id="500 before"),
    pytest.param(refuse(500, accepted=True), id="500 after"),
    pytest.param(refuse(503), id="503"),
    pytest.param(cut(accepted=False), id="reset before"),
    pytest.param(cut(accepted=True), id="reset after"),
    pytest.param(refuse(302), id="redirected"),
]


@pytest.mark.parametrize("purpose", [Purpose.BOT, Purpose.COUNSELOR, Purpose.SAFETY])
@pytest.mark.parametrize("fault", BEFORE_AND_AFTER)
async def test_a_reply_arrives_once(
    line: Line, fake: FakeLine, clock: Clock, fault: Fault, purpose: Purpose
) -> None:
    """Whatever becomes of the first try, the same token settles it, for free."""
    user = fake.new_user()
    token = fake.text(user, "x")["replyToken"]
    fake.faults.add(fault, call="reply")
    assert (await deliver(line, clock, outgoing(user, token, purpose=purpose)))[-1] == REPLY
    assert fake.texts(user) == ["はい"]
    assert {call.name for call in fake.calls} == {"reply"}


@pytest.mark.parametrize("fault", BEFORE_AND_AFTER)
async def test_a_push_arrives_once(line: Line, fake: FakeLine, clock: Clock, fault: Fault) -> None:
    """The retry key settles it: 200 or 409."""
    user = fake.new_user()
    fake.faults.add(fault, call="push")
    assert (await deliver(line, clock, outgoing(user, token="")))[-1] == PUSH
    assert fake.texts(user) == ["はい"]


@pytest.mark.parametrize("first", BEFORE_AND_AFTER)
@pytest.mark.parametrize("second", BEFORE_AND_AFTER)
@pytest.mark.parametrize("token", ["good", "spent", ""])
async def test_two_faults_in_a_row(
    line: Line, fake: FakeLine, clock: Clock, first: Fault, second: Fault, token: str
) -> None:
    """Any two of them, with a token that works, one that does not, or none: once, all the same."""
    user = fake.new_user()
    given = {"good": fake.text(user, "x")["replyToken"], "spent": "0" * 32, "": ""}[token]
    strikes = ["push", "push"] if token != "good" else ["reply", "reply"]
    for fault, call in zip((first, second), strikes, strict=True):
        fake.faults.add(fault, call=call)
    await deliver(line, clock, outgoing(user, given))
    assert fake.texts(user) == ["はい"]


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("token", [True, False])
async def test_no_answer_at_all(
    fake: FakeLine, line: Line, clock: Clock, monkeypatch: pytest.MonkeyPatch, accepted: bool, token: bool
) -> None:
    """Our own time limit strikes, before or after LINE took it."""
    monkeypatch.setattr(http, "TOTAL_TIMEOUT", 0.3)
    await line.close()
    await line.open()
    user = fake.new_user()
    fake.faults.add(silence(accepted=accepted))
    given = fake.text(user, "x")["replyToken"] if token else ""
    ways = await deliver(line, clock, outgoing(user, given))
    assert ways == [REPLY if token else PUSH, "unreachable", REPLY if token else PUSH]
    assert fake.texts(user) == ["はい"]


@pytest.mark.parametrize("token", [True, False])
async def test_an_answer_after_we_gave_up_on_it(
    fake: FakeLine, line: Line, clock: Clock, monkeypatch: pytest.MonkeyPatch, token: bool
) -> None:
    """LINE takes a call long after our time limit, and after our next try: it is known there and not sent again."""
    monkeypatch.setattr(http, "TOTAL_TIMEOUT", 0.2)
    await line.close()
    await line.open()
    user = fake.new_user()
    fake.faults.add(slow(0.6))
    given = fake.text(user, "x")["replyToken"] if token else ""
    await deliver(line, clock, outgoing(user, given))
    await fake.until(lambda: len(fake.refused) == 1)
    assert fake.texts(user) == ["はい"]


async def test_a_spent_token_becomes_a_push(line: Line, fake: FakeLine, clock: Clock) -> None:
    """400 `Invalid reply token` on a known first try: the same row, by its key."""
    user = fake.new_user()
    assert await deliver(line, clock, outgoing(user, "0" * 32)) == [REPLY, HintSpent.code, PUSH]
    assert [one.via for one in fake.delivered.all] == [PUSH]


async def test_a_push_that_was_taken_before_is_delivered(line: Line, fake: FakeLine, clock: Clock) -> None:
    """409: after a crash nobody remembers the first try, but LINE does."""
    user = fake.new_user()
    one = outgoing(user, token="")
    for _ in range(3):
        assert await deliver(line, clock, one) == [PUSH]
    assert fake.texts(user) == ["はい"]
    assert fake.consumed == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (refuse(429), Throttled),
        (refuse(429, message=MONTHLY), QuotaSpent),
        (refuse(400), Rejected),
        (refuse(401), Misconfigured),
        (refuse(403), Misconfigured),
        (refuse(404), Rejected),
        (refuse(413), Rejected),
        (refuse(500), Unreachable),
        (refuse(302), Unreachable),
    ],
)
@pytest.mark.parametrize("via", [REPLY, PUSH])
async def test_what_an_answer_means(
    line: Line, fake: FakeLine, fault: Fault, error: type[SendError], via: str
) -> None:
    """Every status has one meaning; a rate limit is not a spent month."""
    user = fake.new_user()
    fake.faults.add(fault)
    with pytest.raises(SendError) as caught:
        await line.send(outgoing(user, fake.text(user, "x")["replyToken"], via=via))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("7", 7.0), ("0", 0.0), ("99999999", 3600.0), ("soon", None), ("", None), ("²", None)],
)
async def test_retry_after(line: Line, fake: FakeLine, given: str, seconds: float | None) -> None:
    """LINE documents no Retry-After. If it gives one, it is obeyed, within an hour."""
    from bot.channels.line.api import Answer

    with pytest.raises(Throttled) as caught:
        Answer(status=429, body=b"{}", headers={"retry-after": given}).fail()
    assert caught.value.retry_after == seconds


# --- more than one call ---------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("fault", BEFORE_AND_AFTER)
@pytest.mark.parametrize("token", [True, False])
async def test_two_calls_repeat_nothing(
    line: Line, fake: FakeLine, clock: Clock, fault: Fault, part: int, token: bool
) -> None:
    """What one call cannot hold goes by push, each part under its own key: any part may fail, before or after."""
    user = fake.new_user()
    given = fake.text(user, "x")["replyToken"] if token else ""
    strikes = iter([None] * part + [fault])
    one = outgoing(user, given, reply=Reply(texts=(LONG,)), purpose=Purpose.COUNSELOR)
    with fake.faults.rule(lambda call: next(strikes, None) if call.name == PUSH else None):
        await deliver(line, clock, one)
    assert "".join(fake.texts(user)) == LONG
    assert [one.via for one in fake.delivered.all] == [PUSH, PUSH]


# --- quota ----------------------------------------------------------------------------------------


async def until_read(fake: FakeLine, times: int = 1) -> None:
    """Until LINE was asked so often how much is left, and its answer is in."""
    asked: Callable[[], bool] = lambda: (  # noqa: E731
        len([call for call in fake.calls if call.name == "quota/consumption" and call.status]) >= times
    )
    await fake.until(asked)


async def settled(line: Line) -> None:
    reading: Awaitable[None] | None = line._quota._reading
    if reading is not None:
        await reading


async def test_little_left_is_kept_for_what_cannot_wait(line: Line, fake: FakeLine, clock: Clock) -> None:
    """The machine's pushes wait and say why; safety cards, counselors' words and receipts go, replies are free."""
    user = fake.new_user()
    fake.quota, fake.consumed = 200, 200 - LEAST_RESERVE - 1
    assert await deliver(line, clock, outgoing(user, token="")) == [PUSH]
    await until_read(fake)
    await settled(line)
    held = line.route(outgoing(user, token="", seq=2), clock.now)
    assert held == Hold(until=clock.now + RECHECK, code="quota_low")
    assert line.route(outgoing(user, "t" * 32), clock.now) == REPLY
    for place, purpose in enumerate((Purpose.SAFETY, Purpose.COUNSELOR, Purpose.RECEIPT, Purpose.STOP)):
        one = outgoing(user, token="", seq=3 + place, purpose=purpose)
        assert await deliver(line, clock, one) == [PUSH]


async def test_it_is_asked_seldom_and_never_in_the_way(line: Line, fake: FakeLine, clock: Clock) -> None:
    """At most every ten minutes, beside the sends: a send does not wait for it, nor fail with it."""
    user = fake.new_user()
    fake.quota = 1_000
    with fake.faults.outage(silence(accepted=False), call="quota"):
        for seq in range(5):
            assert await deliver(line, clock, outgoing(user, token="", seq=seq)) == [PUSH]
    assert len([call for call in fake.calls if call.name == "quota"]) <= 1
    clock.now += RECHECK
    assert await deliver(line, clock, outgoing(user, token="", seq=9)) == [PUSH]
    await until_read(fake)
    assert len([call for call in fake.calls if call.name == "quota"]) == 2


async def test_free_replies_never_ask(line: Line, fake: FakeLine, clock: Clock) -> None:
    """Who only replies makes no call but the reply."""
    user = fake.new_user()
    for seq in range(3):
        await deliver(line, clock, outgoing(user, fake.text(user, "x")["replyToken"], seq=seq))
    assert {call.name for call in fake.calls} == {REPLY}


async def test_a_spent_month(line: Line, fake: FakeLine, clock: Clock) -> None:
    """Told by LINE's words: the machine waits, tries now and then, and goes on once there is more."""
    user = fake.new_user()
    fake.faults.add(refuse(429, message=MONTHLY), call=PUSH)
    assert await deliver(line, clock, outgoing(user, token="")) == [PUSH, "quota", "quota"]
    assert await deliver(line, clock, outgoing(user, token="", purpose=Purpose.SAFETY, seq=2)) == [PUSH]
    fake.faults.add(refuse(429, message=MONTHLY), call=PUSH)
    assert await deliver(line, clock, outgoing(user, token="", seq=3)) == [PUSH, "quota", "quota"]
    clock.now += RECHECK
    assert await deliver(line, clock, outgoing(user, token="", seq=3)) == [PUSH]
    assert fake.texts(user) == ["はい", "はい"]


async def test_the_new_month_begins_in_japan(line: Line, fake: FakeLine, clock: Clock) -> None:
    """What was known of the old one holds nothing back any more."""
    user = fake.new_user()
    clock.now = datetime(2026, 12, 31, 23, 55, tzinfo=JAPAN)
    fake.quota = fake.consumed = 200
    one = outgoing(user, token="", queued_at=clock.now)
    assert await deliver(line, clock, one) == [PUSH, "quota", "quota"]
    held = line.route(one, clock.now)
    assert isinstance(held, Hold)
    assert held.until == datetime(2027, 1, 1, tzinfo=JAPAN)
    await settled(line)
    clock.now, fake.consumed = held.until, 0
    assert await deliver(line, clock, one) == [PUSH]


async def test_no_limit_no_waiting(line: Line, fake: FakeLine, clock: Clock) -> None:
    """A plan without one never holds anything back."""
    user = fake.new_user()
    await deliver(line, clock, outgoing(user, token=""))
    await fake.until(lambda: any(call.name == "quota" and call.status for call in fake.calls))
    await settled(line)
    assert line.route(outgoing(user, token="", seq=2), clock.now) == PUSH
