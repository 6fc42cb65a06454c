"""How staff are told: e-mail, a webhook in the format of Slack or Teams, a staff account on LINE or Telegram.

Hosts come from the settings alone, no redirect is followed and no answer is read into anything (SSRF: security B33).
What is told is a count, a level and the console's address; why: docs/decisions/016.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol

from bot.channels import http
from bot.channels.base import Channel
from bot.clock import Clock, random_id
from bot.errors import Misconfigured, Rejected, Throttled, Unreachable
from bot.frozen import dataclass, replace
from bot.messages import Address, Hold, Outgoing, Purpose, Reply

SMTP_TIMEOUT = 15.0  # seconds
TEAMS_CARD = "application/vnd.microsoft.card.adaptive"
TEAMS_VERSION = "1.4"


class Bearer(Protocol):
    """One way to somebody on duty."""

    async def tell(self, subject: str, text: str) -> None:
        """Returns when it was taken; raises a SendError otherwise."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """A mail server. `tls`: from the first byte; otherwise STARTTLS is required beyond this machine."""

    host: str
    port: int
    tls: bool
    starttls: bool
    sender: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


class Email:
    """E-mail to one address. The library is loaded when the first one is sent."""

    def __init__(self, smtp: Smtp, to: str) -> None:
        self._smtp, self._to = smtp, to

    async def tell(self, subject: str, text: str) -> None:
        import aiosmtplib

        smtp = self._smtp
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = smtp.sender, self._to, subject
        mail["Date"], mail["Auto-Submitted"] = (
            formatdate(),
            "auto-generated",
        )  # RFC 3834: no answer by machine
        mail["Message-ID"] = make_msgid(domain=smtp.sender.rpartition("@")[2])
        mail.set_content(text)
        try:
            await aiosmtplib.send(
                mail,
                hostname=smtp.host,
                port=smtp.port,
                username=smtp.username or None,
                password=smtp.password or None,
                use_tls=smtp.tls,
                start_tls=smtp.starttls if not smtp.tls else False,
                timeout=SMTP_TIMEOUT,
            )
        except aiosmtplib.SMTPAuthenticationError:
            raise Misconfigured from None
        except aiosmtplib.SMTPRecipientsRefused:
            raise Rejected from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Unreachable(type(error).__name__) from None

    async def close(self) -> None:
        """Every mail is a connection of its own."""


class Webhook:
    """A POST to one address. `teams`: an adaptive card; else `{"text": …}`, as Slack and many others take it."""

    def __init__(self, url: str, *, teams: bool = False) -> None:
        self._url, self._teams = url, teams
        self._session: http.Session | None = None

    async def tell(self, subject: str, text: str) -> None:
        body = card(subject, text) if self._teams else {"text": text}
        await self.post(body)

    async def post(self, body: Mapping[str, object]) -> None:
        """Raises a SendError unless it was answered with a 2xx."""
        await self._ask("POST", json.dumps(body, ensure_ascii=False).encode())

    async def ping(self) -> None:
        """A GET, for outside monitors. Raises a SendError unless it was answered with a 2xx."""
        await self._ask("GET", None)

    async def _ask(self, method: str, raw: bytes | None) -> None:
        if self._session is None:
            self._session = http.Session()
        headers = {"Content-Type": "application/json"} if raw is not None else {}
        status = (await self._session.ask(method, self._url, raw, headers)).status
        if status == 429:
            raise Throttled
        if status >= 500:
            raise Unreachable(f"status {status}")
        if not 200 <= status < 300:
            raise Misconfigured(f"status {status}")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def card(subject: str, text: str) -> dict[str, object]:
    """The text as a message of Teams' workflows: an adaptive card."""
    blocks = [
        {"type": "TextBlock", "text": subject, "weight": "Bolder", "wrap": True},
        {"type": "TextBlock", "text": text, "wrap": True},
    ]
    content = {"type": "AdaptiveCard", "version": TEAMS_VERSION, "body": blocks}
    return {"type": "message", "attachments": [{"contentType": TEAMS_CARD, "content": content}]}


class StaffAccount:
    """A message from one of our accounts to a member of staff who follows it. Off unless the settings say so."""

    def __init__(self, channel: Channel, key: str, clock: Clock) -> None:
        self._channel, self._key, self._clock = channel, key, clock

    async def tell(self, subject: str, text: str) -> None:  # noqa: ARG002 - a chat has no subject
        now = self._clock.now()
        outgoing = Outgoing(
            contact_id=uuid.UUID(random_id()).hex,
            seq=1,
            address=Address(account=self._channel.account, key=self._key),
            reply=Reply(texts=(text,)),
            purpose=Purpose.SAFETY,
            attempt=1,
            queued_at=now,
        )
        via = self._channel.route(outgoing, now)
        if via is None or isinstance(via, Hold):
            raise Throttled
        await self._channel.send(replace(outgoing, via=via))

    async def close(self) -> None:
        """The channel is closed by who opened it."""
