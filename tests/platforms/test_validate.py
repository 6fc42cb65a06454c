"""The checks find what the platforms would refuse, and nothing in what they would take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.platforms.validate import (
    LineSchema,
    SchemaMissing,
    TelegramSchema,
    grapheme_count,
    limit_problems,
    spec_path,
    utf16_length,
)

REPLY = "/v2/bot/message/reply"
POSTBACK = {"type": "postback", "label": "はい", "data": "yes", "displayText": "はい"}
EMOJI = {"type": "emoji", "productId": "1", "emojiId": "2"}


def bubble(words: str) -> dict[str, Any]:
    content = {"type": "text", "text": words}
    return {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": [content]}}


BUBBLE = bubble("居場所")


def text(words: str = "こんにちは", *actions: dict[str, Any]) -> dict[str, Any]:
    """A text message with quick replies."""
    items = [{"type": "action", "action": action} for action in actions]
    return {"type": "text", "text": words, **({"quickReply": {"items": items}} if items else {})}


def flex(contents: dict[str, Any]) -> dict[str, Any]:
    return {"type": "flex", "altText": "お知らせ", "contents": contents}


def line_problems(*messages: dict[str, Any], **more: Any) -> list[str]:
    body = {"replyToken": "token", "messages": list(messages), **more}
    return LineSchema.load().problems("POST", REPLY, body) + limit_problems(body)


@pytest.mark.parametrize(
    "messages",
    [
        [text()],
        [text("あ" * 5000)],
        [text("a", *[POSTBACK] * 13)] * 5,
        [text("a", {"type": "message", "label": "あ" * 20, "text": "い" * 300})],
        [text("a", {**POSTBACK, "label": "👨‍👩‍👧" * 20})],
        [flex(BUBBLE)],
        [flex({"type": "carousel", "contents": [BUBBLE] * 12})],
        [{"type": "textV2", "text": "{a}", "substitution": {"a": EMOJI}}],
    ],
)  # fmt: skip
def test_line_takes(messages: list[dict[str, Any]]) -> None:
    """Limits are reached, not crossed."""
    assert line_problems(*messages) == []


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], "body.messages"),
        ([text()] * 6, "body.messages"),
        ([text("")], "body.messages[0].text"),
        ([text("あ" * 5001)], "body.messages[0].text: 5001 UTF-16 units"),
        ([text("🍎" * 2501)], "body.messages[0].text: 5002 UTF-16 units"),
        ([{"type": "textV2", "text": "あ" * 5001}], "body.messages[0].text"),
        ([text("a", *[POSTBACK] * 14)], "body.messages[0].quickReply.items"),
        ([text("a", {**POSTBACK, "label": "あ" * 21})], "action.label"),
        ([text("a", {"type": "message", "text": "はい"})], "action.label"),
        ([text("a", {**POSTBACK, "data": "x" * 301})], "action.data"),
        ([text("a", {**POSTBACK, "displayText": "x" * 301})], "action.displayText"),
        ([text("a", {"type": "postback", "label": "a", "data": "b"})], "action.displayText"),
        ([{"type": "poem", "text": "a"}], "no such type: 'poem'"),
        ([{**text(), "quickreply": {}}], "quickreply: no such property"),
        ([flex({**BUBBLE, "boddy": {}})], "contents.boddy: no such property"),
        ([flex({"type": "carousel", "contents": [BUBBLE] * 13})], "contents.contents"),
        ([flex(bubble("あ" * 10_500))], "bubble of"),
        ([{**flex(BUBBLE), "altText": "あ" * 1501}], "altText"),
    ],
)  # fmt: skip
def test_line_refuses(messages: list[dict[str, Any]], told: str) -> None:
    """Each problem is found, and its place told."""
    problems = line_problems(*messages)
    assert any(told in problem for problem in problems), problems


def test_line_knows_its_calls() -> None:
    """Unknown paths and missing bodies are found."""
    schema = LineSchema.load()
    assert schema.problems("POST", "/v2/bot/message/whisper", {}) == [
        "POST /v2/bot/message/whisper: LINE has no such call"
    ]
    assert schema.problems("POST", REPLY, None) == ["body: required"]
    assert schema.problems("GET", "/v2/bot/profile/Uabc", None) == []
    assert schema.problems("PUT", "/v2/bot/channel/webhook/endpoint", {"endpoint": "no address"}) != []


def keyboard(*buttons: dict[str, Any]) -> dict[str, Any]:
    markup = {"inline_keyboard": [[button] for button in buttons]}
    return {"chat_id": 5, "text": "a", "reply_markup": markup}


@pytest.mark.parametrize(
    ("method", "parameters", "told"),
    [
        ("sendMessage", {"chat_id": 5, "text": "🍎" * 2048}, None),
        ("sendMessage", {"chat_id": 5, "text": "🍎" * 2048 + "a"}, "text: 4097 characters"),
        ("sendMessage", {"chat_id": 5, "text": "<b>" + "a" * 4096 + "</b>", "parse_mode": "HTML"}, None),
        ("sendMessage", {"chat_id": 5, "text": " \n"}, "text: message text is empty"),
        ("sendMessage", {"chat_id": 5}, "text: required"),
        ("sendMessage", {"text": "a"}, "chat_id: required"),
        ("sendMessage", {"chat_id": True, "text": "a"}, "chat_id: Integer is wanted"),
        ("sendMessage", {"chat_id": 5, "text": "a", "silent": True}, "silent: no such field"),
        ("sendMessage", keyboard({"text": "b", "callback_data": "c" * 64}), None),
        ("sendMessage", keyboard({"text": "b", "callback_data": "あ" * 22}), "66 bytes"),
        ("sendMessage", keyboard({"text": "b"}), "what the button does"),
        ("answerCallbackQuery", {"callback_query_id": "1", "text": "a" * 201}, "text: 201 characters"),
        ("setWebhook", {"url": "https://example.org", "secret_token": "a b"}, "secret_token: does not match"),
        ("setWebhook", {"url": "https://example.org", "max_connections": 101}, "max_connections: 101"),
        ("getUpdates", {"limit": 101}, "limit: 101"),
        ("setMyCommands", {"commands": [{"command": "a", "description": "a"}] * 101}, "101 items"),
        ("setMyCommands", {"commands": [{"command": "A", "description": "a"}]}, "command: does not match"),
        ("whisper", {}, "no such method"),
    ],
)  # fmt: skip
def test_telegram(method: str, parameters: dict[str, object], told: str | None) -> None:
    """Types, required fields and lengths of the Bot API description; text in UTF-16 units, data in bytes."""
    problems = TelegramSchema.load().request_problems(method, parameters)
    assert bool(problems) == (told is not None), problems
    assert told is None or any(told in problem for problem in problems), problems


def test_telegram_form_values() -> None:
    """A form's values are JSON but for text, which stays as it is."""
    form = {
        "chat_id": "5",
        "text": "12",
        "disable_notification": "true",
        "reply_markup": '{"inline_keyboard":[]}',
    }
    wanted = {
        "chat_id": 5,
        "text": "12",
        "disable_notification": True,
        "reply_markup": {"inline_keyboard": []},
    }
    assert wanted == TelegramSchema.load().decoded("sendMessage", form)


@pytest.mark.parametrize(
    ("words", "units", "characters"),
    [("a", 1, 1), ("🍎", 2, 1), ("👨‍👩‍👧", 8, 1), ("🇯🇵🇯🇵", 8, 2), ("か\u3099", 2, 1)],
)
def test_lengths(words: str, units: int, characters: int) -> None:
    """UTF-16 units, and what a reader would count."""
    assert (units, characters) == (utf16_length(words), grapheme_count(words))


def test_missing_description_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the platforms' files the error names the file and the ways out."""
    monkeypatch.setenv("ENGAWA_TEST_OPENAPI", str(tmp_path))
    with pytest.raises(SchemaMissing, match=r"webhook\.yml not found.*ENGAWA_TEST_OPENAPI.*validate=False"):
        spec_path("webhook.yml")
