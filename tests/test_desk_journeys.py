"""Journeys through the service interfaces: people at a channel, counselors at the desk; what must never be, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from admin.views import writing
from admin.words import words
from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.handoff.desk import Desk
from bot.handoff.hours import TOKYO
from bot.handoff.notes import Note, NoteKind, Source
from bot.handoff.risk import Level
from bot.handoff.routing import Why
from bot.handoff.ticket import Reason, Status
from bot.messages import Kind
from bot.runtime.live import ERASED
from bot.store import audit, duties
from bot.store.schema import debriefs
from bot.store.staff import Member
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import everything
from tests.town import Town

HOURS = [{"days": "月火水木金", "opens": "10:00", "closes": "18:00"}]
EVENING = datetime(2026, 11, 19, 22, 40, tzinfo=TOKYO)  # Thursday
PUSHING = (
    "早め",
    "いますぐ",
    "ぜひ",
    "必ず",
    "がんば",
    "お待ちして",
    "自立",
    "就職",
    "何歳",
    "何年",
    "どうして",
    "迷惑",
)


@pytest.fixture
async def town(ready_url: str) -> AsyncIterator[Town]:
    channel, clock = FakeChannel(), FakeClock(EVENING)
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        house = Town(engawa=engawa, channel=channel, clock=clock)
        await house.publish(
            ("desk", {"id": "main", "name": "相談の窓口", "shifts": HOURS, "year_end": "none", "peers": True})
        )
        yield house


@pytest.fixture
def desk(town: Town) -> Desk:
    return town.engawa.desk


def never(town: Town, person: str, *words: str) -> None:
    """None of these words came to the person, and nothing came that pushes."""
    for text in town.channel.texts(person):
        assert not [word for word in (*PUSHING, *words) if word in text], text


async def test_c01_a_mother_in_the_evening(town: Town, desk: Desk) -> None:
    """R-047, R-070: real hours before the handoff, and the desk of the next morning sees a family's request."""
    await town.says("mother", "はじめ")
    await town.tap("mother", "家族のこと")
    await town.says("mother", "息子が20年家にいます。わたしが死んだらどうなるのかと思うと眠れません")
    await town.tap("mother", "人と話したい")
    said = town.channel.texts("mother")
    assert any("いまは人が見ていません。つぎに読むのは 11月20日 10時ごろです。" in text for text in said)
    await town.tap("mother", "このまま渡す")
    told = "返事の見込みは 11月20日 10時から10時30分のあいだ です。"
    assert any(told in text for text in town.channel.texts("mother"))
    ticket = await town.ticket("mother")
    assert ticket.promised_at == datetime(2026, 11, 20, 10, 30, tzinfo=TOKYO)
    assert ticket.status is Status.WAITING
    town.later(hours=11, minutes=45)
    await town.engawa.boards.look()
    counselor = await town.member()
    assert await desk.next_for(counselor) is not None
    assert (await town.ticket("mother")).keeper == counselor.staff_id
    never(town, "mother", "育て", "期間", "お名前", "息子さん")


async def test_c02_the_note_at_the_door(town: Town, desk: Desk) -> None:
    """R-011, R-029, R-030, R-033: nothing for nine days; preferences pinned, and seen before the first words."""
    await town.engawa.ingress.accept([town.channel.heard("u", kind=Kind.JOINED, at=town.clock.now())])
    await town.settle()
    before = len(town.channel.arrived)
    town.later(days=9)
    await town.engawa.clockwork.wake()
    await town.settle()
    assert len(town.channel.arrived) == before
    await town.says("u", "部屋を見られるのがいやです。ほかの場所ならいいかもしれない")
    await town.tap("u", "人に渡す", "つづける", "質問は少なめ", "文字だけ")
    shown = town.channel.texts("u")[-2]
    await town.tap("u", "送る")
    ticket, counselor = await town.ticket("u"), await town.member()
    assert all(f"{label}：{wish}" in shown for label, wish in ticket.wishes)
    await desk.claim(counselor, ticket.id)
    thread = await desk.thread(counselor, ticket.id)
    assert thread.must_confirm
    assert [line.body.texts[0] for line in thread.handed] == [
        "部屋を見られるのがいやです。ほかの場所ならいいかもしれない"
    ]
    with pytest.raises(NotAllowed):
        await desk.reply(
            counselor, ticket.id, "公園でも文字のままでも。前の日でも当日でもやめて大丈夫です。", "1"
        )
    await desk.confirm(counselor, ticket.id)
    # More than one question is remarked on while it is written. It is no block: whoever writes decides.
    english, released = words("en"), town.engawa.library.at_hand
    assert released is not None
    checked = released.latest.words
    [remark] = writing.remarks(english, checked, "公園ならいいですか。いつごろならいいですか。")
    assert remark.said == "There are 2 questions. One at a time is easier to answer."
    assert not writing.remarks(english, checked, "公園ならいいですか。")
    await desk.reply(
        counselor, ticket.id, "公園でも文字のままでも。前の日でも当日でもやめて大丈夫です。", "1"
    )
    town.later(days=3)
    with pytest.raises(NotAllowed):  # it stays at one
        await desk.reply(counselor, ticket.id, "いかがですか", "2")
    never(town, "u", "いつから")


