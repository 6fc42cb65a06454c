"""What happens on LINE beside words: stickers, pictures, groups, blocking, taking back, and a month that is used up."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.channels.line.quota import LEAST_RESERVE, RECHECK
from bot.handoff.ticket import Status
from bot.messages import HINT_FRESH
from bot.testing import FakeClock
from tests.acceptance.serving import Serving, on_line, serving
from tests.acceptance.test_platform_journeys import a_counselor
from tests.channels.test_line_setup import NEVER
from tests.platforms import refuse

MONTHLY = "You have reached your monthly limit."


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[Serving]:
    async with serving(ready_url, clock=FakeClock()) as running:
        yield running
        assert not [c.path for c in running.line.calls if any(part in c.path for part in NEVER)]


async def test_a_sticker_says_its_word(house: Serving) -> None:
    """つらい by a picture opens what つらい by words opens; one that says nothing we know is received gently."""
    line = house.line
    user, other, third = line.new_user(), line.new_user(), line.new_user()
    await line.says(user, "つらい")
    await line.deliver(line.sticker(other, keywords=("miserable", "suffering", "cat")))
    await line.deliver(line.sticker(third, keywords=("cat", "whiskers")))
    await house.settled()
    assert line.texts(other) == line.texts(user)
    assert line.texts(third)[0].startswith("スタンプを受け取りました")
    thread = await house.thread(on_line(other))
    assert thread[0].body.texts == ("つらい",)


async def test_what_is_not_opened_is_answered_gently(house: Serving) -> None:
    """Pictures, voices, films, files and places: 文字で大丈夫です, and nothing is fetched."""
    line = house.line
    for make in (line.image, line.video, line.audio, line.file, line.location, line.unknown_message):
        user = line.new_user()
        await line.deliver(make(user))
        await house.settled()
        assert line.texts(user)[0].startswith("文字で大丈夫です")
        [heard] = [one for one in await house.thread(on_line(user)) if one.author == "person"]
        assert heard.body.texts == ()
    assert {call.name for call in line.calls} == {"reply"}


async def test_a_group_is_left_with_one_line(house: Serving) -> None:
    """Said once, for free, then out; nobody in it is stored. What happens there later only has us leave again."""
    line = house.line
    group, user = line.new_group(), line.new_user()
    await line.deliver(line.join(group))
    await line.until(lambda: line.left == [group])
    [said] = line.texts(group)
    assert said.startswith("ここは、ひとりで使う場所です")
    assert [one.via for one in line.delivered.all] == ["reply"]
    await house.until(lambda: not house.engawa.channels["line"]._leaving)  # type: ignore[attr-defined]
    await line.deliver(line.in_group(line.text(user, "みんなへ"), group), line.member_joined(group, user))
    await line.until(lambda: len([call for call in line.calls if call.path.endswith("/leave")]) == 2)
    assert len(line.texts(group)) == 1
    assert set((await house.stored()).values()) == {0}


async def test_a_group_that_cannot_be_left_yet(house: Serving) -> None:
    """LINE is down at that moment: the next thing that happens there has us leave; the webhook is 200 all the same."""
    line = house.line
    group = line.new_group()
    line.faults.add(refuse(500), refuse(500))
    assert (await line.post(line.join(group))).status == 200
    await line.until(lambda: not line.faults.waiting and all(call.status for call in line.calls))
    await house.until(lambda: not house.engawa.channels["line"]._leaving)  # type: ignore[attr-defined]
    assert line.left == []
    await line.deliver(line.in_group(line.text(line.new_user(), "みんなへ"), group))
    await line.until(lambda: line.left == [group])


async def test_events_about_nobody_are_taken_and_kept_nowhere(house: Serving) -> None:
    """Links, beacons, memberships, standby mode: 200, no answer, no row."""
    line = house.line
    user, group = line.new_user(), line.new_group()
    every = line.every_kind(user, group)
    quiet = ["account_link", "account_link_failed", "standby", "leave"]
    quiet += [event["type"] for event in line.others(user)]
    for name in quiet:
        assert (await line.post(every[name])).status == 200
    await line.post()  # the verify button brings none at all
    await house.settled()
    assert line.calls == []
    assert set((await house.stored()).values()) == {0}


async def test_who_blocks_us_keeps_an_open_ticket(house: Serving) -> None:
    """Unfollow: nothing more is sent, the ticket stays and shows it; following again opens the way."""
    line, desk = house.line, house.engawa.desk
    counselor, user = await a_counselor(house, "みずの"), line.new_user()
    await line.says(user, "死にたい")
    await house.settled()
    await line.blocks(user)
    await house.settled()
    [waiting] = await desk.queue(counselor, Status.WAITING)
    await desk.claim(counselor, waiting.ticket.id)
    before = len(line.calls)
    await desk.reply(counselor, waiting.ticket.id, "読みました。", "1")
    await house.settled()
    assert len(line.calls) == before
    assert not (await desk.thread(counselor, waiting.ticket.id)).reachable
    await line.follows(user, unblocked=True)
    await desk.reply(counselor, waiting.ticket.id, "また書けます。", "2")
    await house.settled()
    assert line.texts(user)[-1] == "また書けます。"


async def test_a_month_that_is_used_up(house: Serving) -> None:
    """The guide's push waits and says why; an answer that is free goes at once and takes its place."""
    line = house.line
    line.quota = line.consumed = 0
    user = line.new_user()
    event = line.text(user, "さがす")
    house.pass_time(25 * 60)  # LINE brings it late: its token is no good any more
    await line.deliver(event)

    async def waits() -> bool:
        rows = await house.sent_rows(on_line(user))
        return rows[-1].state == "queued" and rows[-1].error_code == "quota"

    await house.until(waits)
    before = len(line.texts(user))
    await line.says(user, "家族")
    await house.until(lambda: len(line.texts(user)) > before)
    await house.settled()
    rows = await house.sent_rows(on_line(user))
    assert [(row.state, row.error_code) for row in rows[-2:]] == [("cancelled", "stale"), ("sent", None)]
    assert "ここまで支えてこられた" in "".join(line.texts(user)[before:])
    assert not any("どこから見ますか" in text for text in line.texts(user))


