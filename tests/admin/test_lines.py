"""A thread as it is shown: who speaks, what became of it, and why the ticket is here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.views import labels, lines
from admin.words import words
from bot.handoff.desk import Thread
from bot.handoff.risk import Level, RiskHit
from bot.handoff.ticket import Reason, Status, Ticket
from bot.messages import Card, Choice
from bot.store.body import Body
from bot.store.timeline import Line
from bot.store.unsend import TAKEN_BACK
from bot.talk import Mode
from bot.testing import a_pack

JA = words("ja")
NOW = datetime(2026, 11, 20, 13, 14, tzinfo=UTC)
TICKET = Ticket(
    id="0" * 32,
    contact_id="1" * 32,
    desk_id="main",
    reason=Reason.REQUEST,
    priority=Level.NONE,
    status=Status.ACTIVE,
    opened_at=NOW - timedelta(minutes=20),
    opened_seq=1,
)
HITS = (
    RiskHit(rule="C-01", category="hopelessness", level=Level.CONCERN, start=0, end=1),
    RiskHit(rule="S-10", category="suicide", level=Level.EMERGENCY, start=0, end=1),
)


def shown(*found: Line, ticket: Ticket = TICKET) -> tuple[lines.Shown, ...]:
    thread = Thread(
        ticket=ticket,
        nickname="三月の毛布",
        account_id="line",
        reachable=True,
        mode=Mode.HUMAN,
        keeper="みずの",
        lines=found,
    )
    return lines.shown(JA, thread, NOW)


def line(author: str, kind: str, *texts: str, seq: int = 1, **more: object) -> Line:
    body = Body(kind=kind, at=NOW, texts=texts, name="みずの" if author in ("counselor", "marker") else "")
    return Line(seq=seq, author=author, body=body, **more)  # type: ignore[arg-type]


def test_each_voice_has_its_side() -> None:
    found = shown(
        line("person", "text", "ひとつ\n\nふたつ"),
        line("bot", "bot", "案内", seq=2, delivery="sent", via="push"),
        line("marker", "claimed", seq=3),
        line("counselor", "counselor", "返事", seq=4, delivery="sent", via="reply"),
        line("person", "left", seq=5),
        line("marker", "something of tomorrow", seq=6),
    )
    assert [one.side for one in found] == ["them", "bot", "mark", "staff", "mark"]
    assert [one.who for one in found] == ["三月の毛布", "自動の案内", "", "みずの", ""]
    assert found[0].paragraphs == ("ひとつ", "ふたつ")
    assert found[1].delivery == ""
    assert found[2].paragraphs == ("みずの が受け取りました。自動の案内は止まっています",)
    assert found[2].wood
    assert found[3].delivery == "送りました　返信で（無料）"
    assert not found[4].wood


@pytest.mark.parametrize(
    ("state", "via", "error", "account", "said"),
    [
        ("queued", None, None, "line", "順番を待っています"),
        ("queued", "push", "throttled", "line", "届いていません。入口が込んでいます。もう一度ためします。"),
        ("sending", "push", None, "line", "送っています"),
        ("sent", "push", None, "line/second", "送りました　プッシュで"),
        ("sent", None, None, "web", "送りました　ウェブで"),
        ("sent", "send", None, "telegram", "送りました　Telegram で"),
        ("sent", "pigeon", None, "roof", "送りました"),
        ("queued", None, "quota", "line", "待っています。今月の送信できる数を使いきりました。"),
        (
            "queued",
            None,
            "quota_low",
            "line",
            "待っています。今月の送信できる数が少ないので、あとにしています。",
        ),
        (
            "queued",
            "send",
            "pacing",
            "telegram",
            "待っています。この入口から、たくさん送っているところです。",
        ),
        ("uncertain", "reply", "unreachable", "line", "届いたか分かりません。入口から返事がありません。"),
        ("uncertain", "reply", "stale", "line", "届いたか分かりません。待つあいだに古くなりました。"),
        ("uncertain", "reply", None, "line", "届いたか分かりません"),
        ("cancelled", None, "stale", "line", "送っていません。待つあいだに古くなりました。"),
        ("failed", None, "contact_gone", "line", "届いていません。本人の側で受けとりが止まっています。"),
        ("failed", None, "of tomorrow", "line", "届いていません。わけは分かりません。"),
        ("cancelled", None, "silenced", "line", "送っていません。人が受け取りました。"),
        (None, None, None, "line", ""),
    ],
)
def test_what_became_of_a_message_is_told_in_words(
    state: str | None, via: str | None, error: str | None, account: str, said: str
) -> None:
    assert said == labels.delivery(JA, state, via, error, account)


def test_until_when_something_waits() -> None:
    """A hold that lasts is told with its end, in the day's words; one that is over in a moment is not."""
    held: dict[str, Any] = {"delivery": "queued", "error_code": "quota_low"}
    (long,) = shown(line("counselor", "counselor", "返事", due_at=NOW + timedelta(hours=2), **held))
    assert (
        long.delivery == "11月21日 00:14 まで待っています。今月の送信できる数が少ないので、あとにしています。"
    )
    (short,) = shown(line("counselor", "counselor", "返事", due_at=NOW + timedelta(seconds=9), **held))
    assert short.delivery.startswith("待っています。")


def test_a_message_that_was_taken_back_is_a_neutral_line() -> None:
    """In its own place, without a word of it; the platform's word of it is no line of its own."""
    (found,) = shown(line("person", TAKEN_BACK), line("person", "unsent", seq=2))
    assert (found.side, found.paragraphs) == ("them", ("（取り消されました）",))


def test_the_line_about_late_answers_is_the_guides() -> None:
    (found,) = shown(line("bot", "late", "まえの返事が", delivery="sent"))
    assert (found.side, found.who, found.delivery) == ("bot", "自動の案内", "")