async def test_c04_a_peer_instead_of_an_officer(town: Town, desk: Desk) -> None:
    """R-089, R-090, R-102, R-112: a peer and nobody else takes it; the officer is refused, and learns no words."""
    await town.says("u", "役所の人とは話したくない。同じような経験の人なら")
    await town.tap("u", "人に渡す", "つづける", "経験のある人と", "とくにない", "送る")
    officer = await town.on_desks("officer", "*")
    peer = await town.on_desks("peer", "*", peer=True)
    lead = await town.on_desks("lead", "*", role="lead", peer=True)
    ticket = await town.ticket("u")
    assert ticket.peer
    assert await desk.next_for(officer) is None
    found = await desk.next_for(peer)
    assert found == (ticket.id, Why.WAIT)
    await desk.confirm(peer, ticket.id)
    await desk.reply(peer, ticket.id, "待つのは平気です。返事はいつでも。", "1")
    await town.says("u", "ゲームの話なら")
    await town.settle()
    with pytest.raises(NotFound):  # an officer is no peer: not even by passing on
        await desk.pass_on(peer, ticket.id, officer.staff_id, "paperwork")
    await town.says("u", "うるさい。その人はいい")
    await town.settle()
    await desk.refuse(peer, ticket.id, officer.staff_id)
    kept = await town.ticket("u")
    assert (kept.keeper, kept.refused) == (peer.staff_id, (officer.staff_id,))
    for deed in (desk.thread(officer, ticket.id), desk.claim(officer, ticket.id)):
        with pytest.raises((NotFound, Conflict)) as told:
            await deed
        assert "うるさい" not in str(told.value)
    await desk.reply(peer, ticket.id, "わかりました。ここにいます。", "2")
    await desk.pass_on(peer, ticket.id, lead.staff_id, "a day off")
    await town.settle()
    assert "leadさん が書きます" in town.channel.texts("u")[-1]
    never(town, "u", "なぜ", "わけを教", "言いすぎ")


async def test_c06_a_care_manager_and_a_son(town: Town, desk: Desk) -> None:
    """R-065, R-066, R-076: a consultation without names; what others report is no consent; a guess stays here."""
    await town.publish(("desk", {"id": "south", "name": "南の窓口"}))
    counselor = await town.on_desks("c", "main")
    await town.says("cm", "ケアマネ")
    await town.tap("cm", "福祉や医療の仕事", "名前を出さず相談", "このまま渡す")
    ticket = await town.ticket("cm")
    assert ticket.reason is Reason.SUPPORTER
    await desk.claim(counselor, ticket.id)
    now = town.clock.now()
    consent = Note(
        kind=NoteKind.CONSENT, text="本人は別にいいと言っている", by="", at=now, source=Source.SUPPORTER
    )
    with pytest.raises(BadInput):
        await desk.note(counselor, ticket.id, consent)
    guess = await desk.note(counselor, ticket.id, Note(kind=NoteKind.GUESS, text="父が心配", by="", at=now))
    with pytest.raises(NotAllowed):
        await desk.send_on(counselor, ticket.id, guess.number, "no consent")
    page = await desk.hand_over_page(counselor, ticket.id)
    assert "父が心配" not in str(page)
    assert (await town.ticket("cm")).desk_id == ticket.desk_id
    assert len(await town.rows(_contacts())) == 1  # nobody was made of the son
    await a_name_by_mistake(town, desk, counselor, ticket.id)
    never(town, "cm", "息子", "お名前を", "健一")


