"""The harness sees every answer, in whatever form a library sends it, and judges as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fake_line import FakePlatform
from benchmarks.filling import ANSWERED, HEARD, Filling, fill
from benchmarks.load import Load, Manner
from benchmarks.server import NULL, running
from benchmarks.targets import Verdict
from benchmarks.wire import Message
from bot.messages import Address
from bot.store import conversations, inbox, timeline
from bot.testing import FakeChannel, FakeClock, an_engawa

PARTS = b'--x\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n42\r\n--x\r\nname="text"\r\n\r\nok\r\n--x--'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"chat_id=42&text=ok", id="form"),
        pytest.param(b'{"chat_id": 42, "text": "ok"}', id="json"),
        pytest.param(b'{"text":"ok","chat_id":"42"}', id="json with words"),
        pytest.param(PARTS, id="parts"),
        pytest.param(
            PARTS.replace(b"\r\n\r\n42", b"\r\nContent-Type: text/plain\r\n\r\n42"), id="typed parts"
        ),
    ],
)
def test_a_message_of_telegram_is_told_by_its_chat(body: bytes) -> None:
    """Each library encodes its calls in another way; the answer is the message, as they parse it."""
    told: list[str] = []
    platform = FakePlatform(lambda _token: True, told.append)
    answer = platform.answer(Message("POST /bot1:a/sendMessage HTTP/1.1", b"", body))
    assert told == ["42"]
    assert b'"chat":{"id":42,' in answer


def test_a_message_to_nobody_is_refused() -> None:
    told: list[str] = []
    platform = FakePlatform(lambda _token: True, told.append)
    answer = platform.answer(Message("POST /bot1:a/sendMessage HTTP/1.1", b"", b"text=ok"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert told == []


async def test_every_manner_of_load_counts_what_a_bot_does(tmp_path: Path) -> None:
    """One at a time, at a pace, acknowledgements alone: answered without trouble by a bot that does only that."""
    load = Load(users=40)
    api_base = await load.platform.start()
    try:
        async with running(NULL, tmp_path, api_base) as server:
            await load.meet(server.target, 8)
            for manner in (
                Manner(slots=8, seconds=0.2),
                Manner(slots=8, seconds=0.2, pace=100.0),
                Manner(slots=8, seconds=0.2, only_acks=True),
            ):
                phase = await load.measure(server.target, manner)
                assert phase.messages > 0
                assert phase.finished >= phase.messages
                assert phase.trouble.refused == phase.trouble.unanswered == phase.trouble.stray == 0
                assert not manner.pace or phase.finished < 100
    finally:
        await load.platform.stop()


async def test_people_who_are_filled_in_are_like_those_who_wrote(ready_sqlite_url: str) -> None:
    """Their cells open with their own keys, line by line."""
    clock, channel = FakeClock(), FakeChannel("line")
    async with an_engawa(ready_sqlite_url, clock=clock, channels=[channel]) as engawa:
        await engawa.ingress.accept([channel.heard("real", "はじめ", at=clock.now())])
        operator_id, sealer = engawa.operator_id, engawa.sealer
        address = Address(account="line", key="real")
        real = await engawa.database.read(conversations.find, sealer, operator_id, address)
        assert real is not None
        like = (await engawa.database.read(conversations.load, sealer, [real], lock=False))[real]
    fill(ready_sqlite_url, sealer, Filling("line", 3, 2, like, clock.now()))
    async with an_engawa(ready_sqlite_url, clock=clock, channels=[channel]) as engawa:
        someone = Address(account="line", key=f"U{1_000_000_000:032x}")
        made = await engawa.database.read(conversations.find, sealer, operator_id, someone)
        assert made is not None
        found = await engawa.database.read(conversations.load, sealer, [made], lock=False)
        loaded = found[made]
        assert loaded.address == someone
        lines = await engawa.database.read(timeline.lines, loaded, after=0, limit=10)
        assert [(line.author, line.body.texts) for line in lines] == [
            *[(inbox.PERSON, (HEARD,))] * 2,
            *[(timeline.BOT, (ANSWERED,))] * 2,
        ]


@pytest.mark.parametrize(
    ("values", "least", "word"),
    [
        ([2.0, 9.0, 9.0], True, "aim"),
        ([2.0, 2.0, 9.0], True, "must"),
        ([1.0, 1.0, 9.0], True, "MISSED"),
        ([1.0, 1.0, 9.0], False, "aim"),
        ([9.0, 9.0, 1.0], False, "MISSED"),
    ],
)
def test_a_promise_is_judged_by_its_median(values: list[float], least: bool, word: str) -> None:
    must, aim = (1.5, 5.0) if least else (5.0, 1.5)
    assert Verdict("it", values, must, aim, least=least).word == word