def test_a_send_of_the_machine_in_flight_at_the_claim_is_shown_as_such() -> None:
    (found,) = shown(line("bot", "bot", "案内", delivery="sending"))
    assert found.delivery == "送っています"


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("choice", "", "（ボタン）"),
        ("sticker", "", "（スタンプ）"),
        ("unsupported", "", "（写真など、ここでは開いていないもの）"),
        ("text", "\u200b\n \n", "\u200b"),
        ("of tomorrow", "", "（ことばはありません）"),
    ],
)
def test_what_has_no_words_is_named(kind: str, text: str, said: str) -> None:
    (found,) = shown(line("person", kind, text))
    assert found.paragraphs == (said,)


def test_what_could_be_chosen_is_kept_without_the_exits_and_cards_stay_cards() -> None:
    choices = (Choice(id="F-FIND/any/a", label="ほかのもの"), Choice(id="exit/later", label="あとで"))
    body = Body(kind="bot", at=NOW, choices=choices, cards=(Card(kind="place", title="茶の間"),))
    (found,) = shown(Line(seq=1, author="bot", body=body, delivery="sent"))
    assert found.offered == ("ほかのもの",)
    assert [card.title for card in found.cards] == ["茶の間"]


def test_why_a_ticket_is_here_names_categories_most_urgent_first() -> None:
    risk = replace(TICKET, reason=Reason.RISK, hits=HITS)
    assert labels.why(JA, risk) == "ことば：死にたい気持ち・希望のなさ"
    assert labels.why(JA, replace(risk, hits=())) == "注意のついた文"
    assert (
        labels.why(JA, replace(risk, reason=Reason.REQUEST))
        == "人と話したい　ことば：死にたい気持ち・希望のなさ"
    )
    assert labels.why(JA, TICKET) == "人と話したい"
    odd = replace(HITS[0], category="<b>new</b>")
    assert labels.why(JA, replace(risk, hits=(odd,))) == "ことば：そのほか"
    for reason in Reason:
        assert labels.why(JA, replace(TICKET, reason=reason))


def test_the_message_that_raised_the_alarm_is_marked_where_it_stands() -> None:
    risk = replace(TICKET, reason=Reason.RISK, hits=HITS)
    found = shown(line("person", "text", "ひとつ"), line("person", "text", "ふたつ", seq=2), ticket=risk)
    assert [one.tag for one in found] == ["注意のついた文", ""]
    assert shown(line("person", "text", "ひとつ"))[0].tag == ""


def test_an_entrance_has_its_own_name() -> None:
    assert labels.entrance(JA, "web") == "ウェブ"
    assert labels.entrance(JA, "line/sakai") == "LINE sakai"
    assert labels.entrance(JA, "pigeon") == "pigeon"


@given(
    text=st.text(max_size=60), spans=st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=4)
)
def test_marks_take_no_word_away_and_add_none(text: str, spans: list[tuple[int, int]]) -> None:
    """Whatever the rules point at, the words are those that stand there without marks."""
    blanked = text.replace(lines.BEGIN, " ").replace(lines.END, " ")
    found = lines.pieces(text, spans)
    assert tuple("".join(piece.text for piece in row) for row in found) == lines.paragraphs((blanked,))
    if not any(begin < min(end, len(text)) for begin, end in spans):
        assert not any(piece.hit for row in found for piece in row)


def test_what_a_rule_points_at_is_marked_covered_and_told_by_its_category() -> None:
    rules = a_pack().rules
    thread = Thread(
        ticket=TICKET,
        nickname="三月の毛布",
        account_id="line",
        reachable=True,
        mode=Mode.HUMAN,
        keeper="みずの",
        lines=(line("person", "text", "こんばんは。\n\nもう死にたい"), line("person", "text", "はい", seq=2)),
    )
    hard, plain = lines.shown(JA, thread, NOW, rules, covers=True)
    assert [[piece.text for piece in row if piece.hit] for row in hard.marked] == [[], ["死にた"]]
    assert ("S-WISH", "死にたい気持ち") in hard.rules
    assert hard.covered
    assert (plain.covered, plain.rules, plain.marked) == (False, (), ())
    assert not any(one.covered for one in lines.shown(JA, thread, NOW, rules, covers=False))


def test_steps_of_the_machine_in_a_row_are_one_line_and_what_people_wrote_is_not_folded() -> None:
    found = lines.folded(
        shown(
            line("bot", "answer", "ひとつめの案内", seq=1),
            line("bot", "answer", "ふたつめ", seq=2, delivery="failed", error_code="contact_gone"),
            line("person", "text", "はい", seq=3),
            line("bot", "answer", "みっつめ", seq=4),
        )
    )
    first, person, last = found
    assert isinstance(first, lines.Fold)
    assert isinstance(last, lines.Fold)
    assert isinstance(person, lines.Shown)
    assert (first.begins, len(first.lines), last.begins) == ("ひとつめの案内", 2, "みっつめ")
    assert first.told == "届いていません。本人の側で受けとりが止まっています。"
    assert not last.told


@pytest.mark.parametrize("mark", ["\u0301", "\u0489", "\u0e47", "\u20dd", "\u3099", "\ufe20"])
def test_marks_are_not_piled_up(mark: str) -> None:
    """Ten thousand on one letter stay three, so that no other line is written over (B31)."""
    assert lines.readable("か" + mark * 10_000 + "き") == "か" + mark * 3 + "き"


@pytest.mark.parametrize(
    "text", ["か\u3099き\u3099", "Việt Nam", "ที่นี่", "👨\u200d👩\u200d👧 ﾊﾞ", "e\u0302\u0301"]
)
def test_scripts_keep_their_marks(text: str) -> None:
    assert lines.readable(text) == text
