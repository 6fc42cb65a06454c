"""Recall: something wrong was public; those who were shown it get one correction, by two people, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.content.export import body_of, text_of
from bot.drafting import NotReady
from bot.errors import BadInput, NotAllowed, NotFound
from bot.messages import Kind, Purpose
from bot.recall import Counted
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House
from tests.studio.office import FLOW, Office, an_office

KITA = {
    "id": "kita",
    "name": "きたの部屋",
    "kind": "ibasho",
    "prefecture": "宮城県",
    "municipality": "仙台市",
    "summary": "ひとりで過ごせる部屋です。",
    "cost": "無料",
    "source": {"title": "市の資料", "seen_in_source": "2026年11月"},
    "schedule": {"kind": "exact", "rrule": "FREQ=MONTHLY;BYDAY=2SA", "begins": "13:00"},
}
PLACE = ("resource", "kita")
RIGHT = "きたの部屋の日にちをまちがえていました。第4土曜日です。"


@dataclass
class Town:
    """An office, and people who write to it."""

    office: Office
    house: House

    async def writes(self, person: str, *texts: str) -> None:
        for text in texts:
            await self.house.says(person, text)
            await self.house.settle()

    def corrections(self, person: str) -> list[tuple[str, ...]]:
        return [
            one.reply.texts
            for one in self.house.channel.arrived
            if one.address.key == person and one.purpose is Purpose.CORRECTION
        ]

    async def publishes(self, key: tuple[str, str], **fields: object) -> int:
        await self.office.propose(key, "oono", **fields)
        number = await self.office.publish()
        self.house.clock.move(timedelta(minutes=2))
        return number

    async def corrects(self, wrong: int, key: tuple[str, str] = PLACE, text: str = RIGHT) -> str:
        """Written by one, looked at by another, published."""
        office = self.office
        name = await office.engawa.recalls.write(office["oono"], *key, wrong, text)
        revision = (await office.draft(("correction", name))).revision
        await office.studio.approve(office["sakurai"], "correction", name, revision)
        await office.publish()
        return name

    async def passes(self, **time: float) -> None:
        """Time passes; what is due is done."""
        self.house.clock.move(timedelta(**time))
        await self.office.engawa.recalls.look()
        await self.office.engawa.clockwork.wake()
        await self.house.settle()

    async def counted(self, wrong: int, key: tuple[str, str] = PLACE) -> Counted:
        return await self.office.engawa.recalls.counted(self.office["oono"], *key, wrong)


@pytest.fixture
async def town(ready_url: str) -> AsyncIterator[Town]:
    """Release 2 has the place with a wrong day; the clock stands at noon."""
    channel, clock = FakeChannel(), FakeClock()
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        office = await an_office(engawa, clock)
        saved = await office.studio.save(office["oono"], *PLACE, text_of(KITA), 0)
        await office.studio.propose(office["oono"], *PLACE, saved.revision)
        assert await office.publish() == 2
        clock.move(timedelta(hours=3))
        yield Town(office, House(engawa=engawa, channel=channel, clock=clock))


FOURTH = {"kind": "exact", "rrule": "FREQ=MONTHLY;BYDAY=4SA", "begins": "13:00"}
NAME = "きたの部屋"


class TestRecall:
    async def test_who_was_shown_it_gets_one_correction_and_nobody_else(self, town: Town) -> None:
        """Shown wrongly; shown rightly; never shown: one message, once, however often it is looked."""
        await town.writes("wrong", NAME)
        await town.writes("never", "こんにちは")
        await town.publishes(PLACE, schedule=FOURTH)
        await town.writes("right", NAME)
        counted = await town.counted(2)
        assert counted == Counted(told=1, unreachable=0, hushed=0, with_staff=0, keep=0, unsure=0)
        name = await town.corrects(2)
        await town.passes(seconds=30)
        assert town.corrections("wrong") == []  # what was on its way goes first
        for _ in range(3):
            await town.passes(minutes=2)
        assert town.corrections("wrong") == [(RIGHT,)]
        assert town.corrections("right") == town.corrections("never") == []
        said = next(one for one in town.house.channel.arrived if one.purpose is Purpose.CORRECTION)
        assert said.reply.silent
        assert len(said.reply.choices) == 3  # the ways out
        found = await town.office.engawa.recalls.of(town.office["tanabe"], *PLACE)
        assert [(one.correction.id, one.said, one.begun_at is not None) for one in found] == [(name, 1, True)]
        await town.publishes(PLACE, cost="100円")  # another release sends nothing again
        await town.passes(days=2)
        assert town.corrections("wrong") == [(RIGHT,)]

    async def test_a_second_person_decides(self, town: Town) -> None:
        """Not published without, not approved by who wrote it; until then nobody is told."""
        office = town.office
        await town.writes("wrong", NAME)
        await town.publishes(PLACE, schedule=FOURTH)
        name = await office.engawa.recalls.write(office["sakurai"], *PLACE, 2, RIGHT)
        with pytest.raises(NotReady):
            await office.publish()
        revision = (await office.draft(("correction", name))).revision
        with pytest.raises(NotAllowed):
            await office.studio.approve(office["sakurai"], "correction", name, revision)
        await town.passes(hours=2)
        assert town.corrections("wrong") == []
        await office.studio.approve(office["mori"], "correction", name, revision)
        number = await office.publish()
        body = await office.said(("correction", name), number)
        assert (body["proposed_by"], body["approved_by"]) == ("sakurai", "mori")
        await town.passes(minutes=2)
        assert town.corrections("wrong") == [(RIGHT,)]

    async def test_not_at_night_and_not_while_hushed_or_with_a_counselor(self, town: Town) -> None:
        """It waits for the morning, for the end of the hush and for the hand back; whoever left is not written to."""
        for person in ("night", "staff", "left"):
            await town.writes(person, NAME)
        await town.publishes(PLACE, schedule=FOURTH)
        await town.house.claimed("staff")
        town.house.channel.arrived.clear()
        await town.house.engawa.ingress.accept([town.house.channel.heard("left", kind=Kind.LEFT)])
        await town.house.settle()
        town.house.clock.move(timedelta(hours=11))  # eleven in the evening
        assert (await town.counted(2)).unreachable == 1
        assert (await town.counted(2)).with_staff == 1
        await town.corrects(2)
        await town.passes(minutes=2)
        assert town.corrections("night") == []
        await town.passes(hours=11)
        assert town.corrections("night") == [(RIGHT,)]
        assert town.corrections("staff") == town.corrections("left") == []
        ticket = await town.house.ticket("staff")
        await town.house.engawa.desk.hand_back(await town.house.member(), ticket.id)
        await town.passes(days=2)
        assert town.corrections("staff") == [(RIGHT,)]
        assert town.corrections("left") == []

    async def test_what_is_taken_out_meanwhile_is_not_said(self, town: Town) -> None:
        """Found at night, taken out before the morning."""
        await town.writes("wrong", NAME)
        await town.publishes(PLACE, schedule=FOURTH)
        town.house.clock.move(timedelta(hours=11))
        name = await town.corrects(2)
        await town.passes(minutes=2)
        revision = (await town.office.draft(("correction", name))).revision
        saved = await town.office.studio.remove(town.office["oono"], "correction", name, revision)
        await town.office.studio.propose(town.office["oono"], "correction", name, saved.revision)
        await town.office.studio.approve(town.office["mori"], "correction", name, saved.revision)
        await town.office.publish()
        await town.passes(hours=12)
        assert town.corrections("wrong") == []

    async def test_a_place_that_is_told_no_more(self, town: Town) -> None:
        """All of it was wrong then."""
        await town.writes("wrong", NAME)
        await town.publishes(PLACE, agreement="declined")
        assert (await town.counted(2)).told == 1

    async def test_a_sentence_of_a_flow(self, town: Town) -> None:
        """Who was shown the old sentence; a sentence both states have is not a wrong one."""
        office = town.office
        flow = body_of(*FLOW, (await office.draft(FLOW)).body)
        steps = flow["steps"]
        name = next(iter(steps))
        first = steps[name]
        wrong = {**first, "say": ["お金の相談は毎週水曜日にできます。", *first["say"]][:3]}
        right = {**first, "say": ["お金の相談は毎週木曜日にできます。", *first["say"]][:3]}
        number = await town.publishes(FLOW, steps={**steps, name: wrong})
        await town.writes("wrong", flow["entry"][0])
        await town.publishes(FLOW, steps={**steps, name: right})
        await town.writes("right", flow["entry"][0])
        assert (await town.counted(number, FLOW)).told == 1

    async def test_what_cannot_be_recalled(self, town: Town) -> None:
        """What is public now, what was never there, other kinds, no words: said, and nothing is drafted."""
        recalls, oono = town.office.engawa.recalls, town.office["oono"]
        with pytest.raises(BadInput):
            await recalls.write(oono, *PLACE, 2, RIGHT)
        with pytest.raises(NotFound):
            await recalls.write(oono, "resource", "nowhere", 2, RIGHT)
        with pytest.raises(NotFound):
            await recalls.counted(oono, *PLACE, 99)
        with pytest.raises(BadInput):
            await recalls.counted(oono, "desk", "main", 1)
        await town.publishes(PLACE, schedule=FOURTH)
        with pytest.raises(BadInput):
            await recalls.write(oono, *PLACE, 2, "あ" * 121)
        with pytest.raises(NotAllowed):
            await recalls.counted(town.office["mizuno"], *PLACE, 2)
