"""While a reply is being written: a private look at its words, phrases at hand, places to put in. Pure.

A remark is never a block, and nobody but who writes sees it (R-013, R-026).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from admin.words import Words
from bot.content.pack import Released
from bot.content.words import WordRules
from bot.flows.matching import fold
from bot.store.staff import Member

PHRASE = "phrase_"
BUBBLE = 120  # characters that read well in one bubble
MOST_REMARKS = 4
MOST_PLACES = 8
QUESTION = re.compile("[?？]|(?:ですか|ますか|でしょうか|ませんか)(?=[。\\s]|$)")
DIRECTIVE = re.compile("(?:ください|下さい|なさい|ましょう)")
BLANK = re.compile("〔[^〕]*〕")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing to look at once more: `word` as it stands in the draft, `said` about it, other ways in `instead`."""

    said: str
    word: str = field(default="", repr=False)
    reason: str = ""
    instead: tuple[str, ...] = ()


def remarks(t: Words, rules: WordRules | None, text: str) -> list[Remark]:
    """What a colleague might say of this draft; at most a few, the words that hurt first."""
    return list(_remarks(t, rules or WordRules(), text))[:MOST_REMARKS] if text.strip() else []


def _remarks(t: Words, rules: WordRules, text: str) -> Iterator[Remark]:
    seen = set[str]()
    for hit in rules.scan(text):
        if hit.found not in seen:
            seen.add(hit.found)
            yield Remark(
                word=hit.found,
                said=t("can be heard as something else than you mean."),
                reason=hit.rule.reason,
                instead=hit.rule.instead,
            )
    questions = len(QUESTION.findall(re.sub("[?？]+", "？", text.replace("か？", "？").replace("か?", "？"))))
    if questions > 1:
        yield Remark(said=t("There are {n} questions. One at a time is easier to answer.", n=questions))
    longest = max(len(part.strip()) for part in re.split(r"\n\s*\n", text))
    if longest > BUBBLE:
        yield Remark(said=t("{n} characters in one piece. A blank line makes two messages of it.", n=longest))
    if BLANK.search(text):
        yield Remark(said=t("A place in brackets is still to be filled in."))
    asked = DIRECTIVE.search(text)
    if asked:
        yield Remark(word=asked[0], said=t("can sound like something that has to be done."))


def phrases(released: Released | None, member: Member, now: datetime) -> list[tuple[str, str]]:
    """Phrases at hand by key, with their fields filled in as far as the house knows them."""
    if released is None:
        return []
    values = {**released.values(now), "staff": member.display_name}
    found = []
    for key, said in released.latest.texts.items():
        if key.startswith(PHRASE):
            text = "\n\n".join(said)
            for name, value in values.items():
                text = text.replace("{" + name + "}", value)
            found.append((key, re.sub(r"\{\w+\}", "〔　　〕", text)))
    return found


def places(released: Released | None, asked: str) -> list[tuple[str, str]]:
    """Ids and names of listed places and dates with this in their name."""
    wanted = fold(asked)
    if released is None or not wanted:
        return []
    pack, agenda = released.latest, released.latest.agenda
    named = [(one.id, one.name) for one in pack.resources.values() if one.is_told]
    named += [(one.id, one.name) for one in agenda.series.values()]
    named += [(one.id, one.name) for one in agenda.single.values()]
    return [(entry_id, name) for entry_id, name in named if wanted in fold(name)][:MOST_PLACES]