async def a_name_by_mistake(town: Town, desk: Desk, counselor: Member, ticket: str) -> None:
    """R-062, R-074: who has the conversation hides it, the person is told once, and no cell holds it any more."""
    await town.says("cm", "息子の 健一 さんは50代です。ｹﾝｲﾁとよばれ、健\u200b一 が本名です")
    await town.settle()
    lines = (await desk.thread(counselor, ticket)).lines
    assert "健一" in await town.opened()
    other = await town.on_desks("other", "main")
    lead = await town.on_desks("lead", "*", role="lead")
    seq = lines[-1].seq
    for member, refused in ((other, NotFound), (lead, NotAllowed)):
        with pytest.raises(refused):
            await desk.hide(member, ticket, seq, "健一")
    for wrong, place, why in (
        *(("健二", seq, "stand in this message"), (" ", seq, "Nothing is written")),
        *(("さん", lines[0].seq, "stand in this message"), ("健一", seq + 9, "stand in this message")),
    ):
        with pytest.raises(BadInput, match=why):
            await desk.hide(counselor, ticket, place, wrong)
    with pytest.raises(NotFound):  # nobody looks for words in what was not handed over
        await desk.hide(counselor, ticket, 1, "ケアマネ")
    assert (await desk.thread(counselor, ticket)).lines == lines
    count = len(town.channel.texts("cm"))
    with town.engawa.hub.listen(ERASED) as bell:
        await desk.hide(counselor, ticket, seq, "健一")
        assert await bell.wait(1)
    await desk.hide(counselor, ticket, seq, "ケンイチ")
    await town.settle()
    assert town.channel.texts("cm")[count:] == ["お名前などがあったので、こちらでは見えないようにしました。"]
    shown = next(line for line in (await desk.thread(counselor, ticket)).lines if line.seq == seq)
    assert shown.body.texts == ("息子の ○○ さんは50代です。○○とよばれ、○○ が本名です",)
    after = await town.opened()
    assert not [word for word in ("健一", "ｹﾝｲﾁ", "健\u200b一") if word in after]
    noted = await town.engawa.database.read(audit.entries, town.engawa.operator_id, action="hide")
    assert {(one.login, one.ticket_id) for one in noted} == {(who, ticket) for who in ("c", "other", "lead")}


async def test_c07_after_a_death_at_three_in_the_morning(town: Town, desk: Desk) -> None:
    """R-034, R-070, R-083: no advice, the truth that nobody reads; next day a person; weeks later the same one."""
    town.clock.move(timedelta(hours=4, minutes=30))
    await town.says("son", "母が死にました。なにもかも母がやっていました")
    await town.settle()
    first = town.channel.texts("son")
    assert any("受け取りました" in text for text in first)
    await town.tap("son", "人に渡す")
    assert any("いまは人が見ていません。" in text for text in town.channel.texts("son"))
    await town.tap("son", "このまま渡す")
    never(town, "son", "お金", "親なきあと", "しごと", "手続き")
    counselor = await town.member()
    town.later(hours=8)
    ticket = await town.ticket("son")
    await desk.claim(counselor, ticket.id)
    await desk.reply(counselor, ticket.id, "お母さまのこと、ことばがありません。ここにいます。", "1")
    await town.says("son", "はい")
    await town.settle()
    await desk.hand_back(counselor, ticket.id)
    await town.settle()
    town.later(days=30)
    await town.says("son", "人と話したい")
    await town.tap("son", "このまま渡す")
    again = await town.ticket("son")
    assert (again.id, again.assignee, again.status) == (ticket.id, counselor.staff_id, Status.WAITING)
    assert await desk.next_for(counselor) == (ticket.id, Why.KNOWN)


async def test_c09_words_after_long_silence_and_care_of_the_helper(town: Town, desk: Desk) -> None:
    """R-078, R-080, R-106, R-107, R-110: the card, a stand-in, a colleague's eye without the words, a debrief apart."""
    counselor, lead = await town.member("c"), await town.member("lead", "lead")
    colleague = await town.member("colleague")
    await town.says("u", "もう死にたい。生きていても迷惑なだけです")
    await town.settle()
    ticket = await town.ticket("u")
    assert ticket.priority >= Level.HIGH
    assert await desk.next_for(counselor) == (ticket.id, Why.LEVEL)
    await desk.stand_in(counselor, ticket.id, colleague.staff_id)
    with pytest.raises(BadInput):  # the person's words go to nobody, not even in a question
        await desk.consult(
            counselor, ticket.id, colleague.staff_id, "「生きていても迷惑なだけです」にどう返す?"
        )
    await desk.consult(counselor, ticket.id, colleague.staff_id, "どう返すか、いっしょに考えてほしい")
    [asked] = await desk.consults(colleague)
    assert (asked.level, asked.by, asked.question) == (
        ticket.priority,
        "cさん",
        "どう返すか、いっしょに考えてほしい",
    )
    with pytest.raises(NotFound):  # nobody else was asked
        await desk.advise(lead, ticket.id, asked.number, "x")
    await desk.advise(colleague, ticket.id, asked.number, "そのまま受け取るだけで十分だと思います")
    assert await desk.consults(colleague) == []
    [said] = [note for note in await desk.notes(counselor, ticket.id) if note.kind is NoteKind.CONSULT]
    assert (said.second, said.second_text) == (colleague.staff_id, "そのまま受け取るだけで十分だと思います")
    assert "どう返すか" not in str(await desk.hand_over_page(counselor, ticket.id))
    assert (await desk.thread(lead, ticket.id)).ticket.id == ticket.id
    await desk.reply(counselor, ticket.id, "書いてくださって、ありがとうございます。読んでいます。", "1")
    await desk.hand_back(counselor, ticket.id)
    await town.settle()
    [debrief] = await desk.debriefs(lead)
    assert debrief.staff_id == counselor.staff_id
    assert await town.rows(debriefs.select()) != []
    contact = await town.contact("u")
    rows = (await everything(town))["debriefs"]
    assert contact not in {cell for row in rows for cell in row}
    await town.asks("other")
    assert await desk.next_for(counselor) is None  # she rests
    never_staff = town.channel.texts("u")
    assert not [text for text in never_staff if "迷惑なんて" in text or "がんば" in text]


