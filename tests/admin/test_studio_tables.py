"""Tables that come in, and looking after what is there: errors by cell, nothing lost, pauses that hold at once."""

from __future__ import annotations

import html
import re
import tracemalloc
from datetime import date
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from bot.content.codec import Document
from bot.content.csv_import import read_csv
from bot.content.importing import Defaults
from bot.store import counts
from tests.admin.conftest import Browser, House

BOUNDARY = "----x"


@pytest.fixture
async def editor(house: House) -> Browser:
    return await house.signed_in("tanabe", "たなべ", "editor")


def form(mark: str, name: str, data: bytes, **fields: str) -> bytes:
    """A form with a file, as a browser sends it."""
    made = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in {"csrf": mark, **fields}.items()
    )
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return made + head + data + f"\r\n--{BOUNDARY}--\r\n".encode()


async def send(browser: Browser, name: str, data: bytes, **fields: str) -> None:
    await browser.get("/admin/studio/import")
    sent = form(browser.marks["csrf"], name, data, **fields)
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    await browser.post("/admin/studio/import", sent, kind)


def table(rows: int, bad: int) -> bytes:
    """So many rows, of which so many have a cell that cannot be read; about five hundred bytes each."""
    every = rows // bad if bad else rows + 1
    lines = ["名前,日にち,開始,終了,場所,ようす"]
    for row in range(rows):
        time = "ひる" if bad and row % every == 0 and row // every < bad else "13:30"
        lines.append(f"つどい{row},2098-12-06,{time},15:30,市民館{row},{'のんびり過ごします。' * 15}")
    return "\n".join(lines).encode()


def test_ten_thousand_rows_with_three_hundred_bad_cells() -> None:
    """Five megabytes: each bad cell with its line and heading, the others taken, in bounded memory."""
    data = table(10_000, 300)
    assert len(data) > 4_900_000
    tracemalloc.start()
    found = read_csv(data, Defaults(), date(2026, 11, 21))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(found.events), len(found.problems)) == (9_700, 300)
    assert {one.column for one in found.problems} == {"開始"}
    assert found.problems[0].line == 2
    assert peak < 120_000_000


async def test_a_table_is_looked_at_and_taken_in(house: House, editor: Browser) -> None:
    """Errors stand by cell; nothing is taken with them unless they are left out; drafts go to review together."""
    data = table(40, 3)
    await send(editor, "dates.csv", data, do="look")
    assert "取りこめない所が 3あります" in editor.text
    assert "「開始」の「ひる」を時刻として読めません" in editor.text
    await send(editor, "dates.csv", data, do="take")
    assert "確認に出しました" not in editor.text
    await send(editor, "dates.csv", data, do="take", skip="1")
    assert "37の下書きを確認に出しました" in editor.text
    await send(editor, "dates.csv", data, do="take", skip="1")
    assert editor.status == 409
    await editor.get("/admin/studio/publish")
    assert "37つ変わります" in editor.text


@pytest.mark.parametrize(
    ("name", "data", "status", "told"),
    [
        ("dates.xls", b"x", 400, ".csv"),
        ("", b"", 400, ".csv"),
        ("dates.csv", b"", 400, "中身がありません"),
        ("dates.csv", "名前,体重\n".encode(), 400, "見出し「体重」は使えません"),
        ("dates.ics", b"nothing", 400, "カレンダーの形ではありません"),
        ("dates.csv", b"a" * 6_500_000, 400, "大きすぎます"),
        ("dates.csv", b"a" * 8_000_000, 413, "大きすぎます"),
    ],
)
async def test_files_that_cannot_be_read(
    editor: Browser, name: str, data: bytes, status: int, told: str
) -> None:
    """A clear word for each, and no 500."""
    await send(editor, name, data, do="look")
    assert (editor.status, told in editor.text) == (status, True), editor.text


