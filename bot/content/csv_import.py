"""A table of gatherings, as spreadsheets save it, as series and events. Pure; the columns are in docs/importing.md."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from pathlib import PurePath
from typing import Any

from bot.content import open_data
from bot.content.events import Event, EventSeries
from bot.content.ics_import import read_ics
from bot.content.importing import (
    Defaults,
    Gathered,
    Imported,
    Unfit,
    clean,
    fact,
    made_id,
    told,
)
from bot.content.recurrence_words import rule_of
from bot.content.schedule import EARLIEST, LATEST, Schedule, check_rule, check_times, needs_since
from bot.content.tables import Rows, csv_rows, xlsx_rows
from bot.errors import BadInput

COLUMNS = {
    "名前": "name",
    "日にち": "day",
    "最終日": "last",
    "開始": "begins",
    "終了": "ends",
    "くりかえし": "rrule",
    "祝日": "on_holiday",
    "案内のことば": "wording",
    "状態": "state",
    "もとの日": "was",
    "場所": "venue",
    "行き方": "directions",
    "オンライン": "online",
    "人数": "capacity",
    "だれ向け": "audience",
    "住まい": "residence",
    "予約": "reservation",
    "費用": "cost",
    "問い合わせ": "contact",
    "くわしく": "url",
    "ようす": "summary",
    "都道府県": "prefecture",
    "市区町村": "municipality",
    "種類": "kind",
    "ID": "id",
}
"""Headings, and what each tells. Only 名前 is needed; an empty cell is nothing told."""

SAME = {
    "日付": "日にち",
    "曜日": "くりかえし",
    "定員": "人数",
    "対象": "だれ向け",
    "会場": "場所",
    "URL": "くわしく",
}
STATES = {"": "confirmed", "確定": "confirmed", "予定": "planned", "中止": "cancelled", "変更": "moved"}
HOLIDAYS = {
    "ひらく": "held",
    "休み": "skipped",
    "翌日": "next_day",
    "翌平日": "next_weekday",
    "翌週": "next_week",
}
ONLINE = {"あり": True, "なし": False}
AUDIENCES = {"本人": "self", "家族": "family", "支援者": "supporter", "だれでも": "community"}
TEXTS = (
    "venue",
    "directions",
    "residence",
    "reservation",
    "cost",
    "contact",
    "summary",
    "prefecture",
    "municipality",
)
MAX_CAPACITY = 100_000
MAX_PROBLEMS = 500

_DAY = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:\([月火水木金土日]\))?$")
_REIWA = re.compile(r"^(?:令和|R)(\d{1,2}|元)[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:\([月火水木金土日]\))?$")
_TIME = re.compile(r"^(\d{1,2})(?::(\d{2})(?::00)?|時(?:(\d{1,2})分|(半))?)$")

Row = dict[str, str]


def read_csv(data: bytes, defaults: Defaults, today: date) -> Imported:
    """The series and events of a table, and what could not be taken. Raises BadInput when it is no such table."""
    return _read(csv_rows(data), defaults, today)


def read_xlsx(data: bytes, defaults: Defaults, today: date) -> Imported:
    """The same of the first sheet of a workbook."""
    return _read(xlsx_rows(data), defaults, today)


READERS = {".csv": read_csv, ".tsv": read_csv, ".txt": read_csv, ".xlsx": read_xlsx, ".ics": read_ics}


def read_file(name: str, data: bytes, defaults: Defaults, today: date) -> Imported:
    """What a file gives, by the ending of its name. Raises BadInput."""
    reader = READERS.get(PurePath(name).suffix.lower())
    if reader is None:
        raise BadInput(told("import_kind"))
    return reader(data, defaults, today)


def _read(rows: Rows, defaults: Defaults, today: date) -> Imported:
    gathered, seen = Gathered(today, most=MAX_PROBLEMS), dict[str, int]()
    headings = _headings(next(rows, (1, list[str]()))[1])
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            item = _item(_row(headings, cells), defaults)
            if item.id in seen:
                raise Unfit("same", other=seen[item.id])
            seen[item.id] = line
            gathered.add(item)
        except Unfit as problem:
            gathered.problem(line, problem.key, **problem.values)
    return gathered.done()


def _headings(cells: list[str]) -> list[str]:
    """The headings as we name them. Raises BadInput for one that means nothing."""
    headings = [unicodedata.normalize("NFKC", cell).strip() for cell in cells]
    while headings and not headings[-1]:
        headings.pop()
    if not headings:
        raise BadInput(told("empty"))
    is_open_data = open_data.NAME in headings
    if not is_open_data:
        headings = [SAME.get(heading, heading) for heading in headings]
    for heading in headings:
        if heading not in COLUMNS and not is_open_data:
            raise BadInput("1: " + told("odd_column", what=heading, known="、".join(COLUMNS)))
        if heading and headings.count(heading) > 1:
            raise BadInput("1: " + told("twice", what=heading))
    if "名前" not in headings and not is_open_data:
        raise BadInput("1: " + told("no_column", what="名前"))
    return headings


def _row(headings: list[str], cells: list[str]) -> Row:
    if len(cells) < len(headings) or any(cell.strip() for cell in cells[len(headings) :]):
        raise Unfit("columns")
    for heading, cell in zip(headings, cells, strict=False):
        if cell.lstrip().startswith("="):
            raise Unfit("formula", column=heading, what=cell)
    if open_data.NAME in headings:
        return open_data.row_of(headings, cells)
    return {COLUMNS[heading]: cell.strip() for heading, cell in zip(headings, cells, strict=False)}


def _item(row: Row, defaults: Defaults) -> Event | EventSeries:
    name = clean(row["name"], 100)
    if not name:
        raise Unfit("no_name")
    begins, ends = time_in(row, "begins"), time_in(row, "ends")
    try:
        check_times(begins, ends)
    except ValueError as error:
        raise Unfit("times") from error
    if ends is not None and begins is None:
        raise Unfit("times")
    common: dict[str, Any] = {"begins": begins, "ends": ends}
    about = {**defaults.particulars(), **_about(row), "kind": clean(row.get("kind", ""), 40) or defaults.kind}
    own = re.sub(r"[^a-z0-9_-]", "", row.get("id", "").lower())[:60]
    day, state = day_in(row, "day"), _choice(row, "state", STATES)
    if not row.get("rrule") and (day is not None or state == "planned"):
        return _event(row, name, day, state, {**common, **about, "source": defaults.source}, own)
    if state == "moved":
        raise Unfit("was")
    return EventSeries(
        id=own or made_id(name, row.get("rrule", ""), row.get("wording", "")),
        name=name,
        schedule=_schedule(row, day, common, defaults),
        state=state,
        source=defaults.source,
        **about,
    )


def _event(row: Row, name: str, day: date | None, state: Any, more: dict[str, Any], own: str) -> Event:
    last, was = day_in(row, "last"), day_in(row, "was")
    if day is None and state != "planned":
        raise Unfit("no_day")
    if (state == "moved") is not (was is not None):
        raise Unfit("was")
    if last is not None and (day is None or last < day):
        raise Unfit("backwards")
    original = was or day
    made = made_id(name, original.isoformat() if original else "", more["begins"] or "")
    wording = clean(row.get("wording", ""))
    return Event(id=own or made, name=name, day=day, last=last, was=was, state=state, wording=wording, **more)


def _schedule(row: Row, since: date | None, times: dict[str, Any], defaults: Defaults) -> Schedule:
    words, wording = row.get("rrule", ""), clean(row.get("wording", ""))
    if not words and not wording:
        raise Unfit("no_day")
    rule = words.upper().removeprefix("RRULE:") if "FREQ=" in words.upper() else rule_of(words)
    if rule is None or not words:
        return Schedule(kind="roughly", wording=wording or clean(words), **times)
    try:
        check_rule(rule)
    except ValueError as error:
        raise Unfit("rule", what=words) from error
    if since is None and needs_since(rule):
        raise Unfit("no_first")
    on_holiday = _choice(row, "on_holiday", {"": defaults.on_holiday, **HOLIDAYS})
    return Schedule(kind="exact", rrule=rule, since=since, wording=wording, on_holiday=on_holiday, **times)


def _about(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {name: fact(name, row.get(name)) for name in TEXTS}
    found["online"] = _choice(row, "online", {"": None, **ONLINE})
    who = [part for part in re.split("[・、,/ 　]+", row.get("audience", "")) if part]
    if wrong := [part for part in who if part not in AUDIENCES]:
        raise Unfit("choice", column=_heading("audience"), what=wrong[0], known="、".join(AUDIENCES))
    found["audience"] = tuple(AUDIENCES[part] for part in who) or None
    if row.get("capacity"):
        number = unicodedata.normalize("NFKC", row["capacity"]).removesuffix("人").removesuffix("名")
        if not number.isdecimal() or not 0 < int(number[:9]) <= MAX_CAPACITY:
            raise Unfit("number", column=_heading("capacity"), what=row["capacity"])
        found["capacity"] = int(number)
    if row.get("url"):
        if not row["url"].startswith("https://"):
            raise Unfit("url", column=_heading("url"))
        found["url"] = fact("url", row["url"])
    return {name: value for name, value in found.items() if value is not None}


def day_in(row: Row, name: str) -> date | None:
    """The day a cell says; None when it is empty. Raises Unfit naming its heading."""
    text = unicodedata.normalize("NFKC", row.get(name, "")).replace(" ", "")
    if not text:
        return None
    if found := _DAY.match(text):
        year = int(found[1])
    elif found := _REIWA.match(text):
        year = 2018 + (1 if found[1] == "元" else int(found[1]))
    else:
        raise Unfit("date", column=_heading(name), what=row[name])
    try:
        day = date(year, int(found[2]), int(found[3]))
    except ValueError as error:
        raise Unfit("date", column=_heading(name), what=row[name]) from error
    if not EARLIEST <= day <= LATEST:
        raise Unfit("far", first=EARLIEST.year, last=LATEST.year)
    return day


def time_in(row: Row, name: str) -> str | None:
    """The same for a time, as H:MM."""
    text = unicodedata.normalize("NFKC", row.get(name, "")).replace(" ", "")
    if not text:
        return None
    found = _TIME.match(text)
    minute = int(found[2] or found[3] or (30 if found[4] else 0)) if found else 60
    if found is None or minute > 59:
        raise Unfit("time", column=_heading(name), what=row[name])
    return f"{int(found[1])}:{minute:02}"


def _choice(row: Row, name: str, known: dict[str, Any]) -> Any:
    text = row.get(name, "")
    if text not in known:
        words = "、".join(word for word in known if word)
        raise Unfit("choice", column=_heading(name), what=text, known=words)
    return known[text]


def _heading(name: str) -> str:
    return next(heading for heading, known in COLUMNS.items() if known == name)
