"""How much of what is said on LINE is free: the golden conversations, played over a LINE that counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import func, select

from admin.simulation import ANSWER
from bot.handoff.ticket import Status
from bot.messages import HINT_FRESH
from bot.store import erase
from bot.store.schema import reply_hints
from bot.store.staff import Member
from bot.testing import FakeClock
from tests.acceptance.serving import Serving, on_line, serving
from tests.acceptance.test_platform_journeys import a_counselor
from tests.flows import golden

SHARE = 0.95
BY_THE_HOUR = ("F-LETTER", "F-NOTICE", "kind-letters", "kind-reminders", "quiet-notice")
PAUSE = 5.0  # seconds between two things a person does


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[Serving]:
    async with serving(ready_url, clock=FakeClock()) as running:
        yield running


class Person:
    """Somebody on LINE who does what a golden conversation says, and the counselor beside them."""

    def __init__(self, house: Serving, counselor: Member) -> None:
        self.house, self.counselor = house, counselor
        self.user = house.line.new_user()
        self.seen: dict[str, str] = {}  # every button there was: label to data
        self.replies = 0

    async def does(self, entry: dict[str, Any]) -> None:
        house, line, desk = self.house, self.house.line, self.house.engawa.desk
        self.seen |= {
            action["label"]: action["data"] for action in line.buttons(self.user) if "data" in action
        }
        match entry:
            case {"text": str(text)}:
                await line.says(self.user, text)
            case {"choice": str(label)}:
                await line.taps(self.user, label)
            case {"earlier": str(label)}:
                await line.deliver(line.postback(self.user, self.seen[label]))
            case {"tap": str(choice_id)}:
                await line.deliver(line.postback(self.user, choice_id))
            case {"joined": True}:
                await line.follows(self.user)
            case {"left": True}:
                await line.blocks(self.user)
            case {"unsent": True}:
                await line.deliver(line.unsend(self.user, line.message_id()))
            case {"sticker": True}:
                await line.deliver(line.sticker(self.user, keywords=()))
            case {"photo": True}:
                await line.deliver(line.image(self.user))
            case {"after": float() | int() as seconds}:
                house.pass_time(seconds)
                await house.engawa.clockwork.wake()
            case {"claim": True}:
                await desk.claim(self.counselor, await self.ticket(Status.WAITING))
                await desk.confirm(self.counselor, await self.ticket(Status.ACTIVE))
            case {"reply": str(text)}:
                self.replies += 1
                await desk.reply(
                    self.counselor, await self.ticket(Status.ACTIVE), text, f"{self.user}/{self.replies}"
                )
            case {"hand_back": True}:
                await desk.hand_back(self.counselor, await self.ticket(Status.ACTIVE))
            case _:
                raise AssertionError(f"not played here: {sorted(entry)}")
        await house.settled()
        database = house.engawa.database
        await house.until(lambda: not house.engawa.delivery._sends)

        async def over() -> bool:
            return not await database.read(erase.has_receipts)

        await house.until(over)

    async def ticket(self, status: Status) -> str:
        """The newest ticket in this state; people come one after another here."""
        found = await self.house.engawa.desk.queue(self.counselor, status)
        return max(found, key=lambda one: one.ticket.opened_at).ticket.id


def told(document: dict[str, Any], alt: str) -> list[str]:
    """What a phone shows of a golden conversation: the bubbles, and for cards the words that stand for them."""
    found: list[str] = []
    for entry in document["say"]:
        for came in entry.get(ANSWER, ()):
            found += came.get("bot", []) + came.get("counselor", [])
            found += [alt] if came.get("cards") else []
    return found


def shipped() -> list[dict[str, Any]]:
    """The goldens that need nothing but what we ship, and no hour of their own: one clock goes on for all people."""
    documents = [golden.read(path) for path in golden.files() if path.stem not in BY_THE_HOUR]
    return [
        one
        for one in documents
        if not {"with", "at"} & one.keys() and not any("publish" in entry for entry in one["say"])
    ]


@pytest.mark.parametrize("ready_url", ["sqlite"], indirect=True)  # what is said does not depend on it
async def test_what_the_guide_says_is_free(house: Serving) -> None:
    """Word for word what the goldens say, once; at least 95 % of it by the reply call."""
    counselor = await a_counselor(house, "みずの")
    alt = house.engawa._words("card_alt")
    documents = shipped()
    assert len(documents) > 30
    for document in documents:
        person = Person(house, counselor)
        for entry in document["say"]:
            await person.does({key: value for key, value in entry.items() if key not in golden.NOTES})
            house.pass_time(PAUSE)
        wanted = told(document, alt)
        await house.until(lambda: len(house.line.texts(person.user)) >= len(wanted))  # noqa: B023
        assert house.line.texts(person.user) == wanted, document["title"]
    share = house.line.delivered.free_share()
    print(f"{share:.1%} of {sum(len(one.messages) for one in house.line.delivered.all)} messages were free")
    assert share >= SHARE


async def test_a_counselors_words_use_a_fresh_token(house: Serving) -> None:
    """What the person wrote last may be answered for free while it is fresh; its token is kept no longer."""
    line, desk = house.line, house.engawa.desk
    counselor, user = await a_counselor(house, "みずの"), line.new_user()
    await line.says(user, "死にたい")
    await house.settled()
    [waiting] = await desk.queue(counselor, Status.WAITING)
    await desk.claim(counselor, waiting.ticket.id)
    for number, text in enumerate(("一", "二"), start=1):
        await line.says(user, f"ことば {number}")
        house.pass_time(20)
        await desk.reply(counselor, waiting.ticket.id, text, str(number))
        await house.settled()
    await desk.reply(counselor, waiting.ticket.id, "三", "3")  # nobody has written since: no token is left
    await line.says(user, "ことば 3")
    assert await kept(house) == 1
    house.pass_time(HINT_FRESH.total_seconds())
    await house.engawa.clockwork.forget()
    assert await kept(house) == 0
    await desk.reply(counselor, waiting.ticket.id, "四", "4")
    await house.settled()
    vias = [one.via for one in line.delivered.all if one.messages[0].get("text") in ("一", "二", "三", "四")]
    assert vias == ["reply", "reply", "push", "push"]
    assert [text for text in line.texts(user) if len(text) == 1] == ["一", "二", "三", "四"]
    assert {row.state for row in await house.sent_rows(on_line(user))} == {"sent"}


async def test_an_erase_takes_the_kept_token_along(house: Serving) -> None:
    """Nothing of the person stays, and the receipt is free."""
    line, desk = house.line, house.engawa.desk
    counselor, user = await a_counselor(house, "みずの"), line.new_user()
    await line.says(user, "死にたい")
    await house.settled()
    [waiting] = await desk.queue(counselor, Status.WAITING)
    await desk.claim(counselor, waiting.ticket.id)
    await line.says(user, "まだいます")
    assert await kept(house) == 1
    await line.says(user, "わたしの記録を消す")
    await house.until(lambda: line.texts(user)[-1].startswith("消しました"))
    assert await kept(house) == 0
    assert {one.via for one in line.delivered.all} == {"reply"}


async def kept(house: Serving) -> int:
    """How many unused tokens are in the database."""
    return await house.engawa.database.read(
        lambda connection: connection.scalar(select(func.count()).select_from(reply_hints)) or 0
    )
