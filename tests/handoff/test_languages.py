"""The language of the answer: asked only where a desk has people for another one, and it goes to that desk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.content.pack import Released
from bot.handoff.hours import Desk
from tests.handoff.test_waiting import DAY, DESK, NOW, Person, board, on_duty
from tests.strategies import seed_pack

ENGLISH = Desk(id="en", name="English desk", languages=("en", "easy"), shifts=DAY, year_end="none")


def somebody(*desks: Desk) -> Person:
    person = Person(DESK, NOW, board(on_duty()))
    person.content = Released(latest=replace(seed_pack(), desks=desks), board=person.content.board)
    return person


def test_nobody_is_asked_where_there_is_no_choice() -> None:
    """A button that leads to nobody is none."""
    person = somebody(DESK, replace_languages(DESK, "ja"))
    person.taps("exit/person")
    assert "言葉をえらぶ" not in person.choices


def replace_languages(desk: Desk, *languages: str) -> Desk:
    return Desk(id="ja", name=desk.name, shifts=desk.shifts, languages=languages, year_end="none")


@pytest.mark.parametrize(
    ("chosen", "desk"), [("English", "en"), ("やさしい日本語", "en"), ("日本語", "main")]
)
def test_the_answer_comes_in_the_language_that_was_chosen(chosen: str, desk: str) -> None:
    """Only languages a desk has are offered; where it goes stands in the preview; who answers reads it."""
    person = somebody(DESK, ENGLISH)
    person.taps("exit/person")
    person.taps(person.choices["言葉をえらぶ"])
    assert {"English", "やさしい日本語", "日本語"} <= set(person.choices)
    assert not {"中文", "한국어"} & set(person.choices)
    shown = person.taps(person.choices[chosen])
    assert f"渡す先は「{ENGLISH.name if desk == 'en' else DESK.name}」です。" in shown[0]
    person.taps(person.choices["送る"])
    ticket = person.talk.ticket
    assert ticket is not None
    assert ticket.desk_id == desk
    assert (("返事の言葉", chosen) in ticket.wishes) is (chosen != "日本語")
