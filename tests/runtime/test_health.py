"""The health of accounts: noticed in passing, asked for every few minutes, and told before ten are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from bot.channels.base import Health, WebhookState
from bot.errors import Misconfigured, StoreUnavailable, Throttled, Unreachable
from bot.runtime import health
from bot.runtime.live import QUEUE
from bot.runtime.metrics import REGISTRY
from bot.store import accounts
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House

OK = Health(webhook=WebhookState.OK)
DOWN = Health(webhook=WebhookState.FAILING, problem="timeout")
LOOK = timedelta(seconds=health.LOOK_EVERY)


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[House]:
    channel, clock = FakeChannel("fake/north"), FakeClock()
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        yield House(engawa=engawa, channel=channel, clock=clock)


async def account(house: House) -> accounts.Account:
    [found] = await house.engawa.vitals.known()
    return found


async def looked(house: House) -> list[dict[str, Any]]:
    """What a look says in the log."""
    with capture_logs() as logs:
        await house.engawa.vitals.look()
    return [dict(line) for line in logs if line["event"].startswith("account_")]


class TestMarks:
    async def test_what_happened_last(self, house: House) -> None:
        """When it last received, sent and failed, and why; in memory first, so that no message waits for it."""
        await house.says("a", "はじめ")
        await house.settle()
        received = house.clock.now()
        assert await house.engawa.vitals.known() == []
        await house.engawa.vitals.flush()
        found = await account(house)
        assert (found.marks.received_at, found.marks.sent_at) == (received, received)
        house.channel.fail(Throttled(7.0))
        house.clock.move(LOOK)
        await house.says("a", "はじめ")
        await house.settle()
        await house.engawa.vitals.flush()
        found = await account(house)
        assert (found.marks.failed_at, found.marks.failure_code) == (house.clock.now(), "throttled")
        assert found.marks.sent_at == received

    async def test_kept_at_the_end_and_through_an_outage(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What cannot be written is written later; a stop writes what there is."""
        vitals = house.engawa.vitals
        vitals.received("fake/north")
        with monkeypatch.context() as patch:
            patch.setattr(accounts, "note", _away)
            await vitals.keep()
        vitals.sent("fake/north")
        await vitals.keep()
        found = (await account(house)).marks
        assert found.received_at == found.sent_at == house.clock.now()

    async def test_only_accounts_of_ours(self, house: House) -> None:
        house.engawa.vitals.received("elsewhere")
        await house.engawa.vitals.flush()
        assert await house.engawa.vitals.known() == []


class TestChecks:
    async def test_every_five_minutes_by_one_process(self, house: House) -> None:
        """However often and by how many it is looked, each platform is asked once in that time."""
        asked = []

        async def check() -> Health:
            asked.append(house.clock.now())
            return OK

        house.channel.check = check  # type: ignore[method-assign]
        for _ in range(11):
            await asyncio.gather(*(house.engawa.vitals.look() for _ in range(3)))
            house.clock.move(LOOK)
        assert len(asked) == 3
        assert asked[1] - asked[0] == asked[2] - asked[1] == health.CHECK_EVERY

    async def test_a_webhook_that_is_silently_down_is_noticed_within_ten_minutes(self, house: House) -> None:
        """By a line in the log, once, by a metric, in the database, and by the console's bell."""
        assert await looked(house) == []
        house.clock.move(timedelta(seconds=1))
        house.channel.health, since = DOWN, house.clock.now()
        lines: list[dict[str, Any]] = []
        with house.engawa.hub.listen(QUEUE) as bell:
            while not lines:
                house.clock.move(LOOK)
                lines = await looked(house)
                assert house.clock.now() - since <= timedelta(minutes=10)
            assert await bell.wait(1)
        assert lines == [
            {
                "event": "account_unhealthy",
                "log_level": "warning",
                "account": "fake/north",
                "code": "webhook_failing",
            }
        ]
        found = await account(house)
        assert (found.ailment, found.ails_since) == ("webhook_failing", house.clock.now())
        assert b'engawa_account_healthy{account="north",kind="fake"} 0.0' in generate_latest(REGISTRY)
        first = house.clock.now()
        house.clock.move(health.CHECK_EVERY)
        assert await looked(house) == []
        assert (await account(house)).ails_since == first
        house.channel.health = OK
        house.clock.move(health.CHECK_EVERY)
        assert [line["event"] for line in await looked(house)] == ["account_healthy"]
        assert ((await account(house)).ailment, (await account(house)).ails_since) == ("", None)

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (Misconfigured("HTTP 401"), "misconfigured"),
            (Unreachable("x"), "unreachable"),
            (TimeoutError(), "unreachable"),
            (ValueError("x"), "check_failed"),
        ],
    )
    async def test_what_cannot_be_asked_is_a_finding(self, house: House, error: Exception, code: str) -> None:
        async def check() -> Health:
            raise error

        house.channel.check = check  # type: ignore[method-assign]
        assert [line["code"] for line in await looked(house)] == [code]

    async def test_a_platform_that_hangs_is_given_up(self) -> None:
        class Hanging(FakeChannel):
            async def check(self) -> Health:
                await asyncio.Event().wait()
                return OK

        assert (await health.asked(Hanging(), 0.01)).problem == "unreachable"

    @pytest.mark.parametrize(
        ("told", "before", "code"),
        [
            (OK, None, ""),
            (Health(webhook=WebhookState.POLLING), None, ""),
            (Health(webhook=WebhookState.UNKNOWN), None, ""),
            (Health(webhook=WebhookState.UNSET), None, "webhook_unset"),
            (Health(webhook=WebhookState.ELSEWHERE), None, "webhook_elsewhere"),
            (Health(webhook=WebhookState.OK, pending=9), 1, ""),
            (Health(webhook=WebhookState.OK, problem="timeout", pending=9), 9, ""),
            (Health(webhook=WebhookState.OK, problem="timeout", pending=9), 8, "webhook_behind"),
            (Health(webhook=WebhookState.OK, problem="timeout", pending=9), None, "webhook_behind"),
        ],
    )
    def test_what_it_means(self, told: Health, before: int | None, code: str) -> None:
        assert health.ailment(told, before) == code

    async def test_all_that_is_told_is_kept(self, house: House) -> None:
        house.channel.health = Health(webhook=WebhookState.OK, pending=3, quota_left=120, clock_skew=-1.25)
        await house.engawa.vitals.look()
        found = (await account(house)).checked
        assert found is not None
        assert (found.webhook, found.pending, found.quota_left, found.clock_skew) == ("ok", 3, 120, -1.25)


def _away(*_: Any) -> None:
    raise StoreUnavailable
