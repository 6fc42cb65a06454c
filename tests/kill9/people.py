"""People who write: each says the next thing once the last was acknowledged, however often that takes."""

from __future__ import annotations

import abc
import asyncio
import uuid
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import aiohttp

from bot.channels import line as line_channel
from bot.channels import telegram as telegram_channel
from bot.channels.render import Capabilities, render
from bot.messages import Reply
from tests.kill9.counting import Answer
from tests.kill9.script import Script
from tests.platforms import FakeLine, FakeTelegram, NotAcknowledged

AGAIN = 0.1  # the share of acknowledged webhooks that come once more
LONGEST_PAUSE = 0.5
TRIES = 200


class Person(abc.ABC):
    """One contact with a script."""

    channel: str

    def __init__(self, script: Script, random: Random, key: str = "") -> None:
        self.script = script
        self.key = key  # the platform's id of this person
        self.expected = [self.as_seen(reply) for reply in script.replies]
        self.acknowledged = self.redelivered = 0
        self._random = random

    async def live(self) -> None:
        """Joins, then says everything. An acknowledged message may be brought once more."""
        await self._said(await self.joins())
        for word in self.script.words:
            await self._said(await self.says(word))

    async def _said(self, again: Callable[[], Awaitable[object]]) -> None:
        self.acknowledged += 1
        if self._random.random() < AGAIN:
            await again()
            self.redelivered += 1

    @abc.abstractmethod
    async def joins(self) -> Callable[[], Awaitable[object]]:
        """Returns once that is acknowledged, with what brings the same event again."""

    @abc.abstractmethod
    async def says(self, word: str) -> Callable[[], Awaitable[object]]: ...

    @abc.abstractmethod
    def as_seen(self, reply: Reply) -> Answer:
        """A reply as this channel shows it."""

    @abc.abstractmethod
    async def heard(self) -> list[Answer]:
        """Every answer so far, in order."""


def _rendered(reply: Reply, capabilities: Capabilities) -> Answer:
    shown = render(reply, capabilities)
    return (*(text.strip() for text in shown.texts), *(choice.label for choice in shown.choices))


class OnLine(Person):
    channel = "line"

    def __init__(self, script: Script, random: Random, line: FakeLine) -> None:
        self._line, self._user = line, line.new_user()
        super().__init__(script, random, self._user)

    async def joins(self) -> Callable[[], Awaitable[object]]:
        event = await self._line.follows(self._user)
        return lambda: self._line.deliver(self._line.redelivered(event))

    async def says(self, word: str) -> Callable[[], Awaitable[object]]:
        event = await self._line.says(self._user, word)
        return lambda: self._line.deliver(self._line.redelivered(event))

    def as_seen(self, reply: Reply) -> Answer:
        return _rendered(reply, line_channel.CAPABILITIES)

    async def heard(self) -> list[Answer]:
        answers = []
        for one in self._line.delivered.all:
            if one.to == self._user:
                quick = one.messages[-1].get("quickReply", {}).get("items", [])
                texts = (message["text"].strip() for message in one.messages)
                answers.append((*texts, *(item["action"]["label"] for item in quick)))
        return answers


class OnTelegram(Person):
    channel = "telegram"

    def __init__(self, script: Script, random: Random, telegram: FakeTelegram) -> None:
        self._telegram, self._person = telegram, telegram.new_person()
        super().__init__(script, random, str(self._person.id))

    async def joins(self) -> Callable[[], Awaitable[object]]:
        update = await self._telegram.starts(self._person)
        return lambda: self._telegram.deliver(update)

    async def says(self, word: str) -> Callable[[], Awaitable[object]]:
        update = await self._telegram.says(self._person, word)
        return lambda: self._telegram.deliver(update)

    def as_seen(self, reply: Reply) -> Answer:
        return _rendered(reply, telegram_channel.CAPABILITIES)

    async def heard(self) -> list[Answer]:
        return [
            (
                message["text"],
                *(
                    button["text"]
                    for row in message.get("reply_markup", {}).get("inline_keyboard", [])
                    for button in row
                ),
            )
            for message in self._telegram.received(self._person.id)
        ]


class OnWeb(Person):
    """A page in a browser: keeps its cookie, and sends the same `client_id` until it is told 202."""

    channel = "web"

    def __init__(self, script: Script, random: Random, url: str, session: aiohttp.ClientSession) -> None:
        super().__init__(script, random)
        self._url, self._session = f"{url}/chat/api", session
        self._cookie = ""

    async def joins(self) -> Callable[[], Awaitable[object]]:
        async def begin() -> None:
            _, cookie = await self._call(200, "POST", "/session", {})
            self._cookie = cookie or self._cookie

        await begin()
        return begin

    async def says(self, word: str) -> Callable[[], Awaitable[object]]:
        message = {"client_id": uuid.UUID(int=self._random.getrandbits(128)).hex, "text": word}
        first, _ = await self._call(202, "POST", "/messages", message)

        async def again() -> None:
            repeated, _ = await self._call(202, "POST", "/messages", message)
            assert repeated == first, f"a repeat was told {repeated}, the first {first}"

        return again

    def as_seen(self, reply: Reply) -> Answer:
        return ("\n\n".join(reply.texts), *(choice.label for choice in reply.choices))

    async def heard(self) -> list[Answer]:
        """The thread as the page reads it, which also shows what the person wrote: once each, in order."""
        body, _ = await self._call(200, "GET", "/messages?after=0")
        own = [message["text"] for message in body["messages"] if message["from"] == "person"]
        assert own == list(self.script.words[: len(own)]), "the person's own words were mixed up"
        assert len(own) >= self.acknowledged - 1, "the person's own words were lost"
        return [
            (message["text"], *(choice["label"] for choice in message["choices"]))
            for message in body["messages"]
            if message["from"] == "bot"
        ]

    async def _call(self, wanted: int, method: str, path: str, body: object = None) -> tuple[Any, str]:
        """Body and cookie of the wanted answer; tries until it comes, with pauses that grow."""
        headers = {"Cookie": self._cookie} if self._cookie else {}
        last = ""
        for number in range(TRIES):
            try:
                async with self._session.request(method, self._url + path, json=body, headers=headers) as got:
                    last = str(got.status)
                    if got.status == wanted:
                        return await got.json(), got.headers.get("Set-Cookie", "").partition(";")[0]
            except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                last = type(error).__name__
            await asyncio.sleep(min(LONGEST_PAUSE, 0.02 * 2 ** min(number, 10)))
        msg = f"{method} {path}: {TRIES} tries, the last one {last}"
        raise NotAcknowledged(msg)
