"""What goes into a table is no formula in any spreadsheet (B30)."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from admin.cells import cell

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫\t\r\n\ufeff\u200b\u202e\u3000 '\"1あ"


def begins(text: str) -> str:
    """The first sign a spreadsheet may look at, after folding and trimming whatever is not seen."""
    folded = unicodedata.normalize("NFKC", text)
    return next((one for one in folded if unicodedata.category(one)[0] not in "CZ"), "")


@given(st.text(st.sampled_from(SIGNS) | st.characters(), max_size=12))
@example("=cmd|' /C calc'!A0")
@example("\ufeff＝１＋１")
@example("\r\n=1")
@example("\u202e@SUM(1)")
def test_no_cell_begins_a_formula(text: str) -> None:
    """Read back from CSV it is one cell in one line; nothing but the guard was put before it."""
    out = io.StringIO()
    csv.writer(out).writerow([cell(text), "next"])
    [[found, after]] = csv.reader(io.StringIO(out.getvalue()))
    assert after == "next"
    assert begins(found) not in tuple("=+-@")
    assert len(found.splitlines()) <= 1
    assert "\t" not in found


@pytest.mark.parametrize("text", ["mizuno", "みずの", "2026-11-21T09:00:00+09:00", "a=b", "", "care"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert cell(text) == text
