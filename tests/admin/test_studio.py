"""The content studio in a browser without a script: write, be told, review, publish, go back."""

from __future__ import annotations

import asyncio
import re

import pytest

from bot.content.archive import unzipped
from bot.content.export import body_of, documents_from, plain, text_of
from bot.handoff.risk import Level
from bot.store import content, staff
from tests.admin.conftest import Browser, House
from tests.content.test_rehearsal import alone

REVISION = re.compile(r'name="revision" value="(\d+)"')
PLACE = "/admin/studio/documents/resource/kita"
FORM = {
    "name": "きたの部屋",
    "kind": "ibasho",
    "prefecture": "宮城県",
    "municipality": "仙台市",
    "summary": "ひとりで過ごせる部屋です。",
    "senses.silence_is_fine": "yes",
    "audience=self": "1",
    "residence.rule": "anyone",
    "agreement": "agreed",
    "status": "active",
    "source.title": "市の資料",
    "source.seen_in_source": "2026年11月",
    "schedule.kind": "exact",
    "schedule.words": "毎月第2・第4土曜",
    "schedule.begins": "13:00",
    "schedule.ends": "15:00",
    "schedule.on_holiday": "skipped",
}


def revision(browser: Browser) -> str:
    found = REVISION.search(browser.page)
    assert found, browser.text
    return found[1]


async def save(browser: Browser, path: str, **fields: str) -> None:
    await browser.get(path)
    await browser.post(path, {"revision": revision(browser), **fields})


async def propose(browser: Browser, path: str) -> None:
    await browser.get(path)
    await browser.post(f"{path}/propose", {"revision": revision(browser)})
    assert browser.status == 200


@pytest.fixture
async def editor(house: House) -> Browser:
    return await house.signed_in("tanabe", "たなべ", "editor")


@pytest.fixture
async def reviewer(house: House) -> Browser:
    return await house.signed_in("sakurai", "さくらい", "reviewer")


async def test_a_place_from_nothing_to_public(house: House, editor: Browser, reviewer: Browser) -> None:
    """Begun, filled in, told what is missing and which dates it gives; reviewed, published, found by people."""
    await editor.get("/admin/studio")
    await editor.post("/admin/studio/new", {"kind": "resource", "name": "kita"})
    assert "直す所" in editor.text
    await editor.post(PLACE, {"revision": revision(editor), **FORM})
    assert "第2土曜・第4土曜" in editor.text
    assert "12月12日（土）" in editor.text
    assert "建国記念" not in editor.text
    assert "直す所" not in editor.text
    await propose(editor, PLACE)
    await editor.get("/admin/studio/publish")
    assert 'disabled aria-describedby="wy"' in editor.page
    await reviewer.get("/admin/studio/publish")
    assert "「きたの部屋」を足しました" in reviewer.text
    await reviewer.post("/admin/studio/publish", {"note": "きたの部屋", "when": "now"})
    assert "第2版" in reviewer.text
    released = await house.engawa.database.read(house.engawa.library.released)
    place = released.latest.resources["kita"]
    assert place.senses.silence_is_fine is True
    assert place.senses.introduction is None
    assert place.schedule is not None
    assert place.schedule.rrule == "FREQ=MONTHLY;BYDAY=2SA,4SA"


async def test_two_editors_lose_nothing(house: House, editor: Browser) -> None:
    """Who is second sees what both changed, and keeps their words by one press."""
    other = await house.signed_in("oono", "おおの", "editor")
    path = "/admin/studio/documents/article/first"
    await editor.post("/admin/studio/new", {"kind": "article", "name": "first"})
    await editor.get(path)
    await other.get(path)
    stale = revision(other)
    await editor.post(path, {"revision": revision(editor), "title": "あさ", "pages": "あさの話です。"})
    await other.post(path, {"revision": stale, "title": "よる", "pages": "よるの話です。"})
    assert other.status == 409
    assert "たなべ さんも書きかえています" in other.text
    assert "よる" in other.text
    assert "あさ" in other.text
    await other.post(
        path, {"revision": revision(other), "body": "id: first\ntitle: よる\npages: [よるの話です。]\n"}
    )
    assert other.status == 200
    await editor.get(path)
    assert 'value="よる"' in editor.page
    quiet = await other.post(path, {"revision": stale, "title": "x"}, {"X-Fragment": "1"})
    assert quiet.status == 409


async def test_texts_one_at_a_time(editor: Browser) -> None:
    """One named text is looked for and changed; the others stay."""
    path = "/admin/studio/documents/texts/texts"
    await editor.get(f"{path}?q=later")
    await editor.post(
        path,
        {
            "revision": revision(editor),
            "key": "later",
            "bubbles": "ここにあります。\n\nまた。",
            "back": "?q=later",
        },
    )
    assert "ここにあります。" in editor.text
    await editor.post(path, {"revision": revision(editor), "key": "nothing", "bubbles": "x"})
    assert editor.status == 400
    await propose(editor, path)
    await editor.get("/admin/studio/publish")
    assert "「later」の文を変えました" in editor.text


