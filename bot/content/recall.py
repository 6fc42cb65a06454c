"""What was told wrongly: the correction of it, and which of our words and cards were the wrong ones. Pure.

Only one document differs between the two states that are compared, so that nothing else makes a card a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bot.flows.content import Hit
from bot.flows.keeping import spell_day
from bot.flows.template import sentences
from bot.frozen import dataclass
from bot.messages import Card

if TYPE_CHECKING:
    from bot.content.pack import Released

KEY = "correction/"
ENTRIES = frozenset({"resource", "event_series", "event"})
SPOKEN = frozenset({"flow", "texts", "article", "letter", "hotline"})
"""Kinds that are told as cards, and as words."""
SURE, SURE_OF_LINE = 8, 4
"""Characters from which on a sentence is known within other words; a name or number of a line."""
_FIELD = re.compile(r"\{[a-z_]+\}")


class Correction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that put something right, once, for who was shown it wrong. `of` is the document, `resource/kita`;
    `wrong` the release that first told it so. Two people stand for it."""

    id: str
    name: str
    of: str
    wrong: int
    text: str
    proposed_by: str | None = None
    approved_by: str | None = None

    @property
    def is_approved(self) -> bool:
        return None not in (self.proposed_by, self.approved_by) and self.proposed_by != self.approved_by

    @property
    def key(self) -> str:
        """The name of its text, and the reason it is sent for."""
        return f"{KEY}{self.id}"

    @property
    def about(self) -> tuple[str, str]:
        """Kind and name of the document."""
        kind, _, name = self.of.partition("/")
        return kind, name


def named(corrections: Iterable[Correction]) -> dict[str, tuple[str, ...]]:
    """Corrections as named texts."""
    return {one.key: (one.text,) for one in corrections}


def path_of(key: str) -> str:
    """The path of a named text in issues."""
    return f"{key}/text" if key.startswith(KEY) else f"texts/{key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A document as it was told wrongly, beside what is public now. `before`: its body then; `after`: now, if any."""

    kind: str
    name: str
    then: Released
    now: Released
    before: Mapping[str, Any]
    after: Mapping[str, Any] | None

    def was_told(self, texts: Sequence[str], cards: Sequence[Card], at: datetime) -> bool:
        """Whether what was said at an instant had wrong words of this document in it."""
        if self.kind not in ENTRIES:
            return any(self._says(text) for text in texts)
        return any(self._shows(entry, texts, cards, at) for entry in self._entries)

    @property
    def _entries(self) -> tuple[str, ...]:
        """Under what it is shown: a single day of a series with the series, too."""
        series = self.before.get("series")
        return (self.name, series) if isinstance(series, str) and series else (self.name,)

    def _shows(self, entry: str, texts: Sequence[str], cards: Sequence[Card], at: datetime) -> bool:
        """A card with a value that only the wrong state has, or a notice of a day that is none."""
        then, now = _cards(self.then, entry, at), _cards(self.now, entry, at)
        titles = {card.title for card in then}
        wrong = {part for card in then for part in _parts(card)}
        wrong -= {part for card in now for part in _parts(card)}
        if any(card.title in titles and not wrong.isdisjoint(_parts(card)) for card in cards):
            return True
        day = self.then.next_day(entry, at)
        if day is None or day == self.now.next_day(entry, at):
            return False
        spelled = spell_day(self.then, day)
        return any(spelled in text and title in text for text in texts for title in titles)

    def _says(self, text: str) -> bool:
        """A sentence that only the wrong state has. Of a line, beside its name or number: 24時間 is said of others."""
        if self.kind == "hotline" and not any(
            str(self.before.get(one)) in text for one in ("name", "number")
        ):
            return False
        after = set(_spoken(self.kind, self.after)) if self.after is not None else set[str]()
        said = {found for part in text.split("\n") for found in sentences(part)}
        least = SURE_OF_LINE if self.kind == "hotline" else SURE
        for sentence in set(_spoken(self.kind, self.before)) - after:
            literal = [re.escape(part) for part in _FIELD.split(sentence)]
            form = re.compile(".+?".join(literal), re.DOTALL)
            if len(_FIELD.sub("", sentence)) >= least:
                if form.search(text):
                    return True
            elif any(form.fullmatch(one) for one in said) and _FIELD.sub("", sentence):
                return True
        return False


def _cards(released: Released, entry: str, at: datetime) -> list[Card]:
    """An entry in full and in short, as it was shown at an instant."""
    found = (released.show(entry, at), released.card(Hit(id=entry, kind=""), at))
    return [card for card in found if card is not None]


def _parts(card: Card) -> Iterator[tuple[str, object]]:
    """What a card says, without what it is called: labels are words of other documents."""
    yield "title", card.title
    yield "subtitle", card.subtitle
    if card.date is not None:
        yield "date", (card.date.month, card.date.day)
    yield from (("fact", value) for _, value in card.facts)
    yield from (("link", link.url) for link in card.links)


def _spoken(kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    """The sentences people read of a document, fields in them as they are written."""
    match kind:
        case "flow":
            steps = body.get("steps")
            found = [step.get("say") for step in steps.values()] if isinstance(steps, Mapping) else []
        case "texts":
            texts = body.get("texts")
            found = list(texts.values()) if isinstance(texts, Mapping) else []
        case "hotline":
            found = [
                body.get(name) for name in ("name", "number", "about", "hours", "charge", "limits", "url")
            ]
        case _:
            found = [body.get(name) for name in ("title", "text", "pages")]
    for text in _texts(found):
        yield from sentences(text)


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, list | tuple):
        for one in found:
            yield from _texts(one)
