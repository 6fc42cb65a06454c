"""While a reply is being written: a private look at its words, phrases at hand, places to put in. Pure.

A remark is never a block, and nobody but who writes sees it (R-013, R-026).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from admin.views import lines, times
from admin.words import Words, marked
from bot.content.pack import Released
from bot.content.practice import Heard
from bot.content.words import WordRules
from bot.errors import BadInput
from bot.flows.matching import fold
from bot.handoff.desk import Thread
from bot.handoff.hours import TOKYO
from bot.store.scheduled import Scheduled
from bot.store.staff import Member

PHRASE = "phrase_"
SOON = 60  # seconds: what leaves sooner is told in seconds
LOOK_AHEAD = 3600
PROMISES: tuple[tuple[str, str], ...] = (
    ("15", marked("in a quarter of an hour")),
    ("30", marked("in half an hour")),
    ("60", marked("in an hour")),
    ("120", marked("in two hours")),
)
"""When an answer is said to come, in minutes from now."""
BUBBLE = 120  # characters that read well in one bubble
MOST_REMARKS = 4
MOST_PLACES = 8
QUESTION = re.compile("[?？]|(?:ですか|ますか|でしょうか|ませんか)(?=[。\\s]|$)")
DIRECTIVE = re.compile("(?:ください|下さい|なさい|ましょう)")
MEETING = re.compile("会いませんか|会えますか|会いましょう|お会い|面談|訪問|伺い|うかがい|待ち合わせ|見学")
CALLED_OFF = re.compile("やめて|やめる|やめても|取りやめ|取り消|取消|キャンセル|断って|来なくて")
"""Words of meeting, and of calling it off: the second belong beside the first (R-024)."""
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
    questions = _questions(text)
    if questions > 1:
        yield Remark(said=t("There are {n} questions. One at a time is easier to answer.", n=questions))
    longest = _longest(text)
    if longest > BUBBLE:
        yield Remark(said=t("{n} characters in one piece. A blank line makes two messages of it.", n=longest))
    if BLANK.search(text):
        yield Remark(said=t("A place in brackets is still to be filled in."))
    meets = MEETING.search(text)
    if meets and not CALLED_OFF.search(text):
        yield Remark(
            word=meets[0], said=t("offers to meet. That it can be called off belongs into the same message.")
        )
    asked = DIRECTIVE.search(text)
    if asked:
        yield Remark(word=asked[0], said=t("can sound like something that has to be done."))


def heard(rules: WordRules | None, text: str) -> Heard:
    """How a simulated person hears these words."""
    presses = any(True for _ in (rules or WordRules()).scan(text))
    return Heard(questions=_questions(text), presses=presses, longest=_longest(text))


def _questions(text: str) -> int:
    return len(QUESTION.findall(re.sub("[?？]+", "？", text.replace("か？", "？").replace("か?", "？"))))


def _longest(text: str) -> int:
    """Characters of the longest piece between blank lines."""
    return max(len(part.strip()) for part in re.split(r"\n\s*\n", text))


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


def moment_of(form: Mapping[str, str]) -> datetime:
    """A day and a time of day here, of the fields `day` and `time`. Raises BadInput."""
    try:
        return datetime.fromisoformat(f"{form.get('day', '')}T{form.get('time', '')}").replace(tzinfo=TOKYO)
    except ValueError as error:
        raise BadInput("A day and a time are needed.") from error


def tomorrow(now: datetime) -> str:
    """The day that is proposed for words that leave later."""
    return (now.astimezone(TOKYO) + timedelta(days=1)).date().isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Words that have not left: `told` what becomes of them, `mine` whether this member may take them back, `due_in`
    seconds until the page should look again."""

    number: int
    paragraphs: tuple[str, ...] = field(repr=False)
    told: str
    mine: bool
    stopped: bool
    due_in: int = 0


def leaving(t: Words, thread: Thread, member: Member, now: datetime) -> list[Leaving]:
    """What is still to leave, in its order."""
    return [_leaving(t, one, member, now) for one in thread.scheduled]


def _leaving(t: Words, one: Scheduled, member: Member, now: datetime) -> Leaving:
    seconds = max(1, math.ceil((one.due_at - now).total_seconds()))
    if one.stopped:
        told = t("This was not sent. Read once more what stands here, and send it anew if it still fits.")
    elif seconds <= SOON:
        told = t("Not sent yet, {n} seconds left", n=seconds)
    else:
        told = t("Will be sent around {time}", time=times.moment(t, now, one.due_at))
    return Leaving(
        number=one.number,
        paragraphs=lines.paragraphs((one.words.text,)) or (t("(a place or a date)"),),
        told=told,
        mine=one.staff_id == member.staff_id,
        stopped=one.stopped,
        due_in=seconds if not one.stopped and seconds <= LOOK_AHEAD else 0,
    )


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
