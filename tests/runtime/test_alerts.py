"""Alerts end to end over the store: found, told, followed, acknowledged, and lost by nothing that fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import event

from bot.errors import ContactGone, NotAllowed, NotFound, Rejected, SendError, Unreachable
from bot.handoff.alerts import Alerts
from bot.handoff.escalation import HOLD, STANDARD, Kind
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason, Status
from bot.store import alert_sends, alerts
from bot.store.schema import alerts as alert_rows
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House

MINUTE = timedelta(minutes=1)


class Phone:
    """Somebody on duty: takes what is told, or fails as it was told."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.error: SendError | None = None

    async def tell(self, subject: str, text: str) -> None:
        if self.error is not None:
            raise self.error
        self.heard.append(f"{subject}\n{text}")

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def duty() -> dict[str, Phone]:
    return {name: Phone() for name in ("desk/1", "next/1", "lead/1", "phone/1")}


def alerting(house: House, duty: dict[str, Phone]) -> Alerts:
    """The worker of a process of this house."""
    engawa = house.engawa
    return Alerts(
        engawa.database,
        engawa.hub,
        house.clock,
        engawa.operator_id,
        STANDARD,
        duty,
        lambda: engawa.library.at_hand,
        "https://engawa.example.jp",
    )


@pytest.fixture
async def told(house: House, duty: dict[str, Phone]) -> AsyncIterator[Alerts]:
    made = alerting(house, duty)
    yield made
    await made.close()


def heard(duty: dict[str, Phone]) -> list[int]:
    """How often each was told: desk, next, lead, phone."""
    return [len(phone.heard) for phone in duty.values()]


