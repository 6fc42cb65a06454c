"""A whole conversation between the fake platforms and a program that uses the platforms' real SDKs.

The single facts are shown beside the fakes, in tests/platforms/test_*.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import random
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
import telegram
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import NetworkError
from telegram.request import HTTPXRequest

from tests.platforms import Call, FakeLine, FakeTelegram, Fault, cut, refuse
from tests.platforms.program import Program

messaging: Any = importlib.import_module("linebot.v3.messaging")  # the SDK ships no types
webhook: Any = importlib.import_module("linebot.v3.webhook")
LIMIT = 5.0


class LineEcho:
    """Answers each event once: by the reply token, and by push with a retry key when that fails."""

    def __init__(self, line: FakeLine) -> None:
        self._parser = webhook.WebhookParser(line.secret)
        self._client = messaging.AsyncApiClient(
            messaging.Configuration(host=line.url, access_token=line.access_token)
        )
        self._api = messaging.AsyncMessagingApi(self._client)
        self._answered: set[str] = set()

    async def heard(self, _: str, body: bytes, headers: Mapping[str, str]) -> None:
        for event in self._parser.parse(body.decode(), headers["x-line-signature"]):
            if event.webhook_event_id not in self._answered:
                self._answered.add(event.webhook_event_id)
                await self._answer(event)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def _answer(self, event: Any) -> None:
        words = event.postback.data if event.type == "postback" else event.message.text
        action = messaging.PostbackAction(label="もう一度", data="again", displayText="もう一度")
        items = messaging.QuickReply(items=[messaging.QuickReplyItem(action=action)])
        messages = [messaging.TextMessage(text=words, quickReply=items)]
        unknown = False
        for _ in range(20):
            try:
                request = messaging.ReplyMessageRequest(replyToken=event.reply_token, messages=messages)
                await self._api.reply_message(request, _request_timeout=LIMIT)
                return
            except (aiohttp.ClientError, ConnectionError):
                unknown = True
            except messaging.ApiException as error:
                unknown = unknown or error.status >= 500
                if error.status == 400 and unknown:
                    return
                if error.status == 400:
                    break
        await self._push(event.source.user_id, messages)

    async def _push(self, user: str, messages: list[Any]) -> None:
        key = str(uuid.uuid4())
        request = messaging.PushMessageRequest(to=user, messages=messages)
        for _ in range(20):
            try:
                await self._api.push_message(request, x_line_retry_key=key, _request_timeout=LIMIT)
                return
            except (aiohttp.ClientError, ConnectionError):
                continue
            except messaging.ApiException as error:
                if error.status == 409:
                    return
        pytest.fail("twenty tries were not enough")


@contextlib.asynccontextmanager
async def real_bot(fake: FakeTelegram) -> AsyncIterator[telegram.Bot]:
    """python-telegram-bot, pointed at the fake."""
    request = HTTPXRequest(httpx_kwargs={"trust_env": False})
    try:
        yield telegram.Bot(fake.token, base_url=fake.url + "/bot", request=request)
    finally:
        await request.shutdown()


def storm(seed: int) -> Any:
    """Every third call or so fails, each in one of five ways."""
    chance = random.Random(seed)
    ways = [cut(accepted=False), cut(accepted=True), refuse(500), refuse(429), refuse(500, accepted=True)]

    def decide(_: Call) -> Fault | None:
        return chance.choice(ways) if chance.random() < 0.35 else None

    return decide


async def test_line_exactly_once_in_a_storm() -> None:
    """Token and retry key are enough for exactly once, in order, whatever is cut before or after."""
    async with (
        FakeLine(seed=1, time_limit=60) as line,
        LineEcho(line) as echo,
        Program(echo.heard) as program,
    ):
        line.aim(program.url)
        users = [line.new_user() for _ in range(8)]

        async def talk(user: str) -> None:
            for number in range(10):
                await line.says(user, str(number))
            await line.taps(user, "もう一度")

        with line.faults.rule(storm(2)):
            await asyncio.gather(*map(talk, users))
        for user in users:
            assert [*map(str, range(10)), "again"] == line.texts(user)
        assert any(call.fault is not None for call in line.calls)
        assert {"reply"} <= {one.via for one in line.delivered.all}
        line.assert_no_invalid()


async def test_line_push_after_an_old_token() -> None:
    """A redelivery whose token is too old is answered by push."""
    now = [1_750_000_000.0]
    fake = FakeLine(clock=lambda: now[0], time_limit=60)
    async with fake as line, LineEcho(line) as echo, Program(echo.heard) as program:
        line.aim(program.url)
        user = line.new_user()
        event = line.text(user, "こんにちは")
        now[0] += 21 * 60
        await line.deliver(event)
        assert [one.via for one in line.delivered.all] == ["push"]
        assert [(call.status, call.accepted) for call in line.calls] == [(400, False), (200, True)]
        assert line.delivered.free_share() == 0.0
        line.assert_no_invalid()


async def test_telegram_journey() -> None:
    """/start, a keyboard, a tap that is answered, an edit, a block: webhook in, real Bot out."""
    async with FakeTelegram(seed=1) as fake, real_bot(fake) as bot:
        keyboard = InlineKeyboardMarkup.from_column(
            [
                InlineKeyboardButton(label, callback_data=data)
                for label, data in (("話す", "t"), ("またね", "x"))
            ]
        )
        secrets: list[str | None] = []

        async def heard(_: str, body: bytes, headers: Mapping[str, str]) -> None:
            secrets.append(headers.get("x-telegram-bot-api-secret-token"))
            update = telegram.Update.de_json(json.loads(body), bot)
            if update.callback_query is not None and update.effective_chat is not None:
                await update.callback_query.answer()
                await bot.send_message(update.effective_chat.id, f"選択: {update.callback_query.data}")
            elif update.message is not None and update.message.text is not None:
                await bot.send_message(update.message.chat_id, update.message.text, reply_markup=keyboard)

        async with Program(heard) as program:
            fake.aim(program.url)
            person = fake.new_person()
            await fake.starts(person, "poster-1")
            await fake.taps(person, "話す")
            said = await fake.says(person, "はい")
            await fake.deliver(fake.edited(said, "いいえ"))
            await fake.blocks(person)
            assert fake.texts(person.id) == ["/start poster-1", "選択: t", "はい"]
            assert list(fake.queries.values()) == [True]
            assert {fake.environ()["ENGAWA_TELEGRAM_SECRET_TOKEN"]} == set(secrets)
            assert len(fake.acknowledged) == 5
            fake.assert_no_invalid()


async def test_telegram_doubles_when_an_answer_is_lost() -> None:
    """Telegram has no key: a lost answer and a repeat make two messages, and nobody can tell."""
    async with FakeTelegram() as fake, real_bot(fake) as bot:
        person = fake.new_person()
        fake.faults.add(cut(accepted=True))
        with pytest.raises(NetworkError):
            await bot.send_message(person.id, "a")
        await bot.send_message(person.id, "a")
        assert fake.texts(person.id) == ["a", "a"]


async def test_without_descriptions_the_fakes_still_play(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """validate=False needs no file: tokens, keys and lengths are checked by hand. Else the error says so."""
    monkeypatch.setenv("ENGAWA_TEST_OPENAPI", str(tmp_path))
    async with FakeLine(validate=False) as line, LineEcho(line) as echo, Program(echo.heard) as program:
        line.aim(program.url)
        user = line.new_user()
        await line.says(user, "こんにちは")
        await line.taps(user, 0)
        assert line.texts(user) == ["こんにちは", "again"]
        line.assert_no_invalid()
        headers = {"Authorization": f"Bearer {line.access_token}"}
        bad: list[Any] = [{}, [], {"to": user, "messages": []}, {"to": user, "messages": ["a"]}]
        async with aiohttp.ClientSession(line.url, headers=headers) as session:
            for body in bad:
                async with session.post("/v2/bot/message/push", json=body) as response:
                    assert response.status == 400
        assert len(line.invalid) == 4
    async with FakeTelegram(validate=False) as fake, real_bot(fake) as bot:
        person = fake.new_person()
        markup = InlineKeyboardMarkup.from_button(InlineKeyboardButton("a", callback_data="b"))
        await bot.send_message(person.id, "12", reply_markup=markup)
        assert fake.texts(person.id) == ["12"]
        assert fake.button(person.id, "a")[1]["callback_data"] == "b"
        fake.assert_no_invalid()
