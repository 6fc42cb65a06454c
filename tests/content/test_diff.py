"""What changed, in plain Japanese."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.diff import MOST, MOST_TEXT, changes, kind_name, pieces, title_of
from bot.content.model import DOCUMENT_TYPES
from tests.content.test_export import BODIES

FLOW: dict[str, Any] = {
    "id": "F-X",
    "name": "家族の集まり",
    "steps": {"kind": {"say": ["どの集まりがよろしいですか。"], "choices": {"夜": "a", "昼": "b"}}},
}


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({**FLOW, "name": "集まり"}, ["名前を変えました"]),
        (
            {**FLOW, "steps": {"kind": {**FLOW["steps"]["kind"], "say": ["しぼらずに見ることもできます。"]}}},
            ["「kind」の1つめの文を変えました"],
        ),
        ({**FLOW, "steps": {**FLOW["steps"], "new": {"say": ["はい。"]}}}, ["「new」に文を足しました"]),
        ({**FLOW, "entry": ["家族"]}, ["はじまることばを書き入れました"]),
        ({"id": "F-X", "steps": FLOW["steps"]}, ["名前を消しました"]),
        (FLOW, []),
        (None, ["「家族の集まり」を消しました"]),
    ],
)
def test_told_in_words(after: dict[str, Any] | None, told: list[str]) -> None:
    """Which thing, which part of it, and what became of it."""
    assert [change.title for change in changes("flow", "F-X", FLOW, after)] == told


def test_what_went_and_what_came() -> None:
    """As marks in the one text."""
    found = pieces("命が危ないときは すぐ 119 があります。", "命が危ないときは 119 があります。")
    assert "".join(text for kind, text in found if kind != "new") == "命が危ないときは すぐ 119 があります。"
    assert [text.strip() for kind, text in found if kind == "gone"] == ["すぐ"]
    assert title_of("flow", "F-X", FLOW) == "家族の集まり"
    assert title_of("texts", "texts", {}) == "文"
    assert all(kind_name(kind) != kind for kind in DOCUMENT_TYPES)


@given(BODIES, BODIES)
def test_any_two_states(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Nothing changed, nothing told; else something, within bounds."""
    assert changes("article", "a", before, before) == []
    found = changes("article", "a", before, after)
    assert found or before == after
    assert len(found) <= MOST
    assert all(len(change.before) <= MOST_TEXT and len(change.after) <= MOST_TEXT for change in found)


@given(st.text(max_size=60), st.text(max_size=60))
def test_pieces_hold_both_texts(before: str, after: str) -> None:
    """Without what came it is the old one, without what went the new one."""
    found = pieces(before, after)
    assert "".join(text for kind, text in found if kind != "new") == before
    assert "".join(text for kind, text in found if kind != "gone") == after
