"""Notes and what no table may hold. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.errors import BadInput, IllegalMove
from bot.handoff import notes as noting
from bot.handoff import outgoing
from bot.handoff.notes import Consent, Note, NoteKind, Source
from bot.handoff.routing import Carrier
from bot.store.schema import metadata

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
GRADES = ("severity", "grade", "score", "stage", "goal", "diagnosis", "gender", "solved", "rank_of", "speed")


def a_note(kind: NoteKind, days: int = 0, **fields: object) -> Note:
    note = Note(kind=kind, text="ことば", by="mizuno", at=NOW + timedelta(days=days))
    return replace(note, **fields)  # type: ignore[arg-type]


def test_no_grade_no_goal_no_ranking() -> None:
    """R-005, R-015, R-109: no column and no note holds a grade or a goal of a person, nor a rank or speed of staff."""
    columns = [
        f"{table}.{column.name}"
        for table in metadata.tables
        if table != "staff_sessions"  # how far a sign-in has come
        for column in metadata.tables[table].columns
    ]
    named = [
        *columns,
        *(field.name for kind in (Note, Consent, Carrier) for field in fields(kind)),
        *NoteKind,
    ]
    assert [name for name in named if any(word in name for word in GRADES)] == []


def test_a_wish_has_a_date_and_the_newest_of_the_person_stands_first() -> None:
    """R-042, R-049: older ones stay, marked as old; a wish somebody reports never stands above the person's own."""
    own = noting.checked(a_note(NoteKind.WISH, source=Source.PERSON))
    newer = noting.checked(a_note(NoteKind.WISH, 1, source=Source.PERSON))
    told = noting.checked(a_note(NoteKind.WISH, 9, source=Source.FAMILY_QUOTING))
    old = noting.supersede(own)
    said = noting.checked(a_note(NoteKind.SAID, 20))
    order = noting.in_order([said, old, told, newer])
    assert order == [newer, told, said, old]
    assert (old.is_open, old.at) == (False, NOW)


def test_a_guess_goes_nowhere() -> None:
    """R-076: not with consent, not onto the page for who goes on."""
    guess, said = a_note(NoteKind.GUESS, number=1, text="推測"), a_note(NoteKind.SAID, number=2)
    given = Consent(to="south", how="wrote", until=date(2027, 1, 1), notes=(1, 2))
    assert noting.passed_on([guess, said], given) == [said]
    assert "推測" not in str(noting.hand_over_page([guess, said], ()))


def test_a_decision_takes_two() -> None:
    """R-080: another person, a reason of their own, once."""
    decision = noting.checked(a_note(NoteKind.DECISION))
    with pytest.raises(IllegalMove):
        noting.agree(decision, "mizuno", "同じ人")
    with pytest.raises(BadInput):
        noting.agree(decision, "lead", " ")
    agreed = noting.agree(decision, "lead", "場所を自分で書いている")
    with pytest.raises(IllegalMove):
        noting.agree(agreed, "hara", "もう一度")


def test_how_often_somebody_silent_is_written_to() -> None:
    """R-028: one sitting, then a fortnight; a clock that goes back opens nothing."""
    pause, attempts = timedelta(days=14), outgoing.with_attempt((), NOW)
    same = NOW + timedelta(minutes=20)
    assert outgoing.with_attempt(attempts, same) == attempts
    assert outgoing.allowed_from(attempts, same, 1, pause) == same
    for later in (NOW + timedelta(hours=1), NOW - timedelta(hours=1), NOW + timedelta(days=13)):
        assert outgoing.allowed_from(attempts, later, 1, pause) == NOW + pause
    assert outgoing.allowed_from(attempts, NOW + pause, 1, pause) <= NOW + pause
    assert outgoing.allowed_from(attempts, NOW + timedelta(hours=1), 2, pause) == NOW + timedelta(hours=1)
