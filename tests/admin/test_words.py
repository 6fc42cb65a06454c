"""The catalogue is whole, and keeps to the style book."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_file

from admin.words import _catalogue, words

HERE = Path(__file__).parents[2] / "admin"
KEYWORDS = {"t": None, "count": (1, 2), "marked": None}
CONSOLE = ("app", "auth", "guard", "live", "preview", "words")


def said() -> Iterator[str]:
    """Every text the console says, as it stands in code and templates; of plurals the singular."""
    modules = [HERE / f"{name}.py" for name in CONSOLE] + sorted((HERE / "views").glob("*.py"))
    for method, files in (("python", modules), ("jinja2", sorted((HERE / "templates").glob("*.html")))):
        for file in files:
            for _, message, _, _ in extract_from_file(method, str(file), keywords=KEYWORDS):
                yield message if isinstance(message, str) else message[0]


def test_every_text_is_said_in_japanese() -> None:
    missing = {text for text in said() if not words("ja").knows(text)}
    assert not missing


def test_the_catalogue_holds_nothing_nobody_says_and_no_field_is_lost() -> None:
    spoken = set(said())
    for english, japanese in _catalogue("ja").items():
        assert english in spoken
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", japanese)), english


def test_the_words_keep_to_the_style_book() -> None:
    """No exclamation marks, no hurry, no counting of people as things (ui.md, Words)."""
    for text in _catalogue("ja").values():
        assert not re.search("[!！]|ください|お待ち|早く|必ず|ぜひ|件|ユーザー", text), text


def test_fields_are_filled_in_and_unknown_texts_stay_as_they_are() -> None:
    assert (
        words("ja")("{name} took this one first.", name="さくらい") == "さくらい さんが先に受け取りました。"
    )
    assert words("en")("{name} took this one first.", name="{n}") == "{n} took this one first."
    assert words("ja")("Nothing in the catalogue") == "Nothing in the catalogue"
    assert words("en").count("about {n} hour", "about {n} hours", 1) == "about 1 hour"
    assert words("en").count("about {n} hour", "about {n} hours", 2) == "about 2 hours"
