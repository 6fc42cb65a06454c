"""The health of accounts: what is noticed in passing, and what platforms tell when they are asked.

A webhook that is silently down brings no event that could tell of it, so every platform is asked every few minutes.
Nothing here holds up a message: marks gather in memory, and a platform that does not answer is a finding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Gauge

from bot.channels.base import Channel, Health, WebhookState
from bot.clock import Clock
from bot.errors import SendError, StoreUnavailable
from bot.frozen import replace
from bot.runtime import metrics
from bot.runtime.live import QUEUE, Hub, News
from bot.store import accounts
from bot.store.accounts import Account, Checked, Marks
from bot.store.database import Database

LOOK_EVERY = 60  # seconds
CHECK_EVERY = timedelta(minutes=5)  # and at most a look later; two of them are over before ten minutes are
CHECK_WITHIN = 20.0  # seconds
DOWN = frozenset({WebhookState.UNSET, WebhookState.ELSEWHERE, WebhookState.FAILING})
BEHIND = "webhook_behind"

log = structlog.get_logger("health")


async def asked(channel: Channel, within: float = CHECK_WITHIN) -> Health:
    """What the platform tells of an account; that it cannot be asked is told, too. Raises nothing."""
    try:
        async with asyncio.timeout(within):
            return await channel.check()
    except SendError as error:
        return Health(webhook=WebhookState.UNKNOWN, problem=error.code)
    except TimeoutError:
        return Health(webhook=WebhookState.UNKNOWN, problem="unreachable")
    except Exception as error:  # a fault of ours must not keep the others from being asked  # noqa: BLE001
        log.error("check_raised", account=channel.account, error=type(error).__name__)
        return Health(webhook=WebhookState.UNKNOWN, problem="check_failed")


def ailment(health: Health, pending_before: int | None) -> str:
    """Our code for what keeps events from coming in, or messages from going out; empty when nothing does."""
    if health.webhook in DOWN:
        return f"webhook_{health.webhook}"
    if health.webhook is WebhookState.UNKNOWN:
        return health.problem
    if health.problem and (health.pending or 0) > (pending_before or 0):
        return BEHIND
    return ""


class Vitals:
    """Notes what happens on accounts and, in a process that works, asks their platforms how they are."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        channels: Mapping[str, Channel],
        clock: Clock,
        operator_id: str,
    ) -> None:
        self._database, self._hub, self._channels = database, hub, channels
        self._clock, self._operator_id = clock, operator_id
        self._marks: dict[str, Marks] = {}

    # --- in passing ---

    def received(self, account: str) -> None:
        self._mark(account, received_at=self._clock.now())

    def sent(self, account: str) -> None:
        self._mark(account, sent_at=self._clock.now())

    def failed(self, account: str, code: str) -> None:
        self._mark(account, failed_at=self._clock.now(), failure_code=code)

    def _mark(self, account: str, **happened: Any) -> None:
        if account in self._channels:  # the web chat is our own page, and has no platform
            self._marks[account] = replace(self._marks.get(account, Marks()), **happened)

    # --- now and then ---

    async def flush(self) -> None:
        """Writes the marks, and shows what is known of all accounts as metrics."""
        await self.keep()
        try:
            for account in await self.known():
                _show(account)
        except StoreUnavailable:
            log.warning("store_unavailable", worker="health")

    async def keep(self) -> None:
        """Writes the marks; those that cannot be written now wait for the next time."""
        if not self._marks:
            return
        marks, self._marks = self._marks, {}
        try:
            await self._database.write(accounts.note, self._operator_id, marks)
        except StoreUnavailable:
            self._marks = {**marks, **self._marks}
            log.warning("store_unavailable", worker="health")

    async def look(self) -> None:
        """As `flush`; then asks the platforms whose time has come."""
        await self.flush()
        try:
            await self._check()
        except StoreUnavailable:
            log.warning("store_unavailable", worker="health")

    async def known(self) -> list[Account]:
        """The accounts that are configured, as they are known; for doctor and the console."""
        found = await self._database.read(accounts.known, self._operator_id)
        return [account for account in found if account.account_id in self._channels]

    async def _check(self) -> None:
        now = self._clock.now()
        names = sorted(self._channels)
        if not names:
            return
        due = await self._database.write(accounts.claim_checks, self._operator_id, names, now, CHECK_EVERY)
        if not due:
            return
        healths = await asyncio.gather(*(asked(self._channels[account.account_id]) for account in due))
        told = {
            account.account_id: checked(health, account) for account, health in zip(due, healths, strict=True)
        }
        await self._database.write(accounts.record, self._operator_id, told, self._clock.now())
        changed = False
        for account in due:
            code = told[account.account_id].ailment
            if code != account.ailment:
                changed = True
                if code:
                    log.warning("account_unhealthy", account=account.account_id, code=code)
                else:
                    log.info("account_healthy", account=account.account_id)
            _show(replace(account, checked=told[account.account_id], checked_at=now))
        if changed:
            self._hub.spread(News({QUEUE}))


def checked(health: Health, before: Account) -> Checked:
    """What was told, with what it means."""
    pending = before.checked.pending if before.checked is not None else None
    return Checked(
        webhook=health.webhook,
        problem=health.problem,
        ailment=ailment(health, pending),
        pending=health.pending,
        quota_left=health.quota_left,
        clock_skew=health.clock_skew,
    )


def _show(account: Account) -> None:
    """The account as metrics; what is not known of it is not shown."""
    kind, _, name = account.account_id.partition("/")
    labels = {"kind": kind, "account": name}
    seconds: Callable[[datetime | None], float | None] = lambda at: at.timestamp() if at else None  # noqa: E731
    values: dict[Gauge, float | None] = {
        metrics.ACCOUNT_RECEIVED: seconds(account.marks.received_at),
        metrics.ACCOUNT_SENT: seconds(account.marks.sent_at),
    }
    if account.checked is not None:
        values |= {
            metrics.ACCOUNT_HEALTHY: 0.0 if account.ailment else 1.0,
            metrics.ACCOUNT_PENDING: account.checked.pending,
            metrics.ACCOUNT_QUOTA: account.checked.quota_left,
            metrics.ACCOUNT_SKEW: account.checked.clock_skew,
        }
    for gauge, value in values.items():
        if value is not None:
            gauge.labels(**labels).set(value)
