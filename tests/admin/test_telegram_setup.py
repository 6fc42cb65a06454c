"""`engawa telegram setup`: a bot is as settings and content want it, whatever it was before; twice changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from admin import telegram_setup
from bot.app import Engawa
from bot.config import Settings, load
from bot.errors import ConfigError, EngawaError, Misconfigured, Unreachable
from bot.testing import A_KEY
from tests.platforms import FakeTelegram, cut, refuse

ADDRESS = "https://engawa.example.jp"
READS = {"getWebhookInfo", "getMyCommands", "getMyDescription", "getMyShortDescription"}


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake
        fake.assert_no_invalid()


def settings(telegram: FakeTelegram, folder: Path, **environ: str) -> Settings:
    database = f"sqlite:///{folder / 'engawa.db'}"
    return load({"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": database, **telegram.environ(), **environ})


@pytest.fixture
async def prepared(telegram: FakeTelegram, tmp_path: Path) -> Settings:
    """Settings with a public address, and a database with release 1."""
    found = settings(telegram, tmp_path, ENGAWA_BASE_URL=ADDRESS)
    engawa = Engawa(found)
    await engawa.prepare(alone=False)
    await engawa.database.close()
    return found


async def test_a_new_bot(
    prepared: Settings, telegram: FakeTelegram, capsys: pytest.CaptureFixture[str]
) -> None:
    """Webhook with secret, menu in two languages, greeting; each line tells what was done, and no secret."""
    await telegram_setup.run(prepared)
    assert telegram.webhook["url"] == f"{ADDRESS}/webhooks/telegram"
    assert telegram.webhook["secret_token"] == telegram.environ()["ENGAWA_TELEGRAM_SECRET_TOKEN"]
    assert telegram.webhook["allowed_updates"] == [
        "message",
        "edited_message",
        "callback_query",
        "my_chat_member",
    ]
    assert telegram.webhook.get("drop_pending_updates") in (None, False)
    names = [command["command"] for command in telegram.commands[""]]
    assert names == ["menu", "start", "person", "stop", "hide", "help"]
    assert [command["command"] for command in telegram.commands["en"]] == names
    assert telegram.commands["en"][0]["description"] == "See what there is"
    assert telegram.descriptions[""].startswith("名前のいらない")
    assert telegram.short_descriptions["en"].startswith("An automatic guide")
    told = capsys.readouterr().out
    assert told.count("\n") == 7
    assert f"telegram webhook: set to {ADDRESS}/webhooks/telegram" in told
    assert telegram.token not in told
    assert telegram.webhook["secret_token"] not in told


async def test_twice(prepared: Settings, telegram: FakeTelegram, capsys: pytest.CaptureFixture[str]) -> None:
    """The second run reads, finds everything as it was, and sends only what Telegram does not show."""
    await telegram_setup.run(prepared)
    before = len(telegram.calls)
    capsys.readouterr()
    await telegram_setup.run(prepared)
    assert {call.name for call in telegram.calls[before:]} == READS | {"setWebhook"}
    assert all("as it was" in line or "as they were" in line for line in capsys.readouterr().out.splitlines())


async def test_polling(prepared: Settings, telegram: FakeTelegram, tmp_path: Path) -> None:
    """A bot that fetches: the webhook goes, what waits stays; no public address is needed."""
    await telegram_setup.run(prepared)
    update = telegram.text(telegram.new_person(), "こんにちは")
    telegram.underway[update["update_id"]] = update
    await telegram_setup.run(settings(telegram, tmp_path, ENGAWA_TELEGRAM_POLLING="on"))
    assert (telegram.webhook_url, list(telegram.underway)) == ("", [update["update_id"]])


async def test_what_is_missing_is_told_before_anything_changes(
    prepared: Settings, telegram: FakeTelegram, tmp_path: Path
) -> None:
    """No address, no content, no bot: each with what to do."""
    del prepared
    with pytest.raises(ConfigError, match="ENGAWA_BASE_URL"):
        await telegram_setup.run(settings(telegram, tmp_path))
    with pytest.raises(EngawaError, match="engawa migrate"):
        await telegram_setup.run(settings(telegram, tmp_path / "new", ENGAWA_BASE_URL=ADDRESS))
    with pytest.raises(ConfigError, match="ENGAWA_TELEGRAM_BOT_TOKEN"):
        await telegram_setup.run(load({"ENGAWA_KEYS": A_KEY}))
    assert telegram.calls == []


async def test_what_telegram_refuses(prepared: Settings, telegram: FakeTelegram) -> None:
    """A refused address, a refused token, no answer: told in our own words."""
    telegram.faults.add(refuse(400, message="Bad Request: bad webhook: ひみつ"), call="setWebhook")
    with pytest.raises(ConfigError, match="certificate") as told:
        await telegram_setup.run(prepared)
    assert "ひみつ" not in str(told.value)
    telegram.faults.add(refuse(401))
    with pytest.raises(Misconfigured):
        await telegram_setup.run(prepared)
    telegram.faults.add(cut(accepted=False))
    with pytest.raises(Unreachable):
        await telegram_setup.run(prepared)
