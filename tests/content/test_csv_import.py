"""Tables as staff keep them: Japanese headings, Japanese dates, and words for what recurs."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.agenda import agenda_of
from bot.content.check_dates import event_issues, schedule_issues
from bot.content.csv_import import COLUMNS, read_csv
from bot.content.importing import Defaults, Imported
from bot.content.recurrence_words import rule_of
from bot.content.tables import MAX_BYTES, MAX_ROWS
from bot.errors import BadInput
from bot.handoff.hours import TOKYO

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 9, tzinfo=TOKYO)


def read(*rows: str, head: str = "名前,日にち,開始,終了,くりかえし,案内のことば,状態,もとの日") -> Imported:
    return read_csv("\r\n".join([head, *rows]).encode(), Defaults(prefecture="大阪府"), TODAY)


def test_days_and_what_recurs() -> None:
    """One day, a rule in words, a rough one; what is over is left out."""
    found = read(
        "まんまの会,2026年12月26日(土),13:30,15:30,,,,",
        "ここにいるよ,,,,毎月第1土曜・第2・第3・第4水曜,,,",
        "茶話会,,,,おおむね第4土曜,,,",
        "古い会,2026/11/20,,,,,,",
    )
    assert (found.problems, found.past) == ((), 1)
    (event,) = found.events
    assert (event.day, event.begins, event.ends, event.prefecture) == (
        date(2026, 12, 26),
        "13:30",
        "15:30",
        "大阪府",
    )
    exact, rough = (each.schedule for each in found.series)
    assert exact.rrule == "FREQ=MONTHLY;BYDAY=1SA,2WE,3WE,4WE"
    assert (rough.kind, rough.wording, rough.rrule) == ("roughly", "おおむね第4土曜", "")
    agenda = agenda_of([], found.series, found.events)
    days = [[each.day.isoformat() for each in agenda.coming(series.id, NOW, 2)] for series in found.series]
    assert days == [["2026-11-25", "2026-12-05"], []]
    for schedule in (exact, rough):
        assert list(schedule_issues("x", schedule)) == []


def test_every_column_is_told() -> None:
    """A row with all there is to say."""
    head = "ID,名前,日にち,最終日,開始,終了,場所,行き方,オンライン,人数,だれ向け,住まい,予約,費用,"
    head += "問い合わせ,くわしく,ようす"
    row = (
        "camp-1,合宿,令和8年12月5日,R8.12.6,１３時半,１６：００,夢プラザ,駅から5分,なし,２０名,本人・家族,市外も可,いらない,"
        '無料,事務局,https://example.jp/,"話したり、\n話さなかったり"'
    )
    found = read(row, head=head)
    (event,) = found.events
    assert found.problems == ()
    assert (event.id, event.day, event.last) == ("camp-1", date(2026, 12, 5), date(2026, 12, 6))
    assert (event.begins, event.ends, event.online, event.capacity) == ("13:30", "16:00", False, 20)
    assert (event.audience, event.venue, event.cost) == (("self", "family"), "夢プラザ", "無料")
    assert event.summary == "話したり、\n話さなかったり"
    assert event.url == "https://example.jp/"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_as_spreadsheets_save_it(encoding: str, separator: str) -> None:
    """UTF-8 with and without a mark, Shift_JIS; commas, tabs, semicolons; other words for a heading."""
    text = (
        separator.join(("名前", "日付", "会場"))
        + "\n"
        + separator.join(("会①", "2026-12-05", "夢プラザ"))
        + "\n"
    )
    (event,) = read_csv(text.encode(encoding), Defaults(), TODAY).events
    assert (event.name, event.day, event.venue) == ("会①", date(2026, 12, 5), "夢プラザ")


def test_a_state_of_its_own() -> None:
    """Planned without a day, cancelled, moved."""
    found = read("a,,,,,12月ごろ,予定,", "b,2026-12-05,,,,,中止,", "c,2026-12-06,,,,,変更,2026-12-05")
    assert [(each.state, each.day, each.was, each.wording) for each in found.events] == [
        ("planned", None, None, "12月ごろ"),
        ("cancelled", date(2026, 12, 5), None, ""),
        ("moved", date(2026, 12, 6), date(2026, 12, 5), ""),
    ]
    assert list(event_issues({}, {each.id: each for each in found.events}, {})) == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (",2026-12-05,,,,,,", "名前がありません"),
        ("会,あした,,,,,,", "「日にち」の「あした」を日にちとして読めません"),
        ("会,2026-02-30,,,,,,", "2026-12-05 か 2026年12月5日"),
        ("会,1800-01-01,,,,,,", "日にちを直してください"),
        ("会,2026-12-05,昼,,,,,", "13:30 と書いてください"),
        ("会,2026-12-05,15:00,13:00,,,,", "「開始」と「終了」が合いません"),
        ("会,2026-12-05,,13:00,,,,", "「開始」と「終了」が合いません"),
        ("会,,,,,,,", "「日にち」がありません"),
        ("会,,,,隔週土曜,,,", "はじめの日"),
        ("会,,,,FREQ=SECONDLY,,,", "くりかえし（FREQ=SECONDLY）は使えません"),
        ("会,2026-12-05,,,,,未定,", "確定、予定、中止、変更"),
        ("会,2026-12-05,,,,,変更,", "「もとの日」"),
        ("会,2026-12-05,,,,,確定,2026-12-04", "「もとの日」"),
        ("会,2026-12-05", "欄の数"),
        ("会,2026-12-05,,,,,,,,多い", "欄の数"),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_line(row: str, told: str) -> None:
    """With what to write instead; the rows around it are taken."""
    good = '"二行の\n名前",2026-12-05,,,,,,'
    found = read(good, row, good.replace("名前", "会"))
    assert len(found.events) == 2
    (problem,) = found.problems
    assert problem.line == 4
    assert told in problem.message
    assert problem.message.endswith("。")


def test_the_same_twice_is_told() -> None:
    """A row copied and not changed."""
    found = read("会,2026-12-05,,,,,,", "会,2026-12-05,,,,,,")
    assert "2行目と同じ" in found.problems[0].message
    assert len(found.events) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "中身がありません"),
        ("日にち\n2026-12-05\n", "見出し「名前」がありません"),
        ("名前,体重\n", "見出し「体重」は使えません"),
        ("名前,日付,日にち\n", "二つあります"),
        ("名前,日にち\n" + "会,2026-12-05\n" * (MAX_ROWS + 1), "多すぎます"),
        ("名前\n" + "あ" * MAX_BYTES, "大きすぎます"),
        ('名前,日にち\n"会,2026-12-05\n', "欄の数"),
        ("名前\n" + "x" * 200_000, "欄の数"),
    ],
)
def test_what_is_no_such_table_is_refused(text: str, told: str) -> None:
    """As a whole, with what to do."""
    with pytest.raises(BadInput, match=told):
        read_csv(text.encode(), Defaults(), TODAY)


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("毎週土曜日", "FREQ=WEEKLY;BYDAY=SA"),
        ("毎週 月・木", "FREQ=WEEKLY;BYDAY=MO,TH"),
        ("毎週月・木曜", "FREQ=WEEKLY;BYDAY=MO,TH"),
        ("月木", "FREQ=WEEKLY;BYDAY=MO,TH"),
        ("平日", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("月から土", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA"),
        ("毎月第1土曜と第2・第3・第4水曜", "FREQ=MONTHLY;BYDAY=1SA,2WE,3WE,4WE"),
        ("毎月第２・４木曜日", "FREQ=MONTHLY;BYDAY=2TH,4TH"),
        ("毎月最終日曜日", "FREQ=MONTHLY;BYDAY=-1SU"),
        ("毎月15日", "FREQ=MONTHLY;BYMONTHDAY=15"),
        ("隔週土曜", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA"),
        ("隔月第4土曜", "FREQ=MONTHLY;INTERVAL=2;BYDAY=4SA"),
        ("毎日", "FREQ=DAILY"),
        ("おおむね第4土曜", None),
        ("毎月第4土曜ごろ", None),
        ("月1回", None),
        ("2か月に1回", None),
        ("週末の午後", None),
        ("毎月第6土曜", None),
        ("毎月32日", None),
        ("毎月第2", None),
        ("不定期", None),
    ],
)
def test_words_for_what_recurs(words: str, rule: str | None) -> None:
    """What means certain days becomes a rule; everything else stays words."""
    assert rule_of(words) == rule


cells = st.text('あ日月第1土毎週2026-/:年,;"\n\t 元令和R', max_size=12) | st.sampled_from(
    ["2026-12-05", "13:30", "毎週土曜", "予定", "変更", "20", "本人", "https://x.jp"]
)


@given(
    st.lists(st.sampled_from(sorted(COLUMNS)), unique=True), st.lists(st.lists(cells, max_size=6), max_size=4)
)
def test_any_table_is_read_or_told(head: list[str], rows: list[list[str]]) -> None:
    """Whatever the cells hold: what is taken passes the check."""
    text = "\n".join(",".join(cells) for cells in [head, *rows])
    try:
        found = read_csv(text.encode(), Defaults(), TODAY)
    except BadInput:
        return
    series, events = {each.id: each for each in found.series}, {each.id: each for each in found.events}
    assert list(event_issues(series, events, {})) == []


@given(st.text(max_size=30))
def test_no_words_break_the_reader_of_words(words: str) -> None:
    """A rule that can be read, or none."""
    rule = rule_of(words)
    assert rule is None or rule.startswith("FREQ=")