async def test_an_unclaimed_call_is_told_step_by_step_until_it_is_claimed(
    house: House, told: Alerts, duty: dict[str, Phone]
) -> None:
    """R-080: alarm to at least two; each step once, in its time; nothing after the claim."""
    ticket = await house.waiting("a")
    assert ticket.priority is Level.HIGH
    found = []
    for minutes in (0, 4, 1, 5, 10):
        house.clock.move(minutes * MINUTE)
        await told.work()
        await told.work()
        found.append(heard(duty))
    assert found == [[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    await house.engawa.desk.claim(await house.member(), ticket.id)
    house.clock.move(timedelta(hours=1))
    await told.work()
    assert heard(duty) == [1, 1, 1, 1]
    assert await told.open(await house.member()) == []


async def test_what_is_told_is_a_level_a_count_and_the_address_of_the_console(
    house: House, told: Alerts, duty: dict[str, Phone]
) -> None:
    """R-071, R-072: no word, name, nickname or id of anybody leaves the house."""
    ticket = await house.waiting("a", "もう死にたい canary")
    await house.waiting("b")
    await told.work()
    assert duty["desk/1"].heard[0] == (
        "縁側：高い\n高い。受け取られていない人が 2人います。https://engawa.example.jp/admin"
    )
    contact = await house.loaded("a")
    for secret in ("canary", "死にたい", contact.nickname, contact.contact_id, ticket.id):
        assert secret not in "".join(duty["desk/1"].heard)


async def test_the_house_has_no_target_and_shows_it_in_the_console_only(house: House) -> None:
    """Nobody is named: nothing is sent, nothing is marked as lost, and the alert is open."""
    await house.waiting("a")
    bare = alerting(house, {})
    await bare.work()
    [one] = await bare.open(await house.member())
    assert (one.alert.kind, one.told, one.undelivered) == (Kind.UNCLAIMED, [], False)
    assert not (await bare.standing()).named


async def test_a_raised_ticket_is_told_anew_at_its_new_level(
    house: House, told: Alerts, duty: dict[str, Phone]
) -> None:
    """What became urgent while it waited is urgent from then on; the quiet alert is over."""
    for text in ("exit/person",):
        await house.taps("a", text)
    for text in ("つづける", "ゆっくり", "文字だけ", "送る"):
        await house.says("a", text)
        await house.settle()
    await told.work()
    assert heard(duty) == [0, 0, 0, 0]
    house.clock.move(30 * MINUTE)
    await house.waiting("a")
    await told.work()
    assert heard(duty) == [1, 0, 0, 0]
    [one] = await told.open(await house.member())
    assert (one.alert.level, one.alert.raised_at) == (Level.HIGH, house.clock.now())


async def test_seen_is_silent_for_a_while_and_goes_on_while_nobody_takes_it(
    house: House, told: Alerts, duty: dict[str, Phone]
) -> None:
    """Acknowledged or escalated, never dropped."""
    await house.waiting("a")
    await told.work()
    member = await house.member()
    [one] = await told.open(member)
    await told.acknowledge(member, one.alert_id)
    house.clock.move(HOLD - MINUTE)
    await told.work()
    assert heard(duty) == [1, 0, 0, 0]
    [one] = await told.open(member)
    assert one.acknowledged_by == member.display_name
    house.clock.move(MINUTE)
    await told.work()
    assert heard(duty) == [1, 1, 0, 0]
    with pytest.raises(NotFound):
        await told.acknowledge(member, "0" * 32)
    with pytest.raises(NotAllowed):
        await told.open(await house.member("edit", "editor"))


class TestFaults:
    """SMTP down, webhook 500, a process that dies, two processes, a clock that jumps."""

    async def test_who_cannot_be_told_is_followed_at_once_shown_and_tried_again(
        self, house: House, told: Alerts, duty: dict[str, Phone]
    ) -> None:
        """R-083: nobody is taken for told; the failure stands on the status line until it works again."""
        duty["desk/1"].error = Unreachable("SMTP is down")
        await house.waiting("a")
        await told.work()
        standing = await told.standing()
        assert standing.not_working == [("desk/1", "unreachable")]
        assert standing.undelivered == 1
        await told.work()
        assert heard(duty) == [0, 1, 0, 0]
        duty["desk/1"].error = None
        house.clock.move(timedelta(seconds=15))
        await told.work()
        assert heard(duty) == [1, 1, 0, 0]
        standing = await told.standing()
        assert (standing.not_working, standing.undelivered) == ([], 0)

    async def test_when_nothing_works_it_is_tried_for_as_long_as_somebody_waits(
        self, house: House, told: Alerts, duty: dict[str, Phone]
    ) -> None:
        for phone in duty.values():
            phone.error = Unreachable("webhook 500")
        ticket = await house.waiting("a")
        for _ in range(40):
            await told.work()
            house.clock.move(MINUTE)
        standing = await told.standing()
        assert [name for name, _ in standing.not_working] == ["desk/1", "lead/1", "next/1", "phone/1"]
        assert standing.undelivered == 1
        for phone in duty.values():
            phone.error = None
        house.clock.move(5 * MINUTE)
        await told.work()
        assert min(heard(duty)) >= 1
        await house.engawa.desk.claim(await house.member(), ticket.id)
        before = heard(duty)
        await told.work()
        house.clock.move(timedelta(hours=3))
        await told.work()
        assert heard(duty) == before

    async def test_a_process_that_dies_between_ticket_and_alert_loses_nothing(
        self, house: House, duty: dict[str, Phone]
    ) -> None:
        """The ticket is the alert's source: whoever comes next finds it, and counts from when it was opened."""
        await house.waiting("a")
        house.clock.move(6 * MINUTE)
        await alerting(house, duty).work()
        assert heard(duty) == [1, 1, 0, 0]

    async def test_a_process_that_dies_between_taking_and_sending_leaves_the_send_to_the_next(
        self, house: House, duty: dict[str, Phone]
    ) -> None:
        await house.waiting("a")
        now = house.clock.now()
        database, targets = house.engawa.database, alerting(house, duty).targets
        await database.write(alerts.sweep, STANDARD, targets, now)
        assert len(await database.write(alert_sends.take, now)) == 1  # and here it dies
        successor = alerting(house, duty)
        await successor.work()
        assert heard(duty) == [0, 0, 0, 0]
        house.clock.move(alert_sends.LEASE)
        await successor.work()
        assert heard(duty) == [1, 0, 0, 0]

    async def test_the_only_process_does_not_wait_for_what_died_with_the_one_before_it(
        self, house: House, duty: dict[str, Phone]
    ) -> None:
        await house.waiting("a")
        now = house.clock.now()
        database, targets = house.engawa.database, alerting(house, duty).targets
        await database.write(alerts.sweep, STANDARD, targets, now)
        assert len(await database.write(alert_sends.take, now)) == 1  # and here it dies
        await database.write(alert_sends.recover, now)
        await alerting(house, duty).work()
        assert heard(duty) == [1, 0, 0, 0]

    async def test_two_processes_tell_once(self, ready_postgresql_url: str, duty: dict[str, Phone]) -> None:
        """On PostgreSQL with many processes each telling is one process's."""
        import asyncio

        clock, channel = FakeClock(), FakeChannel()
        async with (
            an_engawa(ready_postgresql_url, clock=clock, channels=[channel]) as one,
            an_engawa(ready_postgresql_url, clock=clock, channels=[channel]) as two,
        ):
            houses = [House(engawa=engawa, channel=channel, clock=clock) for engawa in (one, two)]
            for number in range(5):
                await houses[0].waiting(f"p{number}")
            workers = [alerting(house, duty) for house in houses]
            for _ in range(6):
                await asyncio.gather(*(worker.work() for worker in workers))
            assert heard(duty) == [5, 0, 0, 0]
            clock.move(5 * MINUTE)
            for _ in range(6):
                await asyncio.gather(*(worker.work() for worker in workers))
            assert heard(duty) == [5, 5, 0, 0]

    async def test_a_clock_that_is_set_back_delays_no_step(
        self, house: House, told: Alerts, duty: dict[str, Phone]
    ) -> None:
        await house.waiting("a")
        await told.work()
        duty["next/1"].error = Unreachable()
        house.clock.move(-timedelta(days=3))
        await told.work()
        assert heard(duty) == [1, 0, 0, 0]
        house.clock.move(5 * MINUTE)
        await told.work()
        duty["next/1"].error = None
        house.clock.move(-timedelta(days=3))
        await told.work()
        assert heard(duty)[1] == 1

    async def test_a_clock_that_jumps_ahead_tells_early_rather_than_never(
        self, house: House, told: Alerts, duty: dict[str, Phone]
    ) -> None:
        await house.waiting("a")
        await told.work()
        house.clock.move(timedelta(days=30))
        await told.work()
        assert heard(duty) == [1, 1, 1, 1]

    async def test_one_way_that_raises_something_odd_keeps_no_other_from_being_told(
        self, house: House, told: Alerts, duty: dict[str, Phone]
    ) -> None:
        async def broken(subject: str, text: str) -> None:
            raise ZeroDivisionError

        duty["desk/1"].tell = broken  # type: ignore[method-assign]
        await house.waiting("a")
        await told.work()
        await told.work()
        assert heard(duty) == [0, 1, 0, 0]
        assert (await told.standing()).not_working == [("desk/1", "failed")]


class TestUndeliverable:
    """What a counselor wrote and did not arrive."""

    @pytest.mark.parametrize("error", [Rejected("HTTP 400"), ContactGone()])
    async def test_it_is_told_while_the_counselor_has_the_thread(
        self, house: House, told: Alerts, duty: dict[str, Phone], error: SendError
    ) -> None:
        """R-106: somebody must know; seen once, it is over, for there is nothing to be claimed."""
        ticket = await house.claimed("a")
        house.channel.fail(error)
        await house.engawa.desk.reply(await house.member(), ticket.id, "読みました。canary", "r1")
        await house.settle()
        await told.work()
        assert heard(duty) == [1, 0, 0, 0]
        assert "canary" not in duty["desk/1"].heard[0]
        assert "届かなかった" in duty["desk/1"].heard[0]
        [one] = await told.open(await house.member())
        assert (one.alert.kind, one.ticket_id) == (Kind.UNDELIVERABLE, ticket.id)
        await told.acknowledge(await house.member(), one.alert_id)
        assert await told.open(await house.member()) == []
        assert (await house.ticket("a")).status is Status.ACTIVE

    async def test_a_thread_nobody_has_any_more_is_opened_again_for_it(
        self, house: House, told: Alerts
    ) -> None:
        ticket = await house.claimed("a")
        member = await house.member()
        house.channel.gate.clear()
        house.channel.fail(Rejected("HTTP 400"))
        await house.engawa.desk.reply(member, ticket.id, "またあした書きます。", "r1")
        await house.engawa.delivery.work()
        await house.engawa.desk.hand_back(member, ticket.id)
        house.channel.gate.set()
        await house.settle()
        await house.engawa.clockwork.wake()
        await house.settle()
        again = await house.ticket("a")
        assert (again.status, again.reason) == (Status.WAITING, Reason.UNDELIVERABLE)
        thread = await house.engawa.desk.thread(member, again.id)
        assert any("またあした書きます。" in line.body.texts for line in thread.lines)

    async def test_what_the_machine_says_and_does_not_arrive_is_no_alert(
        self, house: House, told: Alerts
    ) -> None:
        house.channel.fail(Rejected("HTTP 400"))
        await house.says("a", "はじめ")
        await house.settle()
        await told.work()
        assert await told.open(await house.member()) == []


async def test_an_alert_that_is_over_holds_no_ticket_and_is_forgotten_after_a_month(
    house: House, told: Alerts
) -> None:
    """R-074: nothing leads back to a thread once the alert is over."""
    ticket = await house.waiting("a")
    await told.work()
    await house.engawa.desk.claim(await house.member(), ticket.id)
    await told.work()
    [row] = await house.rows(alert_rows.select())
    assert row.ended_at is not None
    assert row.ticket_id is None
    assert ticket.id not in row.subject
    house.clock.move(timedelta(days=31))
    await house.engawa.retention.run()
    assert await house.rows(alert_rows.select()) == []


async def test_an_erased_person_leaves_no_open_alert(house: House, told: Alerts) -> None:
    await house.waiting("a")
    await told.work()
    await house.says("a", "わたしの記録を消す")
    await house.settle()
    for _ in range(3):
        if await house.contact("a") is None:
            break
        await house.says("a", "消す")
        await house.settle()
    await told.work()
    assert await house.contact("a") is None
    assert await told.open(await house.member()) == []


async def test_an_ordinary_message_costs_no_statement_for_alerts(house: House) -> None:
    """Alerts are found by looking, so a message's turn never touches their tables."""
    await house.says("a", "はじめ")
    await house.settle()
    said: list[str] = []
    engine = house.engawa.database.engine
    event.listen(engine, "before_cursor_execute", lambda *call: said.append(call[2]))
    await house.says("a", "さがす")
    await house.settle()
    assert said
    assert not [statement for statement in said if "alert" in statement or "audit" in statement]
