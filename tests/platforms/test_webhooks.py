"""The fakes bring webhooks as the platforms do: official shapes, signatures, redelivery, order."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import telegram

from tests.platforms import Attempt, FakeLine, FakeTelegram, NotAcknowledged
from tests.platforms.program import Program
from tests.platforms.validate import LineSchema, TelegramSchema

webhook: Any = importlib.import_module("linebot.v3.webhook")  # the SDK ships no types
NOT_IN_LINES_FILE = {"unknown", "unknown_message", "message_edited"}


async def at_once(_: Attempt, __: int) -> None:
    """No pause between tries."""


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    async with Program() as made:
        yield made


@pytest.fixture
async def line(program: Program) -> AsyncIterator[FakeLine]:
    async with FakeLine(pause=at_once, attempts=4, connections=3, time_limit=60) as fake:
        fake.aim(program.url)
        yield fake


@pytest.fixture
async def bot_api(program: Program) -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(pause=at_once, attempts=4) as fake:
        fake.aim(program.url)
        yield fake


def parsed(fake: FakeLine, body: bytes, signature: str) -> list[Any]:
    """What line-bot-sdk makes of a webhook; it raises on a wrong signature."""
    events: list[Any] = webhook.WebhookParser(fake.secret).parse(body.decode(), signature)
    return events


class TestLine:
    async def test_every_kind_is_read_by_the_sdk(self, line: FakeLine) -> None:
        """All events of one body come out as their own classes, unknown kinds as UnknownEvent."""
        named = line.every_kind(line.new_user(), line.new_group())
        body = line.body(named.values())
        classes = dict(zip(named, parsed(line, body, line.sign(body)), strict=True))
        unknown = {name for name, event in classes.items() if type(event).__name__ == "UnknownEvent"}
        assert unknown == {"unknown", "unknown_message"}
        again = [json.loads(event.to_json()) for name, event in classes.items() if name not in unknown]
        assert [event for name, event in named.items() if name not in unknown] == again
        assert len({event["webhookEventId"] for event in named.values()}) == len(named)
        assert all(len(event["webhookEventId"]) == 26 for event in named.values())

    async def test_every_kind_is_as_described(self, line: FakeLine) -> None:
        """LINE's own webhook description finds nothing wrong, but for kinds it does not know."""
        named = line.every_kind(line.new_user(), line.new_group())
        wrong = {
            name: found for name, event in named.items() if (found := LineSchema.load().event_problems(event))
        }
        assert wrong.keys() == NOT_IN_LINES_FILE, wrong
        without_token = {name for name, event in named.items() if "replyToken" not in event}
        assert {"unfollow", "leave", "unsend", "standby", "account_link_failed"} <= without_token
        assert "source" not in named["account_link_failed"]
        assert {"type": "group"}.items() <= named["join"]["source"].items()

    async def test_redelivery_until_acknowledged(self, line: FakeLine, program: Program) -> None:
        """503, a cut connection, then 200: the same event, from the second time on marked as redelivered."""
        program.statuses.extend([503, 0, 200])
        event = await line.says(line.new_user(), "こんにちは")
        came = [parsed(line, body, headers["x-line-signature"]) for _, body, headers in program.requests]
        assert [one.delivery_context.is_redelivery for (one,) in came] == [False, True, True]
        assert {event["webhookEventId"]} == {one.webhook_event_id for (one,) in came}
        assert {event["replyToken"]} == {one.reply_token for (one,) in came}
        assert list(line.acknowledged) == [event["webhookEventId"]]
        assert [one.status for one in line.attempts[event["webhookEventId"]]] == [503, None, 200]

    async def test_late_answer(self) -> None:
        """No answer within the time limit: a redelivery, though the program may have got the event."""
        gate = asyncio.Event()

        async def heard(_: str, __: bytes, ___: Any) -> None:
            await gate.wait()

        async def opened(_: Attempt, __: int) -> None:
            gate.set()

        async with Program(heard) as slow, FakeLine(pause=opened, time_limit=0.3) as line:
            line.aim(slow.url)
            event = await line.says(line.new_user(), "こんにちは")
            first, last = line.attempts[event["webhookEventId"]]
            assert (first.error, last.status) == ("request_timeout", 200)
            assert len(slow.requests) == 2

    async def test_gives_up(self, line: FakeLine, program: Program) -> None:
        """After the given number of tries the driver says so."""
        program.statuses.extend([500] * 4)
        with pytest.raises(NotAcknowledged, match="4 tries"):
            await line.says(line.new_user(), "こんにちは")
        assert not line.acknowledged

    async def test_at_most_so_many_at_once(self, line: FakeLine, program: Program) -> None:
        """Forty webhooks, three in flight."""
        user = line.new_user()
        await line.deliver_all([[line.text(user, str(number))] for number in range(40)])
        assert (len(program.requests), len(line.acknowledged)) == (40, 40)
        assert program.open_most <= 3

    async def test_raw_and_repeated(self, line: FakeLine, program: Program) -> None:
        """Any bytes with any signature; an acknowledged event again, as it was; an empty webhook."""
        program.statuses.extend([401])
        assert (await line.post_raw(b"{", "nonsense")).status == 401
        event = await line.says(line.new_user(), "こんにちは")
        assert (await line.post(event)).acknowledged
        assert program.requests[1][1] == program.requests[2][1]
        assert (await line.post()).acknowledged
        assert json.loads(program.requests[3][1])["events"] == []

    async def test_taps(self, line: FakeLine, program: Program) -> None:
        """A quick reply is under the newest message only; a card's button stays. Both are what was sent."""
        user = line.new_user()
        action = {"type": "postback", "label": "はい", "data": "c:1", "displayText": "はい"}
        say = {"type": "message", "label": "メニュー", "text": "メニュー"}
        card = {"type": "bubble", "footer": {"type": "box", "layout": "vertical", "contents": [
            {"type": "button", "action": say},
        ]}}  # fmt: skip
        line.delivered.by_receiver[user] += [
            {"type": "flex", "altText": "card", "contents": card},
            {"type": "text", "text": "a", "quickReply": {"items": [{"type": "action", "action": action}]}},
        ]
        assert (await line.taps(user, "はい"))["postback"] == {"data": "c:1"}
        assert (await line.taps(user, "メニュー"))["message"]["text"] == "メニュー"
        line.delivered.by_receiver[user].append({"type": "text", "text": "b"})
        with pytest.raises(LookupError, match=r"there are \['メニュー'\]"):
            await line.taps(user, "はい")


