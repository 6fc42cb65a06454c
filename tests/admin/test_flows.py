"""The flow editor's pages, as a browser without JavaScript meets them."""

from __future__ import annotations

import html
import re
from time import process_time

import pytest

from admin.preview import Persona, play
from bot.content.export import text_of
from bot.content.flow_links import plain
from bot.flow_editor import read
from bot.flows.model import Flow
from bot.store.staff import Member
from tests.admin.conftest import Browser, House
from tests.content.test_flow_map import a_long_flow

MEET = "/admin/studio/flows/F-MEET"
FIELD = re.compile(r'<(?:input|textarea|select)\b[^>]*\bname="([^"]+)"[^>]*>')


@pytest.fixture
async def editor(house: House) -> Browser:
    return await house.signed_in("tanabe", "たなべ", "editor")


def form(page: str, form_id: str = "step-form") -> dict[str, str]:
    """The fields of a form as a browser would send them untouched."""
    found = re.search(rf'(?s)<form[^>]*id="{form_id}".*?</form>', page)
    assert found, f"no form {form_id}"
    part, fields = found[0], {}
    for one in re.finditer(r"<input\b([^>]*)>", part):
        kept = dict(re.findall(r'([\w-]+)="([^"]*)"', one[1]))
        if kept.get("type") != "checkbox" or " checked" in one[1]:
            fields[kept["name"]] = html.unescape(kept.get("value", ""))
    for name, text in re.findall(r'(?s)<textarea\b[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', part):
        fields[name] = html.unescape(text)
    for name, options in re.findall(r'(?s)<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', part):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        first = re.search(r'<option(?: value="([^"]*)")?', options)
        plain_ = re.search(r"<option selected>([^<]*)<", options)
        fields[name] = html.unescape(
            chosen[1] if chosen else plain_[1] if plain_ else (first and first[1]) or ""
        )
    return fields


async def flow_of(house: House, member: Member, name: str) -> Flow:
    opened = await house.engawa.flow_editor.open(member, name)
    assert opened.flow is not None
    return opened.flow


async def test_saving_a_step_untouched_changes_nothing(house: House, editor: Browser) -> None:
    """Every step of every shipped flow goes through its form as it is."""
    tanabe = await house.staff("other", "べつ", "editor")
    for row in await house.engawa.flow_editor.flows(tanabe):
        flow = await flow_of(house, tanabe, row.name)
        for name in flow.steps:
            await editor.get(f"/admin/studio/flows/{row.name}?step={name}")
            assert editor.status == 200, f"{row.name}/{name}"
            await editor.post(f"/admin/studio/flows/{row.name}", {**form(editor.page), "do": "save"})
            assert editor.status == 200, editor.text
        after = await flow_of(house, tanabe, row.name)
        for name, step in flow.steps.items():
            assert after.steps[name] == step
    assert all(row.state == "published" for row in await house.engawa.flow_editor.flows(tanabe))


async def test_a_step_is_added_written_mended_and_taken_back(house: House, editor: Browser) -> None:
    member = await house.staff("other", "べつ", "editor")
    await editor.get(f"{MEET}?step=kind")
    await editor.post(
        MEET,
        {**form(editor.page), "do": "insert", "template": "two", "way": "c:どれでも", "title": "もう一つ"},
    )
    assert "もう一つ" in editor.text
    assert "何も言わない場面です。" in editor.text
    flow = await flow_of(house, member, "F-MEET")
    assert flow.steps["kind"].choices["どれでも"] == "two"
    assert flow.steps["two"].choices == {"はい": "list", "いいえ": "list"}
    long = "はじめての方に向けた一回だけの集まりがいい"
    sent = {**form(editor.page), "say0": "どちらにしますか。", "label0": long, "do": "save"}
    await editor.post(MEET, sent)
    assert "ボタンが 21 文字です。" in editor.text
    assert "確認に出す</button>" in editor.page
    assert re.search(r"<button[^>]*disabled[^>]*>確認に出す", editor.page)
    await editor.post(
        MEET, {**form(editor.page), "label0": "一回だけ", "label2": "ほかの日", "to2": "kind", "do": "save"}
    )
    flow = await flow_of(house, member, "F-MEET")
    assert flow.steps["two"].choices == {"一回だけ": "list", "いいえ": "list", "ほかの日": "kind"}
    await editor.post(MEET, {**form(editor.page), "do": "up:2"})
    flow = await flow_of(house, member, "F-MEET")
    assert list(flow.steps["two"].choices) == ["一回だけ", "ほかの日", "いいえ"]
    revision = re.search(r'name="revision" value="(\d+)"', editor.page)
    assert revision
    await editor.post(f"{MEET}/undo", {"revision": revision[1], "step": "two"})
    flow = await flow_of(house, member, "F-MEET")
    assert list(flow.steps["two"].choices) == ["一回だけ", "いいえ", "ほかの日"]
    await editor.get(f"{MEET}?step=two")
    await editor.post(MEET, {**form(editor.page), "do": "remove", "instead": "list"})
    assert (await flow_of(house, member, "F-MEET")).steps["kind"].choices["どれでも"] == "list"


