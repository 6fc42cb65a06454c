"""Telegram, out: what a reply becomes, as words, buttons and flags; every request is checked against the Bot API."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.channels.render import units
from bot.channels.telegram import Telegram
from bot.channels.telegram.pacing import BOT_BURST, CHAT_BURST, Pacer
from bot.errors import Misconfigured, Rejected, SendError, Throttled, Unreachable
from bot.messages import Address, Choice, Hold, Outgoing, Purpose, Reply
from tests.platforms import FakeTelegram, Fault, cut, refuse

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as fake:
        yield fake
        fake.assert_no_invalid()


@pytest.fixture
async def telegram(fake: FakeTelegram) -> AsyncIterator[Telegram]:
    channel = Telegram(account="telegram", bot_token=fake.token, secret_token="s", api_base=fake.url)
    await channel.open()
    yield channel
    await channel.close()


def outgoing(chat_id: int, reply: Reply, *, contact: int = 1, seq: int = 1, **more: Any) -> Outgoing:
    return Outgoing(
        contact_id=uuid.UUID(int=contact).hex,
        seq=seq,
        address=Address(account="telegram", key=str(chat_id)),
        reply=reply,
        purpose=more.pop("purpose", Purpose.BOT),
        attempt=1,
        queued_at=NOW,
        via="send",
        **more,
    )


TABLE = {
    "plain": (Reply(texts=("こんにちは",)), ["こんにちは"], []),
    "bubbles are one message": (Reply(texts=("一。", "二。")), ["一。\n\n二。"], []),
    "marks stay as they are": (Reply(texts=("<b>*_[a](b)`& 1.5-2!",)), ["<b>*_[a](b)`& 1.5-2!"], []),
    "two buttons a row": (
        Reply(texts=("どれ",), choices=tuple(Choice(id=f"f/s/{n}", label=f"{n}番") for n in range(3))),
        ["どれ"],
        [["0番", "1番"], ["2番"]],
    ),
    "an id over 64 bytes is told in words": (
        Reply(texts=("どれ",), choices=(Choice(id="あ" * 22, label="長い"), Choice(id="b", label="短い"))),
        ["どれ\n\n長い"],
        [["短い"]],
    ),
    "nothing but space": (Reply(texts=(" \n",)), [], []),
}


@pytest.mark.parametrize("name", TABLE)
async def test_replies(telegram: Telegram, fake: FakeTelegram, name: str) -> None:
    reply, texts, buttons = TABLE[name]
    person = fake.new_person()
    await telegram.send(outgoing(person.id, reply))
    assert fake.texts(person.id) == texts
    markup = fake.received(person.id)[-1].get("reply_markup", {}) if texts else {}
    assert [[button["text"] for button in row] for row in markup.get("inline_keyboard", [])] == buttons
    assert all("parse_mode" not in call.body for call in fake.calls)


@pytest.mark.parametrize("silent", [False, True])
async def test_silent(telegram: Telegram, fake: FakeTelegram, silent: bool) -> None:
    """Without a sound, by the person's own choice."""
    person = fake.new_person()
    await telegram.send(outgoing(person.id, Reply(texts=("あ",), silent=silent)))
    assert bool(fake.silent) is silent


async def test_long_words(telegram: Telegram, fake: FakeTelegram) -> None:
    """Over 4,096 UTF-16 units: several messages, each ending with a sentence, and not a word is lost."""
    person = fake.new_person()
    text = "".join(f"{number}ばんめの文です🍎。" for number in range(1000))
    await telegram.send(outgoing(person.id, Reply(texts=(text,), choices=(Choice(id="a", label="あ"),))))
    texts = fake.texts(person.id)
    assert "".join(texts) == text
    assert all(units(part) <= 4096 and part.endswith("。") for part in texts)
    assert ["reply_markup" in message for message in fake.received(person.id)] == [False] * (
        len(texts) - 1
    ) + [True]


