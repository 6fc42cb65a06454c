"""The console's words: English in code and templates, Japanese from the catalogue, chosen by a cookie."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from aiohttp import web
from babel.messages import pofile

LANGUAGES = ("ja", "en")
DEFAULT = "ja"
COOKIE = "engawa_lang"
COOKIE_AGE = 365 * 24 * 3600  # seconds
_FIELD = re.compile(r"\{(\w+)\}")


def marked(msgid: str) -> str:
    """Marks a text for the catalogue where it is defined; it is translated where it is said."""
    return msgid


class Words:
    """Says texts in one language. Fields like `{name}` are filled in; the result is text, never markup."""

    def __init__(self, language: str, translations: Mapping[str, str]) -> None:
        self.language = language
        self._translations = translations

    def __call__(self, msgid: str, /, **values: object) -> str:
        return _fill(self._translations.get(msgid, msgid), values)

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The form for this number; `{n}` is the number itself."""
        text = self._translations.get(one) or (one if number == 1 else many)
        return _fill(text, {"n": number, **values})

    def knows(self, msgid: str) -> bool:
        """Whether this very text is in the catalogue, e.g. an error's message."""
        return msgid in _catalogue(DEFAULT)


def _fill(text: str, values: Mapping[str, object]) -> str:
    return _FIELD.sub(lambda found: str(values.get(found[1], found[0])), text) if values else text


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    """Texts by English text; a plural stands under its singular, as Japanese has one form."""
    if language == "en":
        return {}
    path = resources.files("admin") / "locale" / language / "LC_MESSAGES" / "console.po"
    catalogue = pofile.read_po(io.BytesIO(path.read_bytes()), locale=language)
    found = {}
    for message in catalogue:
        key = message.id if isinstance(message.id, str) else message.id[0]
        text = message.string if isinstance(message.string, str) else (message.string or ("",))[0]
        if key and text:
            found[key] = text
    return found


@cache
def words(language: str) -> Words:
    """The words of a language; read once."""
    return Words(language, _catalogue(language))


def words_of(request: web.Request) -> Words:
    """The words this browser asked for; Japanese unless it did."""
    chosen = request.cookies.get(COOKIE, DEFAULT)
    return words(chosen if chosen in LANGUAGES else DEFAULT)
