"""The fake LINE answers as `platforms.md` tells, seen through line-bot-sdk."""

from __future__ import annotations

import asyncio
import importlib
import uuid
from typing import Any

import aiohttp
import pytest

from tests.platforms import FakeLine, cut, held, refuse, silence

messaging: Any = importlib.import_module("linebot.v3.messaging")  # the SDK ships no types
SOON = 5.0  # a client's time limit that never strikes
AT_ONCE = 0.3  # one that is meant to
TOKEN_AGES = [
    (60, None, True),
    (61, None, False),
    (119, 60, True),
    (121, 60, False),
    (1200, 1190, True),
    (1201, 1190, False),
]


def words(*texts: str) -> list[Any]:
    return [messaging.TextMessage(text=text) for text in texts]


def reply(event: dict[str, Any], *texts: str) -> Any:
    return messaging.ReplyMessageRequest(replyToken=event["replyToken"], messages=words(*texts))


def push(user: str, *texts: str) -> Any:
    return messaging.PushMessageRequest(to=user, messages=words(*texts))


class TestLineReply:
    async def test_arrives_and_uses_the_token_up(self, line: FakeLine, line_sdk: Any) -> None:
        """Two messages in one call arrive in order; the same token again is 400 `Invalid reply token`."""
        user = line.new_user()
        event = line.text(user, "こんにちは")
        answer = await line_sdk.reply_message(reply(event, "やあ", "ようこそ"), _request_timeout=SOON)
        assert len(answer.sent_messages) == 2
        with pytest.raises(messaging.ApiException) as caught:
            await line_sdk.reply_message(reply(event, "やあ"), _request_timeout=SOON)
        assert caught.value.status == 400
        assert "Invalid reply token" in caught.value.body
        assert line.texts(user) == ["やあ", "ようこそ"]
        assert [event["webhookEventId"]] == [one.event_id for one in line.delivered.all]
        assert line.delivered.free_share() == 1.0
        line.assert_no_invalid()

    @pytest.mark.parametrize(("age", "redelivered_at", "works"), TOKEN_AGES)
    async def test_token_age(
        self, line: FakeLine, line_sdk: Any, clock: Any, age: int, redelivered_at: int | None, works: bool
    ) -> None:
        """One minute from each delivery of the webhook, twenty from the event at the most."""
        user, born = line.new_user(), clock.now
        event = line.text(user, "こんにちは")
        if redelivered_at is not None:
            clock.now = born + redelivered_at
            line.refresh_token(event["replyToken"])
        clock.now = born + age
        if works:
            await line_sdk.reply_message(reply(event, "やあ"), _request_timeout=SOON)
        else:
            with pytest.raises(messaging.ApiException, match="Invalid reply token"):
                await line_sdk.reply_message(reply(event, "やあ"), _request_timeout=SOON)
        assert line.texts(user) == (["やあ"] if works else [])

    async def test_cut_before_and_after_acceptance(self, line: FakeLine, line_sdk: Any) -> None:
        """The client sees the same; only the same token tells whether the message arrived."""
        user = line.new_user()
        before, after = line.text(user, "a"), line.text(user, "b")
        line.faults.add(cut(accepted=False), cut(accepted=True), call="reply")
        for event in (before, after):
            with pytest.raises((aiohttp.ClientError, ConnectionError)):
                await line_sdk.reply_message(reply(event, event["message"]["text"]), _request_timeout=SOON)
        assert line.texts(user) == ["b"]
        await line_sdk.reply_message(reply(before, "a"), _request_timeout=SOON)
        with pytest.raises(messaging.ApiException, match="Invalid reply token"):
            await line_sdk.reply_message(reply(after, "b"), _request_timeout=SOON)
        assert line.texts(user) == ["b", "a"]

    async def test_retry_key_is_refused(self, line: FakeLine) -> None:
        """A retry key on a reply is 400 and a bug of the client."""
        event = line.text(line.new_user(), "a")
        body = {"replyToken": event["replyToken"], "messages": [{"type": "text", "text": "b"}]}
        headers = {"Authorization": f"Bearer {line.access_token}", "X-Line-Retry-Key": str(uuid.uuid4())}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{line.url}/v2/bot/message/reply", json=body, headers=headers) as response,
        ):
            assert response.status == 400
        assert list(line.invalid[0].problems) == ["x-line-retry-key: not allowed here"]


