"""The whole journey over LINE and over Telegram, against platforms that check every request we make.

The fakes validate LINE's calls against its OpenAPI files and Telegram's against the Bot API description, build
their events with the real SDK's models, and record what people received.
"""

from __future__ import annotations

from sqlalchemy import Connection

from bot.store import staff
from bot.store.staff import Member
from tests.acceptance.serving import Serving, on_line, on_telegram, serving

WISH = ("つづける", "ゆっくり", "文字だけ", "送る")


async def a_counselor(house: Serving, name: str) -> Member:
    """A member of staff who answers."""
    operator_id = house.engawa.operator_id

    def add(connection: Connection) -> Member:
        staff.add(connection, operator_id, name, name, "counselor", None)
        found = staff.by_login(connection, operator_id, name)
        assert found is not None
        return found

    return await house.engawa.database.write(add)


async def the_waiting_ticket(house: Serving, member: Member) -> str:
    waiting = await house.engawa.desk.queue(member, "waiting")  # type: ignore[arg-type]
    assert len(waiting) == 1
    return waiting[0].ticket.id


async def test_line(ready_url: str) -> None:
    """Follow, flow, wish, counselor, reply in the same thread, hand-back, flow: all by LINE, mostly for free."""
    async with serving(ready_url) as house:
        line, desk = house.line, house.engawa.desk
        user = line.new_user()
        await line.follows(user)
        await house.until(lambda: line.texts(user))
        await line.taps(user, "家族のこと")
        await house.until(lambda: any("おつかれさまです" in text for text in line.texts(user)))
        await line.taps(user, "人と話したい")
        for label in WISH:
            await house.settled()
            await line.taps(user, label)
        await house.until(lambda: any("渡しました" in text for text in line.texts(user)))
        mizuno = await a_counselor(house, "みずの")
        ticket_id = await the_waiting_ticket(house, mizuno)
        await desk.claim(mizuno, ticket_id)
        await desk.confirm(mizuno, ticket_id)
        await desk.reply(mizuno, ticket_id, "みずのです。読みました。", "1")
        await house.until(lambda: line.texts(user)[-1] == "みずのです。読みました。")
        await line.says(user, "ありがとうございます")
        await house.settled()
        thread = await desk.thread(mizuno, ticket_id)
        assert [line.body.texts for line in thread.lines if line.author == "person"][-1] == (
            "ありがとうございます",
        )
        assert ("進め方", "ゆっくり") in thread.ticket.wishes
        before = len(line.texts(user))
        await desk.hand_back(mizuno, ticket_id)
        await house.until(lambda: any("案内にもどりました" in text for text in line.texts(user)[before:]))
        await line.says(user, "家族")
        await house.until(lambda: "おつかれさまです" in "".join(line.texts(user)[before + 1 :]))
        await house.settled()
        assert {row.state for row in await house.sent_rows(on_line(user))} == {"sent"}
        pushed = [row.via for row in await house.sent_rows(on_line(user))].count("push")
        assert pushed == 1  # the first words of the counselor; the thanks brought a token for the hand-back


async def test_telegram(ready_url: str) -> None:
    """The same by Telegram: every tap's progress mark is answered, and no name is kept anywhere we look."""
    async with serving(ready_url) as house:
        telegram, desk = house.telegram, house.engawa.desk
        person = telegram.new_person()
        await telegram.starts(person)
        await house.until(lambda: telegram.texts(person.id))
        await telegram.taps(person, "家族のこと")
        await house.until(lambda: "おつかれさまです" in telegram.texts(person.id)[-1])
        await telegram.taps(person, "人と話したい")
        for label in WISH:
            await house.settled()
            await telegram.taps(person, label)
        await house.until(lambda: "渡しました" in telegram.texts(person.id)[-1])
        mizuno = await a_counselor(house, "みずの")
        ticket_id = await the_waiting_ticket(house, mizuno)
        await desk.claim(mizuno, ticket_id)
        await desk.confirm(mizuno, ticket_id)
        await desk.reply(mizuno, ticket_id, "みずのです。読みました。", "1")
        await house.until(lambda: telegram.texts(person.id)[-1] == "みずのです。読みました。")
        await telegram.says(person, "ありがとうございます")
        await house.settled()
        thread = await desk.thread(mizuno, ticket_id)
        assert thread.lines[-1].body.texts == ("ありがとうございます",)
        assert not any(part in thread.nickname for part in person.identity)
        await desk.hand_back(mizuno, ticket_id)
        await house.until(lambda: "案内にもどりました" in telegram.texts(person.id)[-1])
        await telegram.says(person, "家族")
        await house.until(lambda: "おつかれさまです" in telegram.texts(person.id)[-1])
        await house.settled()
        assert {row.state for row in await house.sent_rows(on_telegram(person.id))} == {"sent"}
        await house.until(lambda: all(telegram.queries.values()))


async def test_erased_by_line_and_telegram(ready_url: str) -> None:
    """「消す」 erases at once and says so once, on the platform it was asked on."""
    async with serving(ready_url) as house:
        user, person = house.line.new_user(), house.telegram.new_person()
        await house.line.says(user, "わたしの記録を消す")
        await house.telegram.says(person, "わたしの記録を消す")
        await house.until(lambda: house.line.texts(user) and house.telegram.texts(person.id))
        await house.line.taps(user, "消す")
        await house.telegram.taps(person, "消す")
        await house.until(lambda: house.line.texts(user)[-1].startswith("消しました。"))
        await house.until(lambda: house.telegram.texts(person.id)[-1].startswith("消しました。"))
        stored = await house.stored()
        assert {name: count for name, count in stored.items() if count and name != "dedupe"} == {}
