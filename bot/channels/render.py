"""A Reply within what a channel can show. Pure.

Nothing is cut: what is too long is split, what is too many is told in words that work when typed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from bot.frozen import dataclass
from bot.messages import EXITS, Card, Choice, Reply

_SENTENCE_END = re.compile(r"(?<=[。！？!?\n])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a platform can show. Lengths are UTF-16 units, as the platforms count; `max_id` is bytes."""

    max_text: int
    max_messages: int
    max_choices: int
    max_label: int
    max_id: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Message texts in order, and the choices under the last of them."""

    texts: tuple[str, ...]
    choices: tuple[Choice, ...]


def render(reply: Reply, capabilities: Capabilities) -> Rendered:
    """Texts and cards as messages, choices as buttons."""
    shown, told = _fit_choices(reply.choices, capabilities)
    texts = [*reply.texts, *(card_text(card) for card in reply.cards)]
    if told:
        texts.append("／".join(choice.label for choice in told))
    pieces = [piece for text in texts for piece in split(text, capabilities.max_text)]
    return Rendered(texts=_merge(pieces, capabilities), choices=shown)


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def card_text(card: Card) -> str:
    """A card as plain words, for channels and screens that show none."""
    head = card.title
    if card.date is not None:
        head = f"{card.date.month}/{card.date.day}（{card.date.weekday}） {card.title}"
    lines = [head, card.subtitle, *(f"{label}：{value}" for label, value in card.facts)]
    if card.unknown:
        lines.append(f"{card.unknown_label}：{'、'.join(card.unknown)}")
    lines += [link.url for link in card.links]
    return "\n".join(line for line in lines if line)


def split(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` UTF-16 units, at sentence ends where there are any."""
    if units(text) <= limit:
        return [text] if text.strip() else []
    pieces, piece = list[str](), ""
    for sentence in _SENTENCE_END.split(text):
        if units(piece) + units(sentence) > limit and piece:
            pieces.append(piece)
            piece = ""
        rest = sentence
        while units(rest) > limit:
            cut = _cut(rest, limit)
            pieces.append(rest[:cut])
            rest = rest[cut:]
        piece += rest
    return [found for found in (*pieces, piece) if found.strip()]


def _cut(text: str, limit: int) -> int:
    used = 0
    for place, char in enumerate(text):
        used += 2 if char > "\uffff" else 1
        if used > limit:
            return place
    return len(text)


def _merge(pieces: list[str], capabilities: Capabilities) -> tuple[str, ...]:
    """Joins pieces where they fit, from the front, until there are few enough messages."""
    while len(pieces) > capabilities.max_messages:
        pairs = [units(a) + units(b) + 2 for a, b in pairwise(pieces)]
        smallest = min(range(len(pairs)), key=pairs.__getitem__)
        if pairs[smallest] > capabilities.max_text:
            break  # it goes out in more calls than one rather than lose a word
        pieces[smallest : smallest + 2] = [f"{pieces[smallest]}\n\n{pieces[smallest + 1]}"]
    return tuple(pieces)


@lru_cache(maxsize=1024)
def _fit_choices(
    choices: tuple[Choice, ...], capabilities: Capabilities
) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
    """Choices as buttons, and those that do not fit. The exits always stay buttons."""
    unique = {choice.id: choice for choice in choices if _bytes(choice.id) <= capabilities.max_id}
    unfit = tuple(choice for choice in choices if choice.id not in unique)
    fitting = [
        choice
        if units(choice.label) <= capabilities.max_label
        else _shortened(choice, capabilities.max_label)
        for choice in unique.values()
    ]
    if len(fitting) <= capabilities.max_choices:
        return tuple(fitting), unfit
    exits = [choice for choice in fitting if choice.id in EXITS]
    own = [choice for choice in fitting if choice.id not in EXITS]
    room = capabilities.max_choices - len(exits)
    return (*own[:room], *exits), (*own[room:], *unfit)


def _shortened(choice: Choice, limit: int) -> Choice:
    """`check` refuses such labels; should one get here all the same, the button still works."""
    return Choice(id=choice.id, label=choice.label[: _cut(choice.label, limit - 1)] + "…")