@pytest.mark.parametrize(
    ("fault", "error", "may_have_arrived"),
    [
        (refuse(429), Throttled, False),
        (refuse(429, retry_after=5), Throttled, False),
        (refuse(500), Unreachable, True),
        (cut(accepted=False), Unreachable, True),
        (refuse(401), Misconfigured, False),
        (refuse(400), Rejected, False),
    ],
)
async def test_errors(
    telegram: Telegram, fake: FakeTelegram, fault: Fault, error: type[SendError], may_have_arrived: bool
) -> None:
    """What failed is told by kind, with the time Telegram asks for, and never with its words."""
    fake.faults.add(fault)
    with pytest.raises(error) as told:
        await telegram.send(outgoing(fake.new_person().id, Reply(texts=("ひみつ",))))
    assert told.value.may_have_arrived is may_have_arrived
    if isinstance(told.value, Throttled):
        assert told.value.retry_after == fault.retry_after
    assert fake.token not in str(told.value)


async def test_no_connection(telegram: Telegram, fake: FakeTelegram) -> None:
    """Nothing left the house: it cannot have arrived."""
    person = fake.new_person()
    await fake.down()
    with pytest.raises(Unreachable) as told:
        await telegram.send(outgoing(person.id, Reply(texts=("あ",))))
    assert told.value.may_have_arrived is False


# --- pace -------------------------------------------------------------------------------------------


def admitted(pacer: Pacer, chats: int, each: int, until: float) -> list[tuple[float, str]]:
    """When messages left, if each is asked for when it was told to."""
    waiting = [
        (0.0, f"chat {chat}", uuid.UUID(int=chat * 1000 + n)) for n in range(each) for chat in range(chats)
    ]
    left = []
    while waiting:
        waiting.sort(key=lambda one: one[0])
        at, chat, key = waiting.pop(0)
        opens, _ = pacer.opens(chat, key, at)
        if opens <= at:
            left.append((at, chat))
        elif opens <= until:
            waiting.append((opens, chat, key))
    return left


def test_one_chat() -> None:
    """A burst, then one a second."""
    left = [at for at, _ in admitted(Pacer(), 1, 30, 1000.0)]
    assert left[:CHAT_BURST] == [0.0] * CHAT_BURST
    gaps = [after - before for before, after in zip(left[CHAT_BURST:-1], left[CHAT_BURST + 1 :], strict=True)]
    assert len(left) == 30
    assert gaps == pytest.approx([1.0] * len(gaps))


def test_many_chats() -> None:
    """A burst, then thirty a second in the order in which they came; nobody starves, nobody passes another."""
    left = admitted(Pacer(), 300, 1, 1000.0)
    assert len(left) == 300
    assert [chat for _, chat in left] == [f"chat {number}" for number in range(300)]
    for second in range(1, 9):
        assert sum(second <= at < second + 1 for at, _ in left) <= BOT_BURST + 1
    assert left[-1][0] == pytest.approx((300 - BOT_BURST) / 30, abs=0.1)


def test_a_busy_chat_takes_nobodys_place() -> None:
    """One that is over its own pace does not push the bot's queue ahead."""
    pacer = Pacer()
    for number in range(CHAT_BURST):
        pacer.opens("busy", uuid.UUID(int=number), 0.0)
    for number in range(100, 200):
        assert pacer.opens("busy", uuid.UUID(int=number), 0.0)[0] >= 1.0
    assert pacer.opens("other", uuid.UUID(int=1000), 0.0)[0] == 0.0


async def test_refused_for_a_time(telegram: Telegram, fake: FakeTelegram) -> None:
    """`retry_after` holds that chat, with a code for staff; another chat and an erase receipt go."""
    person, now = fake.new_person(), datetime.now(UTC)
    fake.faults.add(refuse(429, retry_after=60))
    with pytest.raises(Throttled):
        await telegram.send(outgoing(person.id, Reply(texts=("あ",))))
    held = telegram.route(outgoing(person.id, Reply(texts=("あ",)), seq=2), now)
    assert isinstance(held, Hold)
    assert held.code == "throttled"
    assert timedelta(seconds=55) < held.until - now < timedelta(seconds=65)
    assert telegram.route(outgoing(person.id, Reply(texts=("あ",)), contact=2), now) == "send"
    receipt = outgoing(person.id, Reply(texts=("消しました。",)), seq=3, purpose=Purpose.RECEIPT)
    assert telegram.route(receipt, now) == "send"