class TestLinePush:
    async def test_retry_key_is_accepted_once(self, line: FakeLine, line_sdk: Any, clock: Any) -> None:
        """A repeat is 409 with the first request's id and messages; a day later it sends again."""
        user, key = line.new_user(), str(uuid.uuid4())
        first = await line_sdk.push_message_with_http_info(
            push(user, "a"), x_line_retry_key=key, _request_timeout=SOON
        )
        with pytest.raises(messaging.ApiException) as caught:
            await line_sdk.push_message(push(user, "a"), x_line_retry_key=key, _request_timeout=SOON)
        assert caught.value.status == 409
        assert caught.value.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
        assert first.data.sent_messages[0].id in caught.value.body
        clock.now += 24 * 3600
        await line_sdk.push_message(push(user, "a"), x_line_retry_key=key, _request_timeout=SOON)
        assert line.texts(user) == ["a", "a"]
        assert [key, key] == [one.key for one in line.delivered.all]
        line.assert_no_invalid()

    @pytest.mark.parametrize("accepted", [True, False])
    async def test_silence(self, line: FakeLine, line_sdk: Any, accepted: bool) -> None:
        """The client's limit strikes; the retry key settles what became of it."""
        user, key = line.new_user(), str(uuid.uuid4())
        line.faults.add(silence(accepted=accepted), call="push", to=user)
        with pytest.raises(TimeoutError):
            await line_sdk.push_message(push(user, "a"), x_line_retry_key=key, _request_timeout=AT_ONCE)
        assert line.texts(user) == (["a"] if accepted else [])
        repeat = line_sdk.push_message(push(user, "a"), x_line_retry_key=key, _request_timeout=SOON)
        if accepted:
            with pytest.raises(messaging.ApiException, match="409"):
                await repeat
        else:
            await repeat
        assert line.texts(user) == ["a"]

    async def test_statuses(self, line: FakeLine, line_sdk: Any) -> None:
        """429 and 500 as planned; a used-up quota is 429 with another message."""
        user = line.new_user()
        line.faults.add(refuse(429), refuse(500), refuse(500, accepted=True))
        for status in (429, 500, 500):
            with pytest.raises(messaging.ApiException) as caught:
                await line_sdk.push_message(push(user, "a"), _request_timeout=SOON)
            assert caught.value.status == status
        assert line.texts(user) == ["a"]
        line.quota = 1
        assert (await line_sdk.get_message_quota(_request_timeout=SOON)).value == 1
        assert (await line_sdk.get_message_quota_consumption(_request_timeout=SOON)).total_usage == 1
        with pytest.raises(messaging.ApiException, match="monthly limit"):
            await line_sdk.push_message(push(user, "a"), _request_timeout=SOON)

    async def test_blocked_looks_like_success(self, line: FakeLine, line_sdk: Any) -> None:
        """A push to one who blocked us is 200 and arrives nowhere; to a stranger it is 400."""
        user = line.new_user()
        line.unfollow(user)
        await line_sdk.push_message(push(user, "a"), _request_timeout=SOON)
        assert line.texts(user) == []
        with pytest.raises(messaging.ApiException, match="Failed to send"):
            await line_sdk.push_message(push("U" + "0" * 32, "a"), _request_timeout=SOON)

    async def test_gate_and_down(self, line: FakeLine, line_sdk: Any) -> None:
        """A held call waits for its gate; a platform that is down refuses connections and comes back."""
        user, gate = line.new_user(), asyncio.Event()
        line.faults.add(held(gate))
        sending = asyncio.create_task(line_sdk.push_message(push(user, "a"), _request_timeout=SOON))
        await line.until(lambda: bool(line.calls))
        assert line.texts(user) == []
        gate.set()
        await sending
        assert line.texts(user) == ["a"]
        await line.down()
        with pytest.raises(aiohttp.ClientError):
            await line_sdk.push_message(push(user, "b"), _request_timeout=SOON)
        await line.up()
        await line_sdk.push_message(push(user, "c"), _request_timeout=SOON)
        assert line.texts(user) == ["a", "c"]


class TestLineRest:
    async def test_calls(self, line: FakeLine, line_sdk: Any) -> None:
        """Bot info, webhook endpoint, loading animation and validation answer as LINE describes."""
        user = line.new_user()
        assert (await line_sdk.get_bot_info(_request_timeout=SOON)).user_id == line.bot_user_id
        url = "http://127.0.0.1:1/webhooks/line"
        await line_sdk.set_webhook_endpoint({"endpoint": url}, _request_timeout=SOON)
        assert (await line_sdk.get_webhook_endpoint(_request_timeout=SOON)).endpoint == url
        outcome = await line_sdk.test_webhook_endpoint({}, _request_timeout=SOON)
        assert (outcome.success, outcome.status_code) == (False, 0)
        animation = messaging.ShowLoadingAnimationRequest(chatId=user, loadingSeconds=10)
        await line_sdk.show_loading_animation(animation, _request_timeout=SOON)
        assert [user] == line.loading
        wanted = messaging.ValidateMessageRequest(messages=words("a"))
        await line_sdk.validate_push(wanted, _request_timeout=SOON)
        line.assert_no_invalid()

    async def test_bad_requests_are_noted(self, line: FakeLine, line_sdk: Any) -> None:
        """What LINE would never take is 400 and kept; the SDK itself lets a text of 5,001 units pass."""
        user = line.new_user()
        with pytest.raises(messaging.ApiException, match="error"):
            await line_sdk.push_message(push(user, "あ" * 5001), _request_timeout=SOON)
        with pytest.raises(messaging.ApiException, match="404"):
            await line_sdk.get_profile(user, _request_timeout=SOON)
        with pytest.raises(messaging.ApiException, match="400"):
            await line_sdk.push_message(push(user, "a"), x_line_retry_key="no uuid", _request_timeout=SOON)
        assert ["push", f"profile/{user}", "push"] == [one.call.name for one in line.invalid]
        with pytest.raises(AssertionError, match="5001 UTF-16 units"):
            line.assert_no_invalid()

    async def test_wrong_token(self, line: FakeLine, line_sdk: Any) -> None:
        """401, and nothing arrives."""
        line.access_token = "another"
        user = line.new_user()
        with pytest.raises(messaging.ApiException, match="401"):
            await line_sdk.push_message(push(user, "a"), _request_timeout=SOON)
        assert line.texts(user) == []
