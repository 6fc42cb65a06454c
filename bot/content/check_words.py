"""Issues of how things are said: too long, too many, or in words that hurt (R-037, R-038, R-043). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.content.issues import Issue, told
from bot.content.pack import Pack
from bot.content.recall import path_of
from bot.flows.engine import MAX_LENGTH
from bot.flows.template import MAX_BUBBLES

MAX_LABEL = 20
PROSE = ("summary", "atmosphere", "not_needed", "smaller_steps", "anonymity", "reservation", "intake")


def label_issues(path: str, labels: Iterable[str]) -> Iterator[Issue]:
    for label in labels:
        if not 0 < len(label.strip()) <= len(label) <= MAX_LABEL:
            yield Issue(path=f"{path}/{label}", message=told("label_length", n=len(label), most=MAX_LABEL))


def bubble_issues(path: str, bubbles: tuple[str, ...]) -> Iterator[Issue]:
    if len(bubbles) > MAX_BUBBLES:
        yield Issue(path=path, message=told("bubbles", n=len(bubbles), most=MAX_BUBBLES))
    for place, bubble in enumerate(bubbles):
        if not bubble.strip():
            yield Issue(path=f"{path}[{place}]", message=told("bubble_empty"))
        if len(bubble) > MAX_LENGTH:
            message = told("bubble_length", n=len(bubble), most=MAX_LENGTH)
            yield Issue(path=f"{path}[{place}]", message=message)


def word_issues(pack: Pack, within: str = "") -> Iterator[Issue]:
    """Every word of the word rules in what people are shown, or in what is `within` a path of it. Official names
    may be what they are (R-014)."""
    names = (name for one in pack.resources.values() for name in (one.name, *one.aliases, one.operator or ""))
    rules = pack.words.allowing((*names, *(line.name for line in pack.hotlines)))
    for path, text in spoken(pack):
        for hit in rules.scan(text) if path.startswith(within) else ():
            rule = hit.rule
            instead = "／".join(rule.instead) or "言わない"
            message = told(
                "word", found=hit.found, category=rule.category, reason=rule.reason, instead=instead
            )
            yield Issue(path=path, message=message, blocks=rule.blocks)


def spoken(pack: Pack) -> Iterator[tuple[str, str]]:
    """Everything of a pack that people read, with its path; targets and code words aside."""
    for key, said in pack.texts.items():
        for place, bubble in enumerate(said):
            if not (key.startswith("safety") or bubble.isascii()):
                yield f"{path_of(key)}[{place}]", bubble
    for flow in pack.flows.values():
        for name, step in flow.steps.items():
            path = f"flow/{flow.id}/steps/{name}"
            yield from ((f"{path}/say[{place}]", bubble) for place, bubble in enumerate(step.say))
            yield from ((f"{path}/choices/{label}", label) for label in step.choices)
    for one in pack.resources.values():
        yield from (
            (f"resource/{one.id}/{name}", text) for name in PROSE if (text := getattr(one, name)) is not None
        )
    for article in pack.articles.values():
        yield f"article/{article.id}/title", article.title
        yield from ((f"article/{article.id}/pages[{at}]", page) for at, page in enumerate(article.pages))
    for letter in pack.letters:
        yield f"letter/{letter.id}/text", letter.text
    for line in pack.hotlines:
        yield f"hotline/{line.id}/about", line.about