async def test_whole_steps_are_copied_moved_turned_and_renamed(house: House, editor: Browser) -> None:
    member = await house.staff("other", "べつ", "editor")
    await editor.get(f"{MEET}?step=kind")
    mark = {"step": "kind", "seen": form(editor.page)["seen"]}
    await editor.post(MEET, {**mark, "do": "copy"})
    await editor.post(
        MEET, {**mark, "step": "kind-2", "seen": form(editor.page)["seen"], "do": "rename", "id": "who"}
    )
    await editor.post(MEET, {"step": "who", "seen": form(editor.page)["seen"], "do": "earlier"})
    await editor.post(MEET, {"step": "who", "seen": form(editor.page)["seen"], "do": "kind", "kind": "ask"})
    flow = await flow_of(house, member, "F-MEET")
    assert list(flow.steps) == ["area", "list", "online", "who", "kind"]
    assert plain(flow.steps["who"])["kind"] == "ask"
    await editor.post(MEET, {"step": "kind", "do": "rename", "id": "other"})
    assert editor.status == 400
    assert "id はそのままで" in editor.text
    await editor.post(
        MEET, {"step": "area", "do": "flow", "name": "集まり", "entry": "集まり、 家族会、集まり"}
    )
    flow = await flow_of(house, member, "F-MEET")
    assert (flow.name, flow.entry) == ("集まり", ("集まり", "家族会"))


async def test_two_on_different_steps_both_save_and_two_on_one_see_both(
    house: House, editor: Browser
) -> None:
    other = await house.signed_in("mori", "もり", "reviewer")
    member = await house.staff("third", "べつ", "editor")
    await editor.get(f"{MEET}?step=kind")
    await other.get(f"{MEET}?step=area")
    first, second = form(editor.page), form(other.page)
    await editor.post(MEET, {**first, "say0": "一人目のことば。", "do": "save"})
    await other.post(MEET, {**second, "say0": "二人目のことば。", "do": "save"})
    flow = await flow_of(house, member, "F-MEET")
    assert flow.steps["kind"].say == ("一人目のことば。",)
    assert flow.steps["area"].say == ("二人目のことば。",)
    del first["csrf"]  # the other one's own form, as it was shown before
    await other.post(MEET, {**first, "say0": "三つ目のことば。", "do": "save"})
    assert other.status == 409
    assert "一人目のことば。" in other.text
    assert form(other.page)["say0"] == "三つ目のことば。"
    await other.post(MEET, {**form(other.page), "do": "save"})
    assert (await flow_of(house, member, "F-MEET")).steps["kind"].say == ("三つ目のことば。",)


async def test_the_preview_plays_the_draft_and_keeps_nothing(house: House, editor: Browser) -> None:
    before = await house.engawa.database.read(_rows)
    await editor.get(f"{MEET}?step=kind")
    await editor.post(MEET, {**form(editor.page), "say0": "下書きのことば。", "do": "save"})
    kept = form(editor.page, "pv")
    tap = re.search(r'name="tap" value="([^"]+)">夜や土日', editor.page)
    assert tap
    await editor.post(f"{MEET}/preview", {**kept, "tap": tap[1]})
    assert "下書きのことば。" in editor.text
    assert "いまの手順をひらく" in editor.text
    kept = form(editor.page, "pv")
    await editor.post(
        f"{MEET}/preview", {**kept, "say": "もう死にたい", "channel": "telegram", "person": "self"}
    )
    assert "ここで人に渡します。ためしなので、だれにも渡りません。" in editor.text
    await editor.post(f"{MEET}/preview", {**form(editor.page, "pv"), "again": "1", "returning": "1"})
    assert "一日たって、またここに来たところです。" in editor.text
    assert await house.engawa.database.read(_rows) == before
    await editor.post(f"{MEET}/preview", {"step": "kind", "moves": "x" * 60})
    assert editor.status == 400


