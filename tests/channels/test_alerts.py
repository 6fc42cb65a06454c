"""Ways to staff: what goes over the wire, and what each failure means."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels.alerts import Email, Smtp, StaffAccount, Webhook
from bot.errors import Misconfigured, Rejected, SendError, Throttled, Unreachable
from bot.messages import Hold
from bot.testing import A_DAY, FakeChannel, FakeClock
from tests.platforms.mail import a_mail_server

SUBJECT, TEXT = "縁側：高い", "高い。受け取られていない人が 2人います。https://engawa.example.jp/admin"


def smtp(port: int) -> Smtp:
    return Smtp(host="127.0.0.1", port=port, tls=False, starttls=False, sender="engawa@example.jp")


async def test_a_mail_arrives_as_it_is_and_asks_no_machine_for_an_answer() -> None:
    async with a_mail_server() as server:
        await Email(smtp(server.port), "desk@example.jp").tell(SUBJECT, TEXT)
    [mail] = server.taken
    assert (mail["Subject"], mail["To"], mail["From"]) == (SUBJECT, "desk@example.jp", "engawa@example.jp")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_payload(decode=True).decode().strip() == TEXT  # type: ignore[union-attr]


@pytest.mark.parametrize(("answer", "error"), [("550 no such user", Rejected), ("450 later", Rejected)])
async def test_a_mail_that_is_refused_says_so(answer: str, error: type[SendError]) -> None:
    async with a_mail_server() as server:
        server.refuses = answer
        with pytest.raises(error):
            await Email(smtp(server.port), "desk@example.jp").tell(SUBJECT, TEXT)
    assert server.taken == []


async def test_a_mail_server_that_is_down_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable):
            await Email(smtp(free.getsockname()[1]), "desk@example.jp").tell(SUBJECT, TEXT)


Serve = Callable[[int], Any]


@pytest.fixture
async def hook() -> AsyncIterator[tuple[Callable[[int], str], list[Any]]]:
    """A place that answers with a status, and what came to it."""
    came: list[Any] = []
    answers: list[int] = []

    async def take(request: web.Request) -> web.Response:
        raw = await request.read()
        came.append((request.method, request.path, json.loads(raw) if raw else None))
        return web.Response(status=answers[-1], headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", take)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(app, host="127.0.0.1"))

        def at(status: int) -> str:
            answers.append(status)
            return str(server.make_url("/hook"))

        yield at, came


async def test_slack_gets_text_and_teams_a_card(hook: tuple[Callable[[int], str], list[Any]]) -> None:
    at, came = hook
    slack, teams = Webhook(at(200)), Webhook(at(202), teams=True)
    await slack.tell(SUBJECT, TEXT)
    await teams.tell(SUBJECT, TEXT)
    await slack.close()
    await teams.close()
    assert came[0] == ("POST", "/hook", {"text": TEXT})
    card = came[1][2]["attachments"][0]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert [block["text"] for block in card["content"]["body"]] == [SUBJECT, TEXT]


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, Unreachable), (503, Unreachable), (429, Throttled), (404, Misconfigured), (302, Misconfigured)],
)
async def test_an_answer_that_is_none_is_an_error_and_no_redirect_is_followed(
    hook: tuple[Callable[[int], str], list[Any]], status: int, error: type[SendError]
) -> None:
    at, came = hook
    webhook = Webhook(at(status))
    with pytest.raises(error):
        await webhook.tell(SUBJECT, TEXT)
    await webhook.close()
    assert [path for _, path, _ in came] == ["/hook"]


async def test_a_staff_account_is_told_through_our_own_channel() -> None:
    channel, clock = FakeChannel("line"), FakeClock()
    await StaffAccount(channel, "U123", clock).tell(SUBJECT, TEXT)
    assert channel.texts("U123") == [TEXT]
    channel.way = Hold(until=A_DAY, code="quota")
    with pytest.raises(Throttled):
        await StaffAccount(channel, "U123", clock).tell(SUBJECT, TEXT)