async def test_a_hotline_waits_for_a_second_person(house: House, reviewer: Browser) -> None:
    """Who wrote it cannot press; another reviewer can, and then it is published."""
    path = "/admin/studio/documents/hotline/kita-line"
    await reviewer.get("/admin/studio")
    await reviewer.post("/admin/studio/new", {"kind": "hotline", "name": "kita-line"})
    fields = {
        "name": "きたの電話",
        "number": "000",
        "about": "見本です。",
        "hours": "昼",
        "checked_until": "2027-03-31",
    }
    await save(reviewer, path, **fields)
    await propose(reviewer, path)
    await reviewer.get("/admin/studio/publish")
    assert "もう一人の確認がいります" in reviewer.text
    assert f"{path}/approve" not in reviewer.page
    await reviewer.post("/admin/studio/publish", {"when": "now"})
    assert (reviewer.status, "公開していません" in reviewer.text) == (409, True)
    await reviewer.post(f"{path}/approve", {"revision": "2"})
    assert reviewer.status == 403
    other = await house.signed_in("mori", "もり", "reviewer")
    await other.get("/admin/studio/publish")
    assert f"{path}/approve" in other.page
    await other.post(f"{path}/approve", {"revision": revision(other), "back": "publish"})
    await other.post("/admin/studio/publish", {"when": "now"})
    assert "第2版" in other.text


async def test_back_in_two_presses(house: House, reviewer: Browser) -> None:
    """A link, what would change, a button; and a plan is set and called off."""
    path = "/admin/studio/documents/texts/texts"
    await save(reviewer, path, key="later", bubbles="ここにあります。")
    await propose(reviewer, path)
    await reviewer.get("/admin/studio/publish")
    await reviewer.post("/admin/studio/publish", {"when": "later", "at": "2026-11-22T09:00"})
    assert "決めてある時刻" in reviewer.text
    await reviewer.post("/admin/studio/publish/call-off")
    assert "決めてある時刻" not in reviewer.text
    for wrong in ("", "x", "2026-11-22T09:00+09:00", "2020-01-01T00:00"):
        await reviewer.get("/admin/studio/publish")
        await reviewer.post("/admin/studio/publish", {"when": "later", "at": wrong})
        assert reviewer.status == 400, wrong
    await reviewer.get("/admin/studio/publish")
    await reviewer.post("/admin/studio/publish", {"when": "now"})
    await reviewer.get("/admin/studio/releases/1")
    assert "もどすと変わる所" in reviewer.text
    await reviewer.post("/admin/studio/releases/1/back")
    assert "第3版" in reviewer.text
    await reviewer.get(f"{path}/history")
    assert "第2版" in reviewer.text


@pytest.mark.parametrize(
    "path",
    [
        *("/admin/studio?q=%E5%AE%B6&kind=flow&state=issues", "/admin/studio?kind=nothing"),
        *("/admin/studio/documents/flow/F-MONEY", "/admin/studio/documents/desk/main?raw=1"),
        *("/admin/studio/documents/hotline/119", "/admin/studio/documents/borders/x"),
        *("/admin/studio/documents/nothing/x", "/admin/studio/releases/0", "/admin/studio/releases/x"),
        "/admin/studio/releases/999999999999",
    ],
)
async def test_no_page_breaks(editor: Browser, path: str) -> None:
    """Whatever is asked for is a page or a plain no."""
    await editor.get(path)
    assert editor.status in (200, 404), editor.text


@pytest.mark.parametrize("role", ["counselor", "lead"])
async def test_only_editors_and_reviewers(house: House, role: str) -> None:
    """Everybody else is told no, by every page."""
    browser = await house.signed_in("mizuno", "みずの", role)
    for path in ("", "/publish", "/releases", "/releases/1", "/documents/flow/F-MONEY"):
        await browser.get(f"/admin/studio{path}")
        assert browser.status == 403, path
    await browser.post("/admin/studio/publish", {"when": "now"})
    assert browser.status == 403


async def test_a_release_is_taken_away_as_files(house: House, editor: Browser) -> None:
    """The zip holds exactly the release; one that is not there is told."""
    await editor.get("/admin/studio/releases/1")
    response = await editor.post("/admin/studio/releases/1/export", {})
    assert response.headers["Content-Disposition"] == 'attachment; filename="engawa-content-1.zip"'
    found = documents_from(unzipped(response._body or b""))
    engawa = house.engawa
    kept = await engawa.database.read(content.documents, engawa.operator_id, 1)
    assert [(one.kind, one.name, plain(one.body)) for one in found] == kept
    await editor.get("/admin/studio/releases/1")
    await editor.post("/admin/studio/releases/7/export", {})
    assert editor.status == 404