async def test_an_upload_needs_our_own_form(editor: Browser) -> None:
    """A file without the mark of our form is refused, and so is a form that is none."""
    await send(editor, "dates.csv", b"x", csrf="wrong")
    assert editor.status == 403
    await editor.post("/admin/studio/import", {"do": "look"})
    assert editor.status == 400


async def test_nothing_changed_and_a_pause(house: House, editor: Browser) -> None:
    """One press notes the look for review; another takes a place out of what people are told, at once."""
    await editor.get("/admin/studio/board")
    assert "まだ確かめていないもの" in editor.text
    before = await house.engawa.database.read(house.engawa.library.released)
    name = next(one for one, place in before.latest.resources.items() if place.is_listed)
    await editor.post("/admin/studio/board/same", {"kind": "resource", "name": name})
    await editor.get("/admin/studio/publish")
    assert "確かめた日を書き入れました" in editor.text
    await editor.get("/admin/studio/board")
    await editor.post("/admin/studio/board/same", {"kind": "resource", "name": name})
    assert editor.status == 409
    await editor.get("/admin/studio/board")
    await editor.post("/admin/studio/board/pause", {"name": name})
    after = await house.engawa.database.read(house.engawa.library.released)
    assert (after.number, after.latest.resources[name].paused) == (2, True)
    assert not after.latest.resources[name].is_told
    await editor.get("/admin/studio/board")
    assert "休みのもの" in editor.text
    for deed, kind in (("pause", "resource"), ("same", "hotline"), ("nothing", "resource")):
        await editor.get("/admin/studio/board")
        await editor.post(f"/admin/studio/board/{deed}", {"kind": kind, "name": name})
        assert editor.status in (400, 404)


async def test_gaps_tell_no_small_number(house: House, editor: Browser) -> None:
    """R-118: what was looked for, of the quarter that is over; four are not told."""
    write, operator = house.engawa.database.write, house.engawa.operator_id
    await write(counts.add, operator, date(2026, 8, 1), {"gap/04/ibasho": 12, "gap/27/ibasho": 4})
    await editor.get("/admin/studio/board")
    assert "居場所" in editor.text
    assert "宮城県" not in editor.text or "大阪府 4" not in editor.text


async def test_a_sentence_is_tried_and_kept_nowhere(house: House, editor: Browser) -> None:
    """Which rule, why, and what to say instead; not in the address."""
    await editor.get("/admin/studio/words")
    response = await editor.post("/admin/studio/words", {"sentence": "ぜひ来てください。もう死にたい"})
    assert str(response.url).endswith("/admin/studio/words")
    assert "ぜひ" in editor.text
    assert "高い" in editor.text
    assert "/admin/studio/documents/word_rule/" in editor.page
    assert "/admin/studio/documents/risk_rule/" in editor.page


async def test_a_mail_to_who_keeps_it_fresh(house: House, editor: Browser) -> None:
    """Opens in the editor's own program with what is due, for one owner; nothing is sent from here."""
    released = await house.engawa.database.read(house.engawa.library.released)
    name = next(iter(released.latest.resources))
    documents = await house.engawa.database.read(house.engawa.library.documents, released.number)
    body = next(one.body for one in documents if (one.kind, one.name) == ("resource", name))
    source = {**body["source"], "checked_on": "2026-01-05", "recheck_by": "2026-02-05"}
    owned = Document(kind="resource", name=name, body={**body, "owner": "福祉課", "source": source})
    await house.engawa.database.write(house.engawa.library.merge, [owned], "x", house.clock.now())
    await editor.get("/admin/studio/board")
    assert "mailto:" not in editor.page
    await editor.get("/admin/studio/board?" + urlencode({"owner": "福祉課"}))
    found = re.search(r'href="(mailto:\?[^"]+)"', editor.page)
    assert found is not None
    mail = parse_qs(urlsplit(html.unescape(found[1])).query)
    assert mail["subject"] == ["案内の見なおし"]
    assert f"{body['name']}：2026-02-05 までに見なおし" in mail["body"][0]
