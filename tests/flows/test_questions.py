"""Questions many ask in words of their own: where they lead, and what is never told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admin.simulation import reply_of
from bot.content.pack import Released
from bot.talk import Mode
from tests.strategies import Move, Watched, moves, seed_pack

ABOUT_SOMEBODY = (
    "息子もこれを使っていますか",
    "うちの子、ここで相談してるの？",
    "娘が登録しているか教えてください",
    "夫がここに書いているかどうか知りたい",
    "家族が来ていますか？",
    "妹はここに登録していますよね",
)
ABOUT_OTHER_THINGS = (
    "息子が20年家にいます",
    "娘に使ってほしい",
    "母が死にました",
    "家族と話していると疲れます",
    "父に連絡してもらいたいのですがどうしたらいいですか",
    "子どものころから絵を書いています",
)


def told(watched: Watched, text: str) -> list[tuple[str, ...]]:
    return [reply.texts for reply in map(reply_of, watched.text(text)) if reply is not None]


def step(name: str) -> tuple[str, ...]:
    return seed_pack().flows["F-FAMILY"].steps[name].say


@pytest.mark.parametrize("text", ABOUT_SOMEBODY)
def test_whether_somebody_is_here_is_told_to_nobody(text: str) -> None:
    """R-051: neither yes nor no."""
    assert told(Watched(released=Released(latest=seed_pack())), text) == [step("asked_about_person")]


@pytest.mark.parametrize("text", ABOUT_OTHER_THINGS)
def test_what_is_no_such_question_is_not_answered_as_one(text: str) -> None:
    assert step("asked_about_person") not in told(Watched(released=Released(latest=seed_pack())), text)


@settings(max_examples=settings().max_examples)
@given(st.data())
def test_the_answer_is_the_same_whatever_is_so(data: st.DataObject) -> None:
    """R-050, R-051: one turn knows one person's talk alone; after any conversation the words are the same."""
    watched = Watched(released=Released(latest=seed_pack()))
    for move in data.draw(moves(seed_pack())):
        watched.make(move)
    watched.make(Move("tap", "nav/restart"))
    if watched.talk.mode is not Mode.BOT:
        return
    question = data.draw(st.sampled_from(ABOUT_SOMEBODY))
    assert told(watched, question) == [step("asked_about_person")]


@pytest.mark.parametrize("text", ["これって機械ですか", "人が書いてるんですか？", "自動の返事なの"])
def test_a_machine_says_that_it_is_one(text: str) -> None:
    """R-069: whenever asked."""
    said = told(Watched(released=Released(latest=seed_pack())), text)
    assert said == [seed_pack().flows["F-START"].steps["machine"].say]


def test_a_name_for_it_is_not_needed() -> None:
    """R-001, R-009, R-041: whether the word fits is not discussed."""
    said = told(
        Watched(released=Released(latest=seed_pack())),
        "主婦なんですけど ひきこもりって言っていいのかわからない",
    )
    assert said == [seed_pack().flows["F-SELF"].steps["called"].say]


def test_a_pupil_is_told_that_nobody_is_told() -> None:
    """R-084: nothing is told to home or school, and no age is asked."""
    (said,) = told(Watched(released=Released(latest=seed_pack())), "高校生ですけど使えますか")
    assert "知らせることはありません" in said[0]