class TestTelegram:
    async def test_every_kind_is_as_described(self, bot_api: FakeTelegram) -> None:
        """The Bot API description finds nothing wrong but the unknown kind, and the SDK reads them all."""
        person = bot_api.new_person()
        named = bot_api.every_kind(person, bot_api.new_person())
        schema = TelegramSchema.load()
        wrong = {name: found for name, one in named.items() if (found := schema.problems("Update", one))}
        assert wrong == {"unknown": ["Update.tea_ceremony: no such field"]}
        for name, update in named.items():
            read = telegram.Update.de_json(update)
            assert read.update_id == update["update_id"]
            assert name == "unknown" or set(update) - {"update_id"} <= read.to_dict().keys()
        ids = [update["update_id"] for update in named.values()]
        assert ids == sorted(set(ids))

    async def test_updates_are_full_of_names(self, bot_api: FakeTelegram) -> None:
        """Everything that tells who somebody is comes with each update of a private chat."""
        person = bot_api.new_person()
        update = json.dumps(bot_api.text(person, "こんにちは"), ensure_ascii=False)
        assert all(part in update for part in person.identity)
        assert "language_code" in update

    async def test_secret_and_retry(self, bot_api: FakeTelegram, program: Program) -> None:
        """The secret comes in its header; the same update comes until it is acknowledged."""
        program.statuses.extend([503, 0, 200])
        update = await bot_api.starts(bot_api.new_person(), "poster-1")
        path, body, headers = program.requests[2]
        assert (path, update) == ("/webhooks/telegram", json.loads(body))
        assert headers["x-telegram-bot-api-secret-token"] == bot_api.environ()["ENGAWA_TELEGRAM_SECRET_TOKEN"]
        assert len({body for _, body, _ in program.requests}) == 1
        assert list(bot_api.acknowledged) == [update["update_id"]]
        assert (await bot_api.post_raw(b"{}", None)).acknowledged
        assert "x-telegram-bot-api-secret-token" not in program.requests[3][2]

    async def test_each_chat_in_order(self, bot_api: FakeTelegram, program: Program) -> None:
        """A chat's next message comes after the former's 200, whatever fails; other chats do not wait."""
        people = [bot_api.new_person() for _ in range(5)]
        program.statuses.extend([500, 200, 0] * 5)
        updates = [bot_api.text(person, str(number)) for number in range(10) for person in people]
        await bot_api.deliver_all(updates)
        for person in people:
            came = [
                message["text"]
                for _, body, _ in program.requests
                if (message := json.loads(body)["message"])["chat"]["id"] == person.id
            ]
            assert sorted(came, key=int) == came
            assert set(came) == {str(number) for number in range(10)}
        assert len(bot_api.acknowledged) == len(updates)

    async def test_queries_overtake(self, bot_api: FakeTelegram) -> None:
        """A callback query is in another queue than the chat's messages."""
        person, gate, order = bot_api.new_person(), asyncio.Event(), []

        async def heard(_: str, body: bytes, __: Any) -> None:
            kind = next(name for name in json.loads(body) if name != "update_id")
            if kind == "message":
                await gate.wait()
            order.append(kind)
            gate.set()

        async with Program(heard) as slow:
            bot_api.aim(slow.url)
            message = bot_api.message(person, text="メニュー")
            await bot_api.deliver_all([bot_api.text(person, "a"), bot_api.callback(person, message, "b")])
        assert order == ["callback_query", "message"]
