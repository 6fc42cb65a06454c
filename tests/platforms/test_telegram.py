"""The fake Telegram answers as `platforms.md` tells, seen through python-telegram-bot."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import telegram
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut

from tests.platforms import FakeTelegram, cut, refuse, silence

AT_ONCE = 0.3  # a client's time limit that is meant to strike


async def test_message_with_buttons(bot: telegram.Bot, bot_api: FakeTelegram) -> None:
    """A sent keyboard can be tapped by label or place; the query is to be answered, and only once known."""
    person = bot_api.new_person()
    buttons = [InlineKeyboardButton(label, callback_data=label) for label in ("はい", "いいえ")]
    sent = await bot.send_message(
        person.id,
        "話しますか",
        reply_markup=InlineKeyboardMarkup.from_column(buttons),
        protect_content=True,
    )
    assert bot_api.texts(person.id) == ["話しますか"]
    assert {sent.message_id} == bot_api.protected
    message, button = bot_api.button(person.id, "いいえ")
    assert button == bot_api.button(person.id, 1)[1]
    update = telegram.Update.de_json(bot_api.callback(person, message, button["callback_data"]), bot)
    assert update.callback_query is not None
    assert update.callback_query.data == "いいえ"
    assert await bot.answer_callback_query(update.callback_query.id)
    assert bot_api.queries == {update.callback_query.id: True}
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query("12345")
    await bot.edit_message_reply_markup(person.id, sent.message_id, reply_markup=None)
    with pytest.raises(LookupError, match="there are"):
        bot_api.button(person.id, "はい")
    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_reply_markup(person.id, sent.message_id, reply_markup=None)
    bot_api.assert_no_invalid()


async def test_errors(bot: telegram.Bot, bot_api: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> None:
    """429 with retry_after, 403 blocked, 400 unknown chat, 500, 401: the SDK's own errors."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # without it the SDK warns whenever it meets a 429
    person = bot_api.new_person()
    bot_api.faults.add(refuse(429, retry_after=7), refuse(500))
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(person.id, "a")
    assert timedelta(seconds=7) == caught.value.retry_after
    with pytest.raises(NetworkError, match="Internal Server Error"):
        await bot.send_message(person.id, "a")
    bot_api.membership(person, "kicked")
    with pytest.raises(Forbidden, match="blocked by the user"):
        await bot.send_message(person.id, "a")
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(1, "a")
    assert bot_api.texts(person.id) == []
    bot_api.assert_no_invalid()
    bot_api.token = "1:another"
    with pytest.raises(InvalidToken):
        await bot.get_me()


async def test_lost_answers(bot: telegram.Bot, bot_api: FakeTelegram) -> None:
    """Cut or silent, before or after: the client cannot tell, and a repeat doubles the message."""
    person = bot_api.new_person()
    bot_api.faults.add(cut(accepted=False), cut(accepted=True), silence(accepted=True))
    for text in ("a", "b"):
        with pytest.raises(NetworkError):
            await bot.send_message(person.id, text)
    with pytest.raises(TimedOut):
        await bot.send_message(person.id, "c", read_timeout=AT_ONCE)
    assert bot_api.texts(person.id) == ["b", "c"]
    await bot.send_message(person.id, "b")
    assert bot_api.texts(person.id) == ["b", "c", "b"]


async def test_bad_requests_are_noted(bot: telegram.Bot, bot_api: FakeTelegram) -> None:
    """Too long a text and too much callback data are 400 and kept."""
    person = bot_api.new_person()
    with pytest.raises(BadRequest, match="4098 characters"):
        await bot.send_message(person.id, "🍎" * 2049)
    markup = InlineKeyboardMarkup.from_button(InlineKeyboardButton("a", callback_data="あ" * 22))
    with pytest.raises(BadRequest, match="66 bytes"):
        await bot.send_message(person.id, "a", reply_markup=markup)
    assert [one.call.name for one in bot_api.invalid] == ["sendMessage", "sendMessage"]


async def test_set_up(bot: telegram.Bot, bot_api: FakeTelegram) -> None:
    """Webhook, commands, actions and identity, as set and read back."""
    person, url = bot_api.new_person(), "https://example.org/webhooks/telegram"
    await bot.set_webhook(url, secret_token="s3cret", max_connections=9)
    info = await bot.get_webhook_info()
    assert (info.url, info.max_connections) == ("https://example.org/webhooks/telegram", 9)
    await bot.set_my_commands([("menu", "メニュー"), ("stop", "やめる")])
    assert [command.command for command in await bot.get_my_commands()] == ["menu", "stop"]
    assert (await bot.get_me()).id == bot_api.bot["id"]
    await bot.send_chat_action(person.id, "typing")
    assert [(person.id, "typing")] == bot_api.actions
    with pytest.raises(telegram.error.Conflict):
        await bot.get_updates()
    await bot.delete_webhook()
    assert (await bot.get_webhook_info()).url == ""
    bot_api.assert_no_invalid()


async def test_long_polling(bot: telegram.Bot, bot_api: FakeTelegram) -> None:
    """Without a webhook an update waits for getUpdates; a higher offset acknowledges it."""
    person = bot_api.new_person()
    saying = asyncio.create_task(bot_api.says(person, "こんにちは"))
    (update,) = await bot.get_updates(timeout=5)
    assert update.message is not None
    assert update.message.text == "こんにちは"
    assert not saying.done()
    assert await bot.get_updates(offset=update.update_id + 1) == ()
    await saying
    assert [update.update_id] == list(bot_api.acknowledged)
