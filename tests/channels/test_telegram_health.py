"""What Telegram tells of a bot, as data: codes, counts and seconds, never its words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.channels.base import Health
from bot.channels.telegram import Telegram
from bot.errors import Misconfigured, Unreachable
from bot.testing import FakeClock
from tests.platforms import FakeTelegram, refuse

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OURS = "https://engawa.example.jp/webhooks/telegram"


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(clock=NOW.timestamp) as fake:
        fake.webhook_url = OURS
        yield fake
        fake.assert_no_invalid()


async def checked(telegram: FakeTelegram, *, ahead: float = 0.0, **options: Any) -> Health:
    channel = Telegram(
        account="telegram",
        bot_token=telegram.token,
        secret_token="secret",
        api_base=telegram.url,
        clock=FakeClock(NOW + timedelta(seconds=ahead)),
        **({"webhook_url": OURS} | options),
    )
    await channel.open()
    try:
        return await channel.check()
    finally:
        await channel.close()


async def test_all_is_well(telegram: FakeTelegram) -> None:
    update = telegram.text(telegram.new_person(), "こんにちは")
    telegram.underway[update["update_id"]] = update
    assert await checked(telegram) == Health(webhook="ok", pending=1, clock_skew=0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "state"), [("", "unset"), ("https://other.example/webhooks/telegram", "elsewhere"), (OURS, "ok")]
)
async def test_whose_webhook(telegram: FakeTelegram, url: str, state: str) -> None:
    telegram.webhook_url = url
    assert (await checked(telegram)).webhook == state


@pytest.mark.parametrize(
    ("url", "state"),
    [("https://any.example/webhooks/telegram", "ok"), ("https://any.example/x", "elsewhere")],
)
async def test_whose_webhook_when_our_address_is_not_known(
    telegram: FakeTelegram, url: str, state: str
) -> None:
    telegram.webhook_url = url
    assert (await checked(telegram, webhook_url="")).webhook == state


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("Wrong response from the webhook: 401 Unauthorized", "wrong_secret"),
        ("Wrong response from the webhook: 404 Not Found", "wrong_path"),
        ("Wrong response from the webhook: 503 Service Unavailable", "database_away"),
        ("Wrong response from the webhook: 502 Bad Gateway", "refused"),
        ("SSL error {error:0A000086:SSL routines::certificate verify failed}", "tls"),
        ("Failed to resolve host: Name or service not known", "dns"),
        ("Connection timed out", "timeout"),
        ("Read timeout expired", "timeout"),
        ("Connection refused", "unreachable"),
        ("ひみつ", "refused"),
    ],
)
async def test_a_failing_webhook(telegram: FakeTelegram, told: str, code: str) -> None:
    """Silently down: told with a short code while Telegram goes on failing, and not for ever after."""
    telegram.last_error = (int(NOW.timestamp()) - 100, told)
    health = await checked(telegram)
    assert (health.webhook, health.problem) == ("failing", code)
    telegram.last_error = (int(NOW.timestamp()) - 600, told)
    assert (await checked(telegram)).webhook == "ok"


async def test_a_wrong_clock(telegram: FakeTelegram) -> None:
    assert (await checked(telegram, ahead=90)).clock_skew == 90


async def test_fetched(telegram: FakeTelegram) -> None:
    """A webhook that was set meanwhile keeps updates from us."""
    assert (await checked(telegram, polling=True)).problem == "webhook_set"
    telegram.webhook_url = ""
    assert (await checked(telegram, polling=True)).webhook == "polling"


async def test_who_cannot_be_asked(telegram: FakeTelegram) -> None:
    telegram.faults.add(refuse(401), refuse(500))
    with pytest.raises(Misconfigured):
        await checked(telegram)
    with pytest.raises(Unreachable):
        await checked(telegram)
