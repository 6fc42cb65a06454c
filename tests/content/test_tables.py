"""Workbooks and open data as tables: the same as a CSV, within bounds, whatever somebody made."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from datetime import date, datetime, time

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content.csv_import import read_csv, read_file, read_xlsx
from bot.content.importing import Defaults, Imported
from bot.content.tables import MAX_ROWS, MAX_UNPACKED
from bot.errors import BadInput

TODAY = date(2026, 11, 21)
HEAD = ["名前", "日にち", "開始", "終了", "場所", "人数", "くりかえし"]
DEFAULTS = Defaults(prefecture="大阪府", municipality="阪南市")

OPEN_DATA = """\
全国地方公共団体コード,ID,地方公共団体名,イベント名,イベント名_カナ,開始日,終了日,開始時間,終了時間,開始日時特記事項,説明,料金(基本),料金(詳細),連絡先名称,連絡先電話番号,場所名称,所在地_連結表記,緯度,経度,アクセス方法,定員,参加申込方法,URL,備考
272329,E001,大阪府阪南市,かぞくのつどい,カゾクノツドイ,2026-12-05,2026-12-05,13:30,15:00,,お茶をのみながら話します,無料,,福祉課,072-000-0000,市民会館,大阪府阪南市尾崎町1-1,34.3,135.2,駅から5分,20,申込不要,https://example.jp/e001,
272329,E002,大阪府阪南市,はなしの日,,2026-13-05,,,,,,,,,,,,,,,,,,
"""


def book(*rows: list[object]) -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        made.worksheets[0].append(row)
    made.save(out)
    return out.getvalue()


def repacked(data: bytes, path: str, content: bytes) -> bytes:
    """The workbook with another part in place of one of it, or beside."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename != path:
                new.writestr(info.filename, old.read(info))
        new.writestr(path, content)
    return out.getvalue()


def read(data: bytes) -> Imported:
    return read_xlsx(data, DEFAULTS, TODAY)


def test_a_workbook_is_read_as_the_same_table() -> None:
    """Cells of dates, times and numbers say what somebody would have typed."""
    typed = "\n".join(
        [",".join(HEAD), "つどい,2026-12-05,13:30,15:00,会館,20,", "お茶の会,,10:00,12:00,,,毎月第1土曜"]
    )
    cells: list[list[object]] = [
        ["つどい", datetime(2026, 12, 5), time(13, 30), time(15, 0), "会館", 20.0, None],  # noqa: DTZ001 - as it stands
        ["お茶の会", None, time(10, 0), time(12, 0), None, None, "毎月第1土曜"],
    ]
    found = read(book([*HEAD], *cells))
    assert found == read_csv(typed.encode(), DEFAULTS, TODAY)
    assert len(found.events) == len(found.series) == 1


def test_formulas_are_told_by_cell() -> None:
    """Nothing is computed, and nothing that a spreadsheet would run is taken into content."""
    found = read(book([*HEAD], ['=HYPERLINK("http://evil.example","つどい")', "2026-12-05", *[None] * 5]))
    assert not found.events
    assert [(one.line, one.column) for one in found.problems] == [(2, "名前")]
    typed = read_csv("名前,日にち\n=1+1,2026-12-05\n".encode(), DEFAULTS, TODAY)
    assert [(one.line, one.column) for one in typed.problems] == [(2, "名前")]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = repacked(book([*HEAD]), "xl/worksheets/sheet1.xml", b" " * (MAX_UNPACKED + 1))
    assert len(bomb) < 100_000
    tracemalloc.start()
    with pytest.raises(BadInput, match="大きすぎます"):
        read(bomb)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_entities_and_links_out_are_not_followed() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    sheet = (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{laughs}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>&l9;&f;</t></is></c></row></sheetData></worksheet>'
    )
    with pytest.raises(BadInput):
        read(repacked(book([*HEAD]), "xl/worksheets/sheet1.xml", sheet.encode()))


def test_a_sheet_that_says_it_is_endless() -> None:
    """A cell in the last row of all: reading stops at the bound."""
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
        '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>名前</t></is></c></row>'
        '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData></worksheet>'
    )
    with pytest.raises(BadInput, match=str(MAX_ROWS)):
        read(repacked(book([*HEAD]), "xl/worksheets/sheet1.xml", sheet.encode()))


@settings(max_examples=30)
@given(data=st.binary(max_size=200), place=st.integers(0, 5000))
def test_a_broken_workbook_is_told_as_one(data: bytes, place: int) -> None:
    """Whatever is wrong with its bytes: it is read, or told as a problem of the file."""
    whole = book([*HEAD], ["つどい", "2026-12-05"])
    for broken in (data, whole[:place] + data + whole[place + len(data) :]):
        try:
            read(broken)
        except BadInput:
            continue


def test_an_event_list_of_open_data() -> None:
    """Read as it is, with what has no place left out; a wrong cell is told by its heading."""
    found = read_csv(OPEN_DATA.encode("cp932"), Defaults(), TODAY)
    (event,) = found.events
    assert (event.id, event.name, event.day, event.last) == (
        "272329-e001",
        "かぞくのつどい",
        date(2026, 12, 5),
        None,
    )
    assert (event.begins, event.ends, event.capacity) == ("13:30", "15:00", 20)
    assert (event.prefecture, event.municipality) == ("大阪府", "阪南市")
    assert (event.venue, event.cost) == ("市民会館 大阪府阪南市尾崎町1-1", "無料")
    assert (event.contact, event.reservation) == ("福祉課 072-000-0000", "申込不要")
    assert [one.line for one in found.problems] == [3]


def test_the_ending_of_its_name_says_how() -> None:
    found = read_file("表.XLSX", book([*HEAD], ["つどい", "2026-12-05", *[None] * 5]), DEFAULTS, TODAY)
    assert [one.name for one in found.events] == ["つどい"]
    with pytest.raises(BadInput, match="xlsx"):
        read_file("表.xls", b"", DEFAULTS, TODAY)
