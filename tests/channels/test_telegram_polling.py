"""Long polling: every update is stored once, in order, whatever comes between; and it stops at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from bot.channels.telegram import Telegram, polling
from bot.channels.telegram.polling import Poller
from bot.clock import SystemClock
from bot.errors import StoreUnavailable
from bot.messages import Inbound, Kind
from tests.platforms import FakeTelegram, cut, refuse, silence
from tests.platforms.telegram_setup import Update

Store = Callable[[Sequence[Inbound]], Awaitable[None]]


async def always() -> bool:
    return True


class Kept:
    """A store that forgets nothing and knows repeats; `fails` is what it raises next."""

    def __init__(self) -> None:
        self.events: list[Inbound] = []
        self.repeated = 0
        self.fails: list[Exception] = []
        self.refuses = ""

    async def __call__(self, events: Sequence[Inbound]) -> None:
        if self.fails:
            raise self.fails.pop(0)
        if self.refuses and any(event.text == self.refuses for event in events):
            raise ValueError("cannot be stored")
        for event in events:
            known = any(event.dedupe_key == one.dedupe_key for one in self.events)
            self.repeated += known
            if not known:
                self.events.append(event)

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are over soon."""
    monkeypatch.setattr(polling, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(polling, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr(polling, "OTHERS_TURN", 0.01)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake
        fake.assert_no_invalid()


def a_channel(telegram: FakeTelegram) -> Telegram:
    return Telegram(
        account="telegram", bot_token=telegram.token, secret_token="", api_base=telegram.url, polling=True
    )


@contextlib.asynccontextmanager
async def a_poller(
    telegram: FakeTelegram, accept: Store, mine: Callable[[], Awaitable[bool]] = always
) -> AsyncIterator[Telegram]:
    """A running poller; its channel. The stop at the end takes less than a second."""
    channel = a_channel(telegram)
    await channel.open()
    poller = Poller(channel, accept, mine, SystemClock())
    poller.start()
    try:
        yield channel
    finally:
        began = time.perf_counter()
        await poller.stop()
        assert time.perf_counter() - began < 1.0
        await channel.close()


def wait(telegram: FakeTelegram, *updates: Update) -> None:
    """Updates that wait at Telegram."""
    for update in updates:
        telegram.underway[update["update_id"]] = update
    telegram.stir()


async def confirmed(telegram: FakeTelegram, *updates: Update) -> None:
    wanted = {update["update_id"] for update in updates}
    await telegram.until(lambda: wanted <= telegram.acknowledged.keys())


async def test_in_order_once_and_confirmed_after_storing(telegram: FakeTelegram, kept: Kept) -> None:
    """What waits and what comes later, in order; confirmed only when it is stored; only the kinds we read."""
    person = telegram.new_person()
    updates = [telegram.text(person, str(number)) for number in range(250)]
    stored_when_confirmed = []
    confirm = telegram.confirmed

    def noted(update: Update) -> None:
        stored_when_confirmed.append(update["message"]["text"] in kept.texts)
        confirm(update)

    telegram.confirmed = noted  # type: ignore[method-assign]
    wait(telegram, *updates)
    async with a_poller(telegram, kept):
        await confirmed(telegram, *updates)
        later = telegram.text(person, "later")
        wait(telegram, later)
        await confirmed(telegram, later)
    assert kept.texts == [*map(str, range(250)), "later"]
    assert all(stored_when_confirmed)
    assert kept.repeated == 0
    asked = {tuple(call.body["allowed_updates"]) for call in telegram.calls}
    assert asked == {("message", "edited_message", "callback_query", "my_chat_member")}


async def test_a_crash_between_storing_and_confirming(telegram: FakeTelegram, kept: Kept) -> None:
    """The same updates come again to the next start, and are known."""
    person = telegram.new_person()
    updates = [telegram.text(person, text) for text in ("一", "二")]
    wait(telegram, *updates)
    stored, channel = asyncio.Event(), a_channel(telegram)

    async def then_dies(events: Sequence[Inbound]) -> None:
        await kept(events)
        stored.set()
        await asyncio.Event().wait()

    await channel.open()
    poller = Poller(channel, then_dies, always, SystemClock())
    poller.start()
    await stored.wait()
    assert poller._task is not None
    poller._task.cancel()
    await channel.close()
    assert not telegram.acknowledged
    async with a_poller(telegram, kept):
        await confirmed(telegram, *updates)
    assert (kept.texts, kept.repeated) == (["一", "二"], 2)


async def test_outages(telegram: FakeTelegram, kept: Kept) -> None:
    """Telegram fails in every way, the database is away: waited for, told by `check`, nothing lost or doubled."""
    person = telegram.new_person()
    first, second = telegram.text(person, "一"), telegram.text(person, "二")
    telegram.faults.add(
        refuse(500), refuse(429), refuse(429, retry_after=0), cut(accepted=False), cut(accepted=True)
    )
    kept.fails = [StoreUnavailable(), StoreUnavailable()]
    wait(telegram, first)
    async with a_poller(telegram, kept) as channel:
        await confirmed(telegram, first)
        assert channel.poll_problem == ""
        await telegram.down()
        await asyncio.wait_for(_problem(channel, "unreachable"), 10)
        await telegram.up()
        wait(telegram, second)
        await confirmed(telegram, second)
        assert channel.poll_problem == ""
    assert kept.texts == ["一", "二"]


async def _problem(channel: Telegram, code: str) -> None:
    while channel.poll_problem != code:
        await asyncio.sleep(0.005)


async def test_a_webhook_in_the_way_is_removed(telegram: FakeTelegram, kept: Kept) -> None:
    """409 because of a webhook: it is deleted, and what waits is not dropped."""
    telegram.aim("http://127.0.0.1:1")
    update = telegram.text(telegram.new_person(), "こんにちは")
    wait(telegram, update)
    async with a_poller(telegram, kept):
        await confirmed(telegram, update)
    [deleted] = [call for call in telegram.calls if call.name == "deleteWebhook"]
    assert deleted.body["drop_pending_updates"] is False
    assert kept.texts == ["こんにちは"]


async def test_another_poller_is_told(telegram: FakeTelegram, kept: Kept) -> None:
    """409 because another program polls: told by `check` with its own code, and tried again."""
    with telegram.faults.outage(refuse(409), call="getUpdates"):
        async with a_poller(telegram, kept) as channel:
            await asyncio.wait_for(_problem(channel, "polled_elsewhere"), 10)
            health = await channel.check()
            assert (health.webhook, health.problem) == ("unknown", "polled_elsewhere")


async def test_a_refused_token_is_told(telegram: FakeTelegram, kept: Kept) -> None:
    with telegram.faults.outage(refuse(401), call="getUpdates"):
        async with a_poller(telegram, kept) as channel:
            await asyncio.wait_for(_problem(channel, "misconfigured"), 10)


async def test_one_at_a_time(telegram: FakeTelegram, kept: Kept) -> None:
    """Who is not to poll asks Telegram nothing, and begins when its turn comes."""
    turn = [False]

    async def mine() -> bool:
        return turn[0]

    update = telegram.text(telegram.new_person(), "こんにちは")
    wait(telegram, update)
    async with a_poller(telegram, kept, mine):
        for _ in range(5):
            await asyncio.sleep(0)
        assert telegram.calls == []
        turn[0] = True
        await confirmed(telegram, update)


async def test_what_cannot_be_stored_holds_up_nobody(telegram: FakeTelegram, kept: Kept) -> None:
    """It stays with Telegram while others are stored; when it can be stored, it is; nothing comes twice."""
    person, other = telegram.new_person(), telegram.new_person()
    odd = telegram.text(person, "odd")
    others = [telegram.text(other, str(number)) for number in range(5)]
    kept.refuses = "odd"
    wait(telegram, odd, *others)
    async with a_poller(telegram, kept):
        await asyncio.wait_for(_stored(kept, 5), 10)
        assert not telegram.acknowledged
        later = telegram.text(other, "later")
        wait(telegram, later)
        await asyncio.wait_for(_stored(kept, 6), 10)
        kept.refuses = ""
        await confirmed(telegram, odd, *others, later)
    assert sorted(kept.texts) == ["0", "1", "2", "3", "4", "later", "odd"]
    assert kept.repeated == 0


async def test_it_is_given_up_when_there_is_no_room(telegram: FakeTelegram, kept: Kept) -> None:
    """Telegram shows the first hundred: then the one that cannot be stored goes, for the sake of all others."""
    odd = telegram.text(telegram.new_person(), "odd")
    others = [telegram.text(telegram.new_person(), str(number)) for number in range(150)]
    kept.refuses = "odd"
    wait(telegram, odd, *others)
    async with a_poller(telegram, kept):
        await confirmed(telegram, odd, *others)
    assert kept.texts == [str(number) for number in range(150)]


async def _stored(kept: Kept, number: int) -> None:
    while len(kept.events) < number:
        await asyncio.sleep(0.005)


async def test_odd_updates_do_not_cost_the_batch(telegram: FakeTelegram, kept: Kept) -> None:
    """One the library cannot read, one with half an emoji, one of a kind we do not know: all others are stored."""
    person = telegram.new_person()
    broken = telegram.text(person, "x")
    del broken["message"]["date"]
    half = telegram.text(person, "もう\ud83d")
    updates = [broken, telegram.unknown(person), half, telegram.text(person, "あ")]
    wait(telegram, *updates)
    async with a_poller(telegram, kept):
        await confirmed(telegram, *updates)
    assert [event.kind for event in kept.events] == [Kind.UNSUPPORTED, Kind.TEXT, Kind.TEXT]
    assert kept.texts == ["", "もう?", "あ"]


async def test_taps_are_answered(telegram: FakeTelegram, kept: Kept) -> None:
    """As with webhooks, what is to be done once an update is stored is done."""
    person = telegram.new_person()
    sent = {**telegram.message(person, text="メニュー"), "from": telegram.bot}
    tap = telegram.callback(person, sent, "exit/later")
    wait(telegram, tap)
    async with a_poller(telegram, kept):
        await telegram.until(lambda: telegram.queries == {tap["callback_query"]["id"]: True})
    assert [event.choice_id for event in kept.events] == ["exit/later"]


async def test_a_silent_telegram_is_noticed(
    telegram: FakeTelegram, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that hangs is let go of after its time, and the stop does not wait for it."""
    monkeypatch.setattr(polling, "HELD_OPEN", 0)
    monkeypatch.setattr(polling, "TOTAL_TIMEOUT", 0.05)
    with telegram.faults.outage(silence(accepted=False), call="getUpdates"):
        async with a_poller(telegram, kept) as channel:
            await asyncio.wait_for(_problem(channel, "unreachable"), 10)
