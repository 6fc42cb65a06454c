"""Issues of a pack: what would go wrong for a person, found before anybody meets it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from importlib.resources.abc import Traversable

from bot.content.areas import areas, full_name
from bot.content.cards import FACTS
from bot.content.check_dates import event_issues
from bot.content.check_flows import flow_issues, found_step
from bot.content.check_places import VOCABULARY, place_issues
from bot.content.check_words import MAX_LABEL, bubble_issues, label_issues, word_issues
from bot.content.codec import Document, build, files, read_file, typed
from bot.content.desks import TEXTS as DESK_TEXTS
from bot.content.desks import issues as desk_issues
from bot.content.event_cards import TEXTS as EVENT_TEXTS
from bot.content.issues import Issue, told
from bot.content.pack import Pack, is_safety
from bot.content.recall import path_of
from bot.errors import ContentError
from bot.flows import model
from bot.flows.matching import fold
from bot.handoff.risk import Level, highest

ENTRY_CODE = re.compile(r"[A-Za-z0-9_-]{1,32}")  # Telegram, deep links; LINE allows them, too
RICH_MENU, MAX_BAR = 6, 14  # LINE: a bar of at most 14 characters
COMMANDS = frozenset(
    {"later", "stop", "person", "bring", "back", "hide", "forget", "resume", "restart", "help", "web"}
)
NEEDED_TARGETS = frozenset({
    "start", "person", "safety", "free_text", "forget_confirm", "withdraw", "bring", "returned",
    "rejoined", "letter_card", "web_at", "notice_card",
})  # fmt: skip
TARGET_TEXTS = NEEDED_TARGETS | {"asked"}
TARGET_KINDS: dict[str, tuple[type[model.AnyStep], ...]] = {
    "withdraw": (model.Withdraw,),
    "bring": (model.Bring,),
    "asked": (model.ShowEntry, model.ShowResources),
}
REQUIRED_TEXTS = NEEDED_TARGETS | EVENT_TEXTS | DESK_TEXTS | frozenset(
    {
        "age_least", "age_most", "already_waiting", "area_unknown", "brought", "card_alt", "concern",
        "concerns_add_up", "date_ask", "date_unknown", "day", "ease_ask", "empty", "entry_gone", "erased",
        "exits", "group", "handed_back", "help", "holding", "hotline_sample", "instead",
        "label_link", "late", "later", "media", "moved", "moved_away", "nav_bring",
        "nav_person", "nav_restart", "nav_resume", "nav_web", "nav_withdraw", "neutral", "not_withdrawn",
        "nothing_found", "nothing_pending", "nothing_saved", "nothing_to_read", "notice_near", "notice_set",
        "notice_waits", "parked", "preview_empty", "preview_written", "quoted", "refused_age",
        "request_open", "rich_menu", "rich_menu_bar", "risk_handed", "see_entry", "shift", "slow_down", "stale",
        "standing_ended", "standing_name_only", "standing_overdue", "standing_past", "state_bot", "state_human",
        "state_waiting", "sticker", "stopped", "stopped_erased", "stopped_human", "stopped_waiting",
        "stored_hushed", "stored_letters_month", "stored_letters_season", "stored_notices", "stored_saved",
        "stored_silent", "stored_talk", "stored_waiting", "stored_wishes", "stored_written", "stranded",
        "too_long", "unknown", "unknown_command", "web_link", "web_none", "welcome_back", "why_centre",
        "why_neighbour", "why_online", "why_online_unknown", "why_prefecture", "why_prefecture_unknown",
        "why_read",
    }
    | {f"label_{name}" for name in FACTS}
    | {f"{group}_{word}" for group, words in VOCABULARY.items() for word in words}
)  # fmt: skip
PAIRS = ("sense_", "need_")
"""Texts with two bubbles: the words for yes, and for no."""


def check(pack: Pack, today: date | None = None) -> list[Issue]:
    """Every issue, in the order of the content. What depends on the day is looked at only when it is given."""
    return [
        *_entry_codes(pack),
        *_texts(pack),
        *_rich_menu(pack),
        *_commands(pack),
        *_stickers(pack),
        *flow_issues(pack, _targets(pack)),
        *place_issues(pack, today),
        *(
            Issue(path=path, message=message)
            for path, message in event_issues(pack.series, pack.events, pack.resources)
        ),
        *word_issues(pack),
        *_desks(pack),
        *_reading(pack),
    ]


def check_flow(pack: Pack, flow_id: str) -> list[Issue]:
    """The issues of one flow, what blocks first: quick enough to be asked at every change."""
    path = f"flow/{flow_id}/"
    found = [issue for issue in flow_issues(pack, _targets(pack)) if f"{issue.path}/".startswith(path)]
    return sorted([*found, *word_issues(pack, path)], key=lambda issue: not issue.blocks)


def read(folder: Traversable) -> tuple[list[Document], list[Issue]]:
    """The documents of every file that can be read, and an issue for every one that cannot."""
    documents: list[Document] = []
    issues: list[Issue] = []
    try:
        for item in files(folder):
            try:
                documents += read_file(item)
            except ContentError as error:
                issues.append(Issue(path=error.path, message=error.what))
    except ContentError as error:
        issues.append(Issue(path=error.path, message=error.what))
    return documents, issues


def check_documents(documents: Iterable[Document], today: date | None = None) -> list[Issue]:
    """Every issue of documents as they were written: each that cannot be read, and then those of all the rest."""
    readable: list[Document] = []
    issues: list[Issue] = []
    for document in documents:
        try:
            typed(document)
        except ContentError as error:
            issues.append(Issue(path=error.path, message=error.what))
        else:
            readable.append(document)
    try:
        return [*issues, *check(build(0, readable), today)]
    except ContentError as error:
        return [*issues, Issue(path=error.path, message=error.what)]


def _targets(pack: Pack) -> Iterator[str]:
    """Where the conversation itself leads, beside entry words."""
    for key, said in pack.texts.items():
        if key in TARGET_TEXTS or is_safety(key):
            yield from said
    yield from (question.leads_to for question in pack.questions)


def _entry_codes(pack: Pack) -> Iterator[Issue]:
    for code in pack.service.entry_codes:
        if not ENTRY_CODE.fullmatch(code) or code == "other":
            yield Issue(path=f"service/entry_codes/{code}", message=told("entry_code"))


def _texts(pack: Pack) -> Iterator[Issue]:
    for key in sorted(REQUIRED_TEXTS - pack.texts.keys()):
        yield Issue(path=f"texts/{key}", message=told("text_missing"))
    for key, bubbles in pack.texts.items():
        path = path_of(key)
        if key in REQUIRED_TEXTS and len(bubbles) < (2 if key.startswith(PAIRS) else 1):
            yield Issue(path=path, message=told("text_pair" if bubbles else "text_no_bubble"))
        if key in TARGET_TEXTS or is_safety(key):
            yield from _target_issues(pack, key, bubbles)
        elif key != "rich_menu":
            yield from bubble_issues(path, bubbles)
        if key in ("exits", "see_entry") or key.startswith("nav_"):
            yield from label_issues(path, bubbles)
    if not all("{n}" in label for label in pack.texts.get("see_entry", ())):
        yield Issue(path="texts/see_entry", message=told("see_entry"))
    if len(pack.texts.get("exits", ())) != 3:
        yield Issue(path="texts/exits", message=told("exits_three"))
    if len(pack.texts.get("person", ())) != 2:
        yield Issue(path="texts/person", message=told("person_two"))


def _target_issues(pack: Pack, key: str, targets: tuple[str, ...]) -> Iterator[Issue]:
    kinds = TARGET_KINDS.get(key, (model.Menu,))
    for target in targets:
        step = found_step(pack, target, "")
        if step is None:
            yield Issue(path=f"texts/{key}", message=told("target_missing", target=target))
        elif not isinstance(step, kinds):
            wanted = "、".join(str(kind.__struct_config__.tag) for kind in kinds)
            yield Issue(path=f"texts/{key}", message=told("target_kind", target=target, kind=wanted))
    if key == "asked" and len(targets) != 2:
        yield Issue(path="texts/asked", message=told("asked_two"))


def _rich_menu(pack: Pack) -> Iterator[Issue]:
    """Its words are written for the person by a tap, in every state: each must mean something by itself."""
    path, words = "texts/rich_menu", pack.texts.get("rich_menu", ())
    if len(words) != RICH_MENU:
        yield Issue(path=path, message=told("rich_menu", n=RICH_MENU))
    for word in words:
        if fold(word) not in pack.entries and fold(word) not in pack.commands:
            yield Issue(path=f"{path}/{word}", message=told("rich_menu_word"))
    yield from label_issues(path, words)
    for bar in pack.texts.get("rich_menu_bar", ()):
        if len(bar) > MAX_BAR:
            message = told("rich_menu_bar", n=len(bar), most=MAX_BAR)
            yield Issue(path="texts/rich_menu_bar", message=message)


def _stickers(pack: Pack) -> Iterator[Issue]:
    """A picture must not end, erase or hand over anything: its meaning is a guess."""
    labels = {fold(label) for label in pack.labels()}
    for word in dict.fromkeys(pack.stickers.values()):
        path = f"stickers/{word}"
        if not fold(word) or len(word) > MAX_LABEL:
            yield Issue(path=path, message=told("sticker_word", most=MAX_LABEL))
        if fold(word) in pack.commands:
            yield Issue(path=path, message=told("sticker_command", command=pack.commands[fold(word)]))
        if fold(word) in labels:
            yield Issue(path=path, message=told("sticker_label"))
        if highest(pack.rules.scan(word)) >= Level.HIGH:
            yield Issue(path=path, message=told("sticker_alarm"))
    if "" in pack.stickers:
        yield Issue(path="stickers", message=told("sticker_keyword"))


def _commands(pack: Pack) -> Iterator[Issue]:
    for command in sorted(COMMANDS - set(pack.commands.values())):
        yield Issue(path=f"commands/{command}", message=told("command_no_word"))
    for word, command in pack.commands.items():
        if command not in COMMANDS:
            known = "、".join(sorted(COMMANDS))
            yield Issue(path=f"commands/{command}", message=told("command_unknown", known=known))
        if not word:
            yield Issue(path=f"commands/{command}", message=told("word_unwritable"))


def _desks(pack: Pack) -> Iterator[Issue]:
    if not pack.desks:
        yield Issue(path="desk", message=told("no_desk"))
    wanted = pack.service.minors.desk
    if wanted and wanted not in {desk.id for desk in pack.desks}:
        yield Issue(path="service/minors/desk", message=told("routing_desk", name=wanted))
    if pack.routing or any(desk.areas or desk.ages or desk.audience for desk in pack.desks):
        yield from desk_issues(pack.desks, pack.routing, {full_name(area) for area in areas().values()})
    if not pack.rules.rules:
        yield Issue(path="risk_rule", message=told("no_rules"))


def _reading(pack: Pack) -> Iterator[Issue]:
    for article in pack.articles.values():
        path = f"article/{article.id}"
        if article.id.split() != [article.id]:
            yield Issue(path=path, message=told("id_spaces"))
        if not article.pages:
            yield Issue(path=f"{path}/pages", message=told("article_empty"))
        yield from label_issues(f"{path}/title", (article.title,))
        for place, page in enumerate(article.pages):
            yield from bubble_issues(f"{path}/pages[{place}]", (page,))
    for letter in pack.letters:
        yield from bubble_issues(f"letter/{letter.id}/text", (letter.text,))
        if not letter.months or not set(letter.months) <= set(range(1, 13)):
            yield Issue(path=f"letter/{letter.id}/months", message=told("letter_months"))
    for question in pack.questions:
        path = f"question/{question.id}"
        step = found_step(pack, question.leads_to, "")
        if step is None:
            yield Issue(path=f"{path}/leads_to", message=told("target_missing", target=question.leads_to))
        elif not isinstance(step, model.PLACES):
            yield Issue(path=f"{path}/leads_to", message=told("question_deed"))
        if not question.all or not all(any(map(fold, group)) for group in question.all):
            yield Issue(path=f"{path}/all", message=told("question_words"))
