"""Cells of tables that are opened in a spreadsheet: text stays text there (OWASP, CSV injection; B30)."""

from __future__ import annotations

import unicodedata

FORMULA = ("=", "+", "-", "@", "|", "%")
NOT_SEEN = "CZ"  # control, format, unassigned; blanks


def cell(value: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would take it for a formula; in one line.

    Looked at as programs do who fold it first: full-width signs, and what is not seen before them.
    """
    plain = " ".join(value.splitlines()).replace("\t", " ").replace("\x00", "")
    folded = unicodedata.normalize("NFKC", plain)
    seen = next((sign for sign in folded if unicodedata.category(sign)[0] not in NOT_SEEN), "")
    return f"'{plain}" if seen in FORMULA else plain
