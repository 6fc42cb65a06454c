"""Fields in texts, `{hours}`: a sentence whose value is missing is left out; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

MAX_BUBBLES = 3
_FIELD = re.compile(r"\{([a-z_]+)\}")
_SENTENCE = re.compile(r"[^。\n]*(?:。|\n|$)")


def fields(text: str) -> frozenset[str]:
    """The names a text asks for."""
    return frozenset(_FIELD.findall(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its fields replaced, without the sentences that lack a value."""
    if "{" not in text:
        return text
    kept = (
        _FIELD.sub(lambda found: values[found[1]], sentence)
        for sentence, names in _parts(text)
        if all(values.get(name) for name in names)
    )
    return "".join(kept).strip()


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """The sentences of a text, and what each asks for."""
    return tuple((sentence, fields(sentence)) for sentence in _SENTENCE.findall(text))


def fill_all(texts: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(filled for text in texts if (filled := fill(text, values)))


def three(texts: tuple[str, ...]) -> tuple[str, ...]:
    """At most three bubbles; what is over joins the last one, so that nothing is cut."""
    if len(texts) <= MAX_BUBBLES:
        return texts
    return (*texts[: MAX_BUBBLES - 1], "\n".join(texts[MAX_BUBBLES - 1 :]))


def sentences(text: str) -> list[str]:
    """The sentences of a text, as `fill` keeps or leaves them out."""
    return [found for sentence in _SENTENCE.findall(text) if (found := sentence.strip())]
