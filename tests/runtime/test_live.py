"""News and bells: whoever listens hears, once is enough, and nobody is left in the list."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.messages import Address, Outgoing, Purpose, Reply
from bot.runtime.live import EVERYTHING, Hub, News
from bot.testing import A_DAY


async def rang(bell: Any) -> bool:
    """Whether it rang already: without waiting for anything to come."""
    return bool(await bell.wait(0.001))


async def test_topics() -> None:
    """A bell rings for its topics and for no other; `*` rings them all."""
    hub = Hub()
    with hub.listen("a") as a, hub.listen("b", "c") as b:
        hub.spread(News({"a"}))
        assert (await rang(a), await rang(b)) == (True, False)
        hub.spread(News({"c", "x"}))
        assert (await rang(a), await rang(b)) == (False, True)
        hub.spread(News({EVERYTHING}))
        assert (await rang(a), await rang(b)) == (True, True)
        hub.spread(News())
        assert (await rang(a), await rang(b)) == (False, False)


async def test_rings_are_kept_as_one() -> None:
    """What rang while nobody waited is heard at the next wait, once."""
    hub = Hub()
    with hub.listen("a") as bell:
        for _ in range(3):
            hub.spread(News({"a"}))
        assert await rang(bell)
        assert not await rang(bell)


async def test_who_waits_is_woken() -> None:
    """A waiting listener hears at once, not at its time limit."""
    hub = Hub()
    with hub.listen("a") as bell:
        waiting = asyncio.ensure_future(bell.wait(60))
        await asyncio.sleep(0)
        hub.spread(News({"a"}))
        async with asyncio.timeout(5):
            assert await waiting


async def test_with_a_pause_the_first_is_heard_at_once_and_the_last_is_never_lost() -> None:
    """However many come, a look at most in each pause; what came within it is told at its end."""
    hub = Hub()
    with hub.listen("a", pause=0.02) as bell:
        hub.spread(News({"a"}))
        assert await rang(bell)
        for _ in range(3):
            hub.spread(News({"a"}))
        assert await bell.wait(5)
        assert not await bell.wait(0.05)


async def test_nobody_stays_in_the_list() -> None:
    """Listeners leave with their context, also after an error; a topic without listeners is forgotten."""
    hub = Hub()
    with hub.listen("a"), pytest.raises(RuntimeError), hub.listen("a", "b"):
        raise RuntimeError
    assert hub._ears == {}
    hub.spread(News({"a"}))


async def test_news_are_merged() -> None:
    """Merged news tell of everything: topics, and sends that may leave."""
    outgoing = Outgoing(
        contact_id="c",
        seq=1,
        address=Address(account="a", key="k"),
        reply=Reply(),
        purpose=Purpose.BOT,
        attempt=1,
        queued_at=A_DAY,
    )
    news = News({"a"})
    news.add("b", "c")
    news.merge(News({"d"}, leaving=[outgoing]))
    assert (news.topics, news.leaving) == ({"a", "b", "c", "d"}, [outgoing])
    sent: list[Outgoing] = []
    hub = Hub()
    hub.spread(news)
    hub.send = sent.append
    hub.spread(news)
    assert sent == [outgoing]