async def test_what_cannot_wait_goes_while_little_is_left(house: Serving) -> None:
    """With few pushes left a counselor's words leave; the guide's wait, and leave when there is more."""
    line, desk = house.line, house.engawa.desk
    counselor, user = await a_counselor(house, "みずの"), line.new_user()
    line.quota, line.consumed = 200, 200 - LEAST_RESERVE
    await line.says(user, "死にたい")
    await house.settled()
    [waiting] = await desk.queue(counselor, Status.WAITING)
    await desk.claim(counselor, waiting.ticket.id)
    house.pass_time(HINT_FRESH.total_seconds())
    await desk.reply(counselor, waiting.ticket.id, "読みました。", "1")
    await house.settled()
    assert line.delivered.all[-1].via == "push"
    await house.until(lambda: house.engawa.channels["line"]._quota._known)  # type: ignore[attr-defined]
    await desk.hand_back(counselor, waiting.ticket.id)

    async def held() -> bool:
        return (await house.sent_rows(on_line(user)))[-1].error_code == "quota_low"

    await house.until(held)
    line.quota = 1_000
    house.pass_time(RECHECK.total_seconds())  # looked at again; LINE is asked meanwhile
    await house.until(
        lambda: house.engawa.channels["line"]._quota._known.limit == 1_000  # type: ignore[attr-defined]
    )
    house.pass_time(RECHECK.total_seconds())
    await house.settled()
    assert "案内にもどりました" in "".join(line.texts(user))


async def test_a_spent_month_is_told_by_its_words(house: Serving) -> None:
    """429 with LINE's words for it: the row waits with its own reason, and is not tried every minute."""
    line = house.line
    user = line.new_user()
    event = line.text(user, "さがす")
    house.pass_time(25 * 60)
    line.faults.add(refuse(429, message=MONTHLY), call="push")
    await line.deliver(event)

    async def waits() -> bool:
        [row] = await house.sent_rows(on_line(user))
        return row.state == "queued" and row.error_code == "quota"

    await house.until(waits)
    house.pass_time(60)
    await house.until(waits)
    assert len([call for call in line.calls if call.name == "push"]) == 1
    house.pass_time(RECHECK.total_seconds())
    await house.settled()
    assert "どこから見ますか" in "".join(line.texts(user))