def _rows(connection: object) -> list[int]:
    from sqlalchemy import func, select

    from bot.store import schema

    tables = ("contacts", "talks", "messages", "outbox", "tickets", "inbox")
    known = [schema.metadata.tables[name] for name in tables if name in schema.metadata.tables]
    assert len(known) >= 4
    return [connection.scalar(select(func.count()).select_from(table)) for table in known]  # type: ignore[attr-defined]


async def test_remarks_are_left_and_settled(house: House, editor: Browser) -> None:
    reviewer = await house.signed_in("sakurai", "さくらい", "reviewer")
    await reviewer.get(f"{MEET}?step=kind")
    await reviewer.post(f"{MEET}/remarks", {"step": "kind", "text": "「きょうだい」は県内に二つだけです。"})
    await editor.get(f"{MEET}?step=area")
    assert "県内に二つだけ" not in editor.text
    await editor.get(f"{MEET}?step=kind")
    assert "「きょうだい」は県内に二つだけです。 さくらい" in editor.text
    await editor.post(f"{MEET}/remarks", {"step": "kind", "settle": "1"})
    assert "県内に二つだけ" not in editor.text
    await editor.post(f"{MEET}/remarks", {"step": "kind", "text": " "})
    assert editor.status == 400


async def test_only_editors_and_reviewers_come_in(house: House) -> None:
    browser = await house.signed_in()
    for path in ("/admin/studio/flows", MEET):
        await browser.get(path)
        assert browser.status == 403
    await browser.get("/admin")
    for path in ("", "/preview", "/remarks", "/propose", "/undo"):
        await browser.post(f"{MEET}{path}", {"step": "kind", "revision": "1", "text": "a", "do": "copy"})
        assert browser.status == 403, path


async def test_odd_requests_are_told_in_words(house: House, editor: Browser) -> None:
    await editor.get("/admin/studio/flows/F-GONE")
    assert editor.status == 404
    await editor.get(f"{MEET}?step=gone&hour=99&channel=fax")
    assert editor.status == 200
    for fields in (
        {"step": "gone", "do": "copy"},
        {"step": "kind", "do": "explode"},
        {"step": "kind", "do": "insert", "template": "script"},
        {"step": "kind", "do": "kind", "kind": "script"},
        {"step": "kind", "do": "text", "text": "x", "revision": "-1"},
        {"step": "kind", "do": "save", "label0": "同じ", "label1": "同じ"},
        {"step": "kind", "do": "flow", "name": "", "entry": ""},
    ):
        await editor.post(MEET, fields)
        assert editor.status in (400, 409), fields
    await editor.get("/admin/studio/flows")
    await editor.post("/admin/studio/flows", {"id": "F-MEET", "name": "もう一つ"})
    assert editor.status == 409
    await editor.post("/admin/studio/flows", {"id": "a/b", "name": "斜め"})
    assert editor.status == 400
    await editor.post("/admin/studio/flows", {"id": "F-NEW", "name": "新しい流れ"})
    assert "新しい流れ" in editor.text


async def test_a_draft_that_cannot_be_read_is_shown_as_text_and_mended(house: House, editor: Browser) -> None:
    member = await house.staff("other", "べつ", "editor")
    studio = house.engawa.studio
    draft = await studio.draft(member, "flow", "F-MEET")
    saved = await studio.save(member, "flow", "F-MEET", draft.body + "\n- broken", draft.revision)
    await editor.get(MEET)
    assert "この下書きは流れとして読めません。" in editor.text
    await editor.post(MEET, {"do": "text", "text": draft.body, "revision": str(saved.revision)})
    assert editor.status == 200
    assert await flow_of(house, member, "F-MEET") == read("F-MEET", draft.body)


async def test_a_flow_of_two_hundred_steps_is_checked_and_played_quickly(
    house: House, editor: Browser
) -> None:
    """Check and preview of 200 steps take under 200 ms of the processor, whoever else uses it; the whole page opens."""
    member = await house.staff("other", "べつ", "editor")
    flow = a_long_flow(200)
    await house.engawa.studio.save(member, "flow", flow.id, text_of(plain(flow)), 0)
    took = []
    for _ in range(5):
        begun = process_time()
        opened = await house.engawa.flow_editor.open(member, flow.id)
        play(opened.content, f"{flow.id}/s42", Persona(), (), house.clock.now())
        took.append(process_time() - begun)
        assert opened.flow == flow
    await editor.get(f"/admin/studio/flows/{flow.id}?step=s42")
    assert editor.status == 200
    assert editor.page.count('class="nd') >= 200
    assert min(took) < 0.2