async def test_c12_parents_and_daughter_want_different_things(town: Town, desk: Desk) -> None:
    """R-048, R-049, R-050, R-088: whose words a wish is stays with it; two threads, never beside each other."""
    mother_desk, daughter_desk = await town.member("m"), await town.member("d")
    mother, daughter = await town.asks("mother"), await town.asks("daughter")
    await desk.claim(mother_desk, mother.id)
    await desk.claim(daughter_desk, daughter.id)
    now = town.clock.now()

    def wish(text: str, source: Source | None) -> Note:
        return Note(kind=NoteKind.WISH, text=text, by="", at=now, source=source)

    with pytest.raises(BadInput):
        await desk.note(mother_desk, mother.id, wish("訓練の場所に行ってほしい", None))
    await desk.note(mother_desk, mother.id, wish("訓練の場所に行ってほしい", Source.FAMILY))
    await desk.note(mother_desk, mother.id, wish("行きたいと言っている", Source.FAMILY_QUOTING))
    await desk.note(daughter_desk, daughter.id, wish("しばらく何もしたくない", Source.PERSON))
    page = await desk.hand_over_page(mother_desk, mother.id)
    assert dict(page["wishes"])[Source.FAMILY_QUOTING] == "行きたいと言っている"
    assert Source.PERSON not in dict(page["wishes"])
    assert "しばらく何もしたくない" not in str(page)
    for foreign, ticket in ((mother_desk, daughter), (daughter_desk, mother)):
        with pytest.raises(NotFound):
            await desk.notes(foreign, ticket.id)
    await desk.note(daughter_desk, daughter.id, wish("絵のことなら", Source.PERSON))
    await desk.note(daughter_desk, daughter.id, wish("外に出てほしい", Source.FAMILY))
    held = [(note.text, note.is_open) for note in await desk.notes(daughter_desk, daughter.id)]
    assert held == [("絵のことなら", True), ("外に出てほしい", True), ("しばらく何もしたくない", False)]


async def test_c18_not_told_to_the_family(town: Town, desk: Desk) -> None:
    """R-008, R-030, R-072: the name they chose and 親に言わない are pinned; no platform name, no id is there."""
    await town.says("display-name-of-the-platform", "はじめ")
    person = "display-name-of-the-platform"
    await town.tap(person, "人と話したい", "つづける", "聞くだけがいい", "家族に言わない", "送る")
    ticket, counselor = await town.ticket(person), await town.member()
    await desk.claim(counselor, ticket.id)
    thread = await desk.thread(counselor, ticket.id)
    assert ("気をつけること", "家族に言わない") in thread.ticket.wishes
    assert thread.must_confirm
    assert person not in repr(thread)
    assert "display" not in thread.nickname
    never(town, person, "性別", "男", "女性ですか", "お名前")


async def test_who_is_on_duty_is_what_is_told(town: Town) -> None:
    """Somebody in the shift table on a Sunday: that is told, and the promise is theirs to keep (R-070)."""
    member = await town.member()
    sunday = datetime(2026, 11, 22, 13, tzinfo=TOKYO)
    town.clock.move(datetime(2026, 11, 21, 12, tzinfo=TOKYO) - town.clock.now())
    await town.engawa.database.write(duties.add, member.staff_id, sunday, sunday + timedelta(hours=3))
    await town.engawa.boards.look()
    ticket = await town.asks("u")
    assert any("つぎに読むのは 11月22日 13時ごろです。" in text for text in town.channel.texts("u"))
    assert ticket.promised_at == sunday + timedelta(minutes=30)


def _contacts() -> object:
    from bot.store.schema import contacts

    return contacts.select()
