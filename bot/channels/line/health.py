"""How a LINE account is: where its webhook leads, whether LINE reaches it, pushes left, clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from bot.channels.base import Health, WebhookState
from bot.channels.line.api import Answer, Api
from bot.channels.line.quota import Quota

ENDPOINT = "/v2/bot/channel/webhook/endpoint"
TEST = "/v2/bot/channel/webhook/test"
REASONS = frozenset({"COULD_NOT_CONNECT", "REQUEST_TIMEOUT", "ERROR_STATUS_CODE", "UNCLASSIFIED"})
"""Why LINE could not bring a webhook, as its reference lists them."""


async def check(api: Api, quota: Quota, account: str, webhook_url: str) -> Health:
    """Asks LINE. `webhook_url` is ours; empty when this machine does not know it. Raises a SendError."""
    answer = await api.get(ENDPOINT)
    if answer.status not in (200, 404):
        answer.fail()
    now = datetime.now(UTC)
    skew = _skew(answer, now)
    known = await quota.read(now)
    state, problem = await _webhook(api, answer, account, webhook_url)
    return Health(webhook=state, problem=problem, quota_left=known.left, clock_skew=skew)


async def _webhook(api: Api, answer: Answer, account: str, webhook_url: str) -> tuple[WebhookState, str]:
    told = answer.json()
    endpoint = told.get("endpoint")
    if answer.status == 404 or not isinstance(endpoint, str) or not endpoint:
        return WebhookState.UNSET, ""
    if not is_ours(endpoint, account, webhook_url):
        return WebhookState.ELSEWHERE, ""
    if told.get("active") is not True:
        return WebhookState.FAILING, "inactive"
    test = await api.post(TEST, {})
    if test.status == 429:
        return WebhookState.OK, ""  # 60 tests an hour; the one before told the same
    if test.status != 200:
        test.fail()
    if test.json().get("success") is True:
        return WebhookState.OK, ""
    reason = test.json().get("reason")
    return WebhookState.FAILING, reason.lower() if reason in REASONS else "unclassified"


def is_ours(endpoint: str, account: str, webhook_url: str) -> bool:
    """Whether events come here: at our address, or at least at our path when the address is not known."""
    if webhook_url:
        return endpoint == webhook_url
    return urlsplit(endpoint).path == f"/webhooks/{account}"


def _skew(answer: Answer, now: datetime) -> float | None:
    """Seconds our clock is ahead of LINE's. Its header tells whole seconds."""
    try:
        return (now - parsedate_to_datetime(answer.headers.get("Date", ""))).total_seconds()
    except (ValueError, TypeError):
        return None