async def test_drafted_rules_beside_the_public_ones(house: House, editor: Browser) -> None:
    """Before anything is published: which sentences would be of another level."""
    await editor.get("/admin/studio/words")
    await editor.post("/admin/studio/words", {"do": "rehearse"})
    assert "リスクのルールの下書きはありません" in editor.text
    studio = house.engawa.studio
    member = await house.engawa.database.read(staff.by_login, house.engawa.operator_id, "tanabe")
    assert member is not None
    released = await house.engawa.database.read(house.engawa.library.released)
    name = alone(released.rules, Level.EMERGENCY)
    draft = await studio.draft(member, "risk_rule", name)
    body = body_of("risk_rule", name, draft.body) | {"level": "concern"}
    saved = await studio.save(member, "risk_rule", name, text_of(body), draft.revision)
    await editor.post("/admin/studio/words", {"do": "rehearse"})
    assert "文のレベルが変わります" in editor.text
    assert "レベルが変わる文" in editor.text
    assert name in editor.text
    broken = text_of(body | {"hits": ["きょうはいい天気です"]})
    await studio.save(member, "risk_rule", name, broken, saved.revision)
    await editor.post("/admin/studio/words", {"do": "rehearse"})
    assert f"risk_rule/{name}" in editor.text


async def sent(house: House) -> None:
    """All that is queued leaves."""
    house.engawa.channels[house.line.account] = house.line
    delivery = house.engawa.delivery
    while await delivery.work() or delivery._sends:
        await asyncio.gather(*delivery._sends)


async def test_what_was_wrong_is_put_right_for_who_was_shown_it(house: House, reviewer: Browser) -> None:
    """From the history: how many, what can be known, one text; a second person publishes it. Few are no number."""
    path = "/admin/studio/documents/texts/texts"
    await save(reviewer, path, key="later", bubbles="まちがえた文が、ここにありました。")
    await propose(reviewer, path)
    await reviewer.get("/admin/studio/publish")
    await reviewer.post("/admin/studio/publish", {"when": "now"})
    await house.hear(house.line.heard("u1", "あとで", at=house.clock.now()))
    await sent(house)
    await save(reviewer, path, key="later", bubbles="ここにあります。")
    await propose(reviewer, path)
    await reviewer.get("/admin/studio/publish")
    await reviewer.post("/admin/studio/publish", {"when": "now"})
    await reviewer.get(f"{path}/history")
    assert "?wrong=2" in reviewer.page
    assert "?wrong=3" not in reviewer.page
    await reviewer.get(f"{path}/history?wrong=1")
    assert "見せた人はいません" in reviewer.text
    await reviewer.get(f"{path}/history?wrong=2")
    assert "5未満 見せた人" in " ".join(reviewer.text.split())
    assert "分からないこと" in reviewer.text
    await reviewer.post(f"{path}/history", {"wrong": "2", "text": "前の文はまちがいでした。"})
    assert (reviewer.status, "前の文はまちがいでした。" in reviewer.page) == (200, True)
    await reviewer.get("/admin/studio/publish")
    assert "もう一人の確認がいります" in reviewer.text
    for wrong in ("3", "99", "x", ""):
        await reviewer.get(f"{path}/history")
        await reviewer.post(f"{path}/history", {"wrong": wrong, "text": "訂正です。"})
        assert reviewer.status in (400, 404), wrong
    await reviewer.get(f"{path}/history?wrong=x")
    assert reviewer.status == 400


async def test_dates_are_ticked(house: House, editor: Browser) -> None:
    """毎月 第2・第4土曜 by ticks alone, also when the page was saved meanwhile; words written by hand go before."""
    await editor.get("/admin/studio")
    await editor.post("/admin/studio/new", {"kind": "resource", "name": "kita"})

    async def rule(browser: Browser, **fields: str) -> str:
        form = {name: value for name, value in FORM.items() if not name.startswith("schedule.")}
        said = {name.replace("schedule_", "schedule."): value for name, value in fields.items()}
        ticks = {f"schedule.tick={tick}": "1" for tick in said.pop("ticks", "").split()}
        await save(browser, PLACE, **form, **said, **ticks)
        read, operator = house.engawa.database.read, house.engawa.operator_id
        member = await read(staff.by_login, operator, "tanabe")
        assert member is not None
        draft = await house.engawa.studio.draft(member, "resource", "kita")
        found = body_of("resource", "kita", draft.body).get("schedule") or {}
        return str(found.get("rrule"))

    second = "FREQ=MONTHLY;BYDAY=2SA,4SA"
    assert await rule(editor, schedule_was="", schedule_words="", ticks="2 4 SA") == second
    assert 'name="schedule.tick=4" value="1" checked' in editor.page
    assert 'name="schedule.tick=1" value="1">' in editor.page
    assert "12月12日（土）" in editor.text
    # the page that was opened before all this keeps itself once more: the ticks still hold
    kept = {"schedule_kind": "exact", "schedule_was": "", "schedule_words": ""}
    assert await rule(editor, **kept, ticks="2 4 SA") == second
    was = "毎月第2土曜・第4土曜"
    kept = {"schedule_kind": "exact", "schedule_was": was}
    assert await rule(editor, **kept, schedule_words="毎月15日", ticks="1 SA") == "FREQ=MONTHLY;BYMONTHDAY=15"
    assert await rule(editor, **kept, schedule_words=was, ticks="SU") == "FREQ=WEEKLY;BYDAY=SU"
    kept = {"schedule_kind": "exact", "schedule_was": "毎月15日", "schedule_words": "毎月15日"}
    assert await rule(editor, **kept) == "FREQ=MONTHLY;BYMONTHDAY=15"
