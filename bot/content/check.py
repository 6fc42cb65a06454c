"""Issues of a pack: what would go wrong for a person, found before anybody meets it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.content.check_dates import event_issues, schedule_issues
from bot.content.event_cards import TEXTS as EVENT_TEXTS
from bot.content.pack import Pack, is_safety
from bot.flows import model
from bot.flows.engine import MAX_LENGTH, MAX_STEPS
from bot.flows.matching import fold
from bot.flows.mine import DROPPABLE
from bot.flows.reminders import LETTERS
from bot.flows.scene import CONDITIONS, COUNTS, MAX_LISTED, OWN
from bot.flows.template import MAX_BUBBLES, fields, fill
from bot.handoff.risk import Level, highest
from bot.handoff.ticket import Reason

MAX_LABEL = 20
MAX_CHOICES = 10
MAX_ID_BYTES = 64
RICH_MENU, MAX_BAR = 6, 14  # LINE: a bar of at most 14 characters
MAX_PAUSE = 600
MAX_HUSH_DAYS = 3650
ENTRY_CODE = re.compile(r"[A-Za-z0-9_-]{1,32}")  # Telegram, deep links; LINE allows them, too
MAX_DAYS_AHEAD = 14
COMMANDS = frozenset(
    {"later", "stop", "person", "bring", "back", "hide", "forget", "resume", "restart", "help", "web"}
)

FIELDS = frozenset(
    {"hours", "wait", "human_now_or_not", "open_lines", "neutral_text", "preview", "expected", "stored"}
    | {"letter", "place", "day", "request_open", "ease_ask", "share_link", "wishes"}
)
ALWAYS_KNOWN = dict.fromkeys(("human_now_or_not", "neutral_text", "preview", "stored"), "…")
TARGET_TEXTS = frozenset({
    "start", "person", "safety", "free_text", "forget_confirm", "withdraw", "bring", "returned",
    "rejoined", "letter_card", "web_at", "notice_card",
})  # fmt: skip
TARGET_KINDS = {"withdraw": model.Withdraw, "bring": model.Bring}
REQUIRED_TEXTS = TARGET_TEXTS | EVENT_TEXTS | frozenset(
    {
        "exits", "see_entry", "nothing_found", "entry_gone", "erased", "stranded", "preview_empty", "neutral",
        "stopped", "stopped_waiting", "stopped_human", "stopped_erased", "later", "brought", "nothing_pending",
        "nothing_saved", "nothing_to_read", "notice_set", "notice_waits", "notice_near", "request_open", "day",
        "quoted", "preview_written", "stored_talk", "stored_wishes", "stored_written", "stored_saved",
        "stored_notices", "stored_letters_month", "stored_letters_season", "stored_silent", "stored_hushed",
        "stored_waiting", "nav_bring", "ease_ask", "already_waiting", "holding",
        "handed_back", "media", "stale", "concern", "concerns_add_up", "late", "welcome_back", "not_withdrawn",
        "risk_handed", "human_open",
        "human_closed", "human_unknown", "opening", "shift", "nav_person", "nav_resume", "nav_restart",
        "nav_withdraw", "label_summary", "label_atmosphere", "label_not_needed", "label_smaller_steps",
        "label_age", "label_residence", "label_anonymity", "label_reservation", "label_cost", "label_when",
        "label_source", "label_link", "date_unknown", "date_ask", "parked", "state_bot", "state_waiting",
        "state_human", "too_long", "empty", "unknown", "help", "unknown_command", "group", "sticker", "card_alt",
        "nav_web", "web_link", "web_none", "moved", "moved_away", "slow_down", "rich_menu", "rich_menu_bar",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing to mend. `blocks` keeps it from being published."""

    path: str
    message: str
    blocks: bool = True


def check(pack: Pack) -> list[Issue]:
    """Every issue, in the order of the content."""
    return [
        *_entry_codes(pack),
        *_texts(pack),
        *_rich_menu(pack),
        *_commands(pack),
        *_stickers(pack),
        *_flows(pack),
        *_resources(pack),
        *_events(pack),
        *_desks(pack),
        *_reading(pack),
    ]


def _entry_codes(pack: Pack) -> Iterator[Issue]:
    for code in pack.service.entry_codes:
        if not ENTRY_CODE.fullmatch(code) or code == "other":
            message = "is 1 to 32 of A-Z, a-z, 0-9, _ and -, and not `other`"
            yield Issue(path=f"service/entry_codes/{code}", message=message)


def _texts(pack: Pack) -> Iterator[Issue]:
    for key in sorted(REQUIRED_TEXTS - pack.texts.keys()):
        yield Issue(path=f"texts/{key}", message="is missing")
    for key, bubbles in pack.texts.items():
        path = f"texts/{key}"
        if key in REQUIRED_TEXTS and not bubbles:
            yield Issue(path=path, message="needs at least one bubble")
        if key in TARGET_TEXTS or is_safety(key):
            for target in bubbles:
                step = _found(pack, target, "")
                if step is None:
                    yield Issue(path=path, message=f"leads to {target}, which does not exist")
                elif not isinstance(step, wanted := TARGET_KINDS.get(key, model.Menu)):
                    kind = wanted.__struct_config__.tag
                    yield Issue(path=path, message=f"leads to {target}, which must be of kind {kind}")
        elif key != "rich_menu":
            yield from _bubbles(path, bubbles)
        if key in ("exits", "see_entry") or key.startswith("nav_"):
            yield from _labels(path, bubbles)
    if not all("{n}" in label for label in pack.texts.get("see_entry", ())):
        yield Issue(path="texts/see_entry", message="needs {n}, the number of the entry")
    if len(pack.texts.get("exits", ())) != 3:
        yield Issue(path="texts/exits", message="needs three labels: later, stop, person")
    if len(pack.texts.get("person", ())) != 2:
        yield Issue(
            path="texts/person", message="needs two targets: where the way to a person begins, and sends"
        )


def _rich_menu(pack: Pack) -> Iterator[Issue]:
    """Its words are written for the person by a tap, in every state: each must mean something by itself."""
    path, words = "texts/rich_menu", pack.texts.get("rich_menu", ())
    if len(words) != RICH_MENU:
        yield Issue(path=path, message=f"needs {RICH_MENU} words")
    for word in words:
        if fold(word) not in pack.entries and fold(word) not in pack.commands:
            yield Issue(path=f"{path}/{word}", message="opens nothing; use an entry word or a command")
    yield from _labels(path, words)
    for bar in pack.texts.get("rich_menu_bar", ()):
        if len(bar) > MAX_BAR:
            yield Issue(
                path="texts/rich_menu_bar", message=f"has {len(bar)} characters; LINE allows {MAX_BAR}"
            )


def _commands(pack: Pack) -> Iterator[Issue]:
    for command in sorted(COMMANDS - set(pack.commands.values())):
        yield Issue(path=f"commands/{command}", message="needs at least one word")
    for word, command in pack.commands.items():
        if command not in COMMANDS:
            yield Issue(path=f"commands/{command}", message=f"is one of {', '.join(sorted(COMMANDS))}")
        if not word:
            yield Issue(path=f"commands/{command}", message="has a word that nobody can write")


def _stickers(pack: Pack) -> Iterator[Issue]:
    """A picture must not end, erase or hand over anything: its meaning is a guess."""
    labels = {
        fold(label) for flow in pack.flows.values() for step in flow.steps.values() for label in step.choices
    }
    for word in dict.fromkeys(pack.stickers.values()):
        path = f"stickers/{word}"
        if not fold(word) or len(word) > MAX_LABEL:
            yield Issue(path=path, message=f"is a word of 1 to {MAX_LABEL} characters")
        if fold(word) in pack.commands:
            yield Issue(path=path, message=f"means {pack.commands[fold(word)]}, which a sticker must not do")
        if fold(word) in labels:
            yield Issue(path=path, message="is the label of a choice, which a sticker must not make")
        if highest(pack.rules.scan(word)) >= Level.HIGH:
            yield Issue(path=path, message="raises an alarm, which a guess must not do")
    if "" in pack.stickers:
        yield Issue(path="stickers", message="has a keyword that no sticker can have")


def _labels(path: str, labels: tuple[str, ...]) -> Iterator[Issue]:
    for label in labels:
        if not 0 < len(label.strip()) <= len(label) <= MAX_LABEL:
            yield Issue(
                path=f"{path}/{label}", message=f"{len(label)} characters; LINE allows 1 to {MAX_LABEL}"
            )


def _bubbles(path: str, bubbles: tuple[str, ...]) -> Iterator[Issue]:
    if len(bubbles) > MAX_BUBBLES:
        yield Issue(path=path, message=f"has {len(bubbles)} bubbles; {MAX_BUBBLES} are allowed (R-038)")
    for place, bubble in enumerate(bubbles):
        if not bubble.strip():
            yield Issue(path=f"{path}[{place}]", message="is empty")
        if len(bubble) > MAX_LENGTH:
            yield Issue(
                path=f"{path}[{place}]",
                message=f"has {len(bubble)} characters; {MAX_LENGTH} are allowed (R-038)",
            )


def _found(pack: Pack, target: str, flow: str) -> model.AnyStep | None:
    flow_id, step = model.resolve(target, flow)
    return pack.flows[flow_id].steps.get(step) if flow_id in pack.flows else None


def _exists(pack: Pack, target: str, flow: str) -> bool:
    return _found(pack, target, flow) is not None


def _flows(pack: Pack) -> Iterator[Issue]:
    owners: dict[str, str] = {}
    for flow in pack.flows.values():
        for word in flow.entry:
            path, folded = f"flow/{flow.id}/entry", fold(word)
            other = owners.setdefault(folded, flow.id)
            if not folded:
                yield Issue(path=path, message=f"nobody can write the word {word!r}")
            elif other != flow.id:
                yield Issue(path=path, message=f"the word {word} already opens {other}")
            elif folded in pack.commands:
                yield Issue(path=path, message=f"the word {word} means {pack.commands[folded]} everywhere")
        if flow.entry and isinstance(_arrival(pack, flow.first), model.Forget | model.Handoff):
            yield Issue(
                path=f"flow/{flow.id}/entry", message="a word alone would erase or hand over; ask first"
            )
        for name, step in flow.steps.items():
            yield from _step(pack, flow, name, step)


def _step(pack: Pack, flow: model.Flow, name: str, step: model.AnyStep) -> Iterator[Issue]:
    path = f"flow/{flow.id}/steps/{name}"
    if "/" in name or "/" in flow.id:
        yield Issue(path=path, message="ids must not contain /")
    longest = model.choice_id(flow.id, name, model.entry_key(MAX_LISTED, "")).encode()
    if len(longest) > MAX_ID_BYTES:
        most = MAX_ID_BYTES - len(longest) + len((flow.id + name).encode())
        yield Issue(path=path, message=f"flow and step id together are over {most} bytes")
    yield from _bubbles(f"{path}/say", step.say)
    for place, bubble in enumerate(step.say):
        for unknown in sorted(fields(bubble) - FIELDS):
            yield Issue(path=f"{path}/say[{place}]", message=f"{{{unknown}}} is not a known field")
    if not step.say and not isinstance(step, model.MAY_BE_SILENT):
        yield Issue(path=f"{path}/say", message="says nothing")
    elif step.say and not any(fill(bubble, ALWAYS_KNOWN) for bubble in step.say):
        yield Issue(path=f"{path}/say", message="says nothing while its fields are not known")
    if step.exits == model.NO_EXITS and not step.choices and isinstance(step, model.PLACES):
        yield Issue(path=f"{path}/exits", message="has neither exits nor choices")
    if step.exits not in (model.STANDARD_EXITS, model.NO_EXITS):
        yield Issue(path=f"{path}/exits", message="is std or none")
    if step.save in OWN:
        yield Issue(path=f"{path}/save", message=f"{step.save} is a reserved name")
    if isinstance(step, model.Handoff) and step.reason not in [reason.value for reason in Reason]:
        yield Issue(path=f"{path}/reason", message=f"is one of {', '.join(Reason)}")
    yield from _own(path, step)
    if isinstance(step, model.ShowResources | model.ShowEvents) and not 1 <= step.query.limit <= MAX_LISTED:
        yield Issue(path=f"{path}/query/limit", message=f"is 1 to {MAX_LISTED} (R-021)")
    if isinstance(step, model.Ask) and not 0 <= step.pause <= MAX_PAUSE:
        yield Issue(path=f"{path}/pause", message=f"is 0 to {MAX_PAUSE} seconds")
    if isinstance(step, model.Prefer) and not 0 <= (step.hush_days or 0) <= MAX_HUSH_DAYS:
        yield Issue(path=f"{path}/hush_days", message=f"is 0 to {MAX_HUSH_DAYS}")
    if isinstance(step, model.PASSING) and _arrival(pack, f"{flow.id}/{name}") is None:
        yield Issue(path=f"{path}/to", message="goes round in a circle and never waits")
    yield from _choices(pack, flow, path, step)


def _own(path: str, step: model.AnyStep) -> Iterator[Issue]:
    """Conditions, labels that keep no answer, and the names that steps on the person's own things use."""
    for label, condition in step.when.items():
        if label not in step.choices:
            yield Issue(path=f"{path}/when/{label}", message="is no choice of this step")
        if condition.removeprefix("not ") not in CONDITIONS:
            known = "、".join(sorted(CONDITIONS))
            yield Issue(path=f"{path}/when/{label}", message=f"is one of {known}, or not and one")
    for label in step.skip:
        if label not in step.choices:
            yield Issue(path=f"{path}/skip/{label}", message="is no choice of this step")
    always = [label for label in step.choices if label not in step.when]
    if step.exits == model.NO_EXITS and step.choices and not always:
        yield Issue(path=f"{path}/exits", message="may leave a person without any choice")
    if isinstance(step, model.Keep) and step.what not in ("entry", "written", "wishes"):
        yield Issue(path=f"{path}/what", message="is entry, written or wishes")
    if isinstance(step, model.Drop) and step.what not in DROPPABLE:
        yield Issue(path=f"{path}/what", message=f"is one of {', '.join(DROPPABLE)}")
    if isinstance(step, model.Letters) and step.every not in LETTERS:
        yield Issue(path=f"{path}/every", message=f"is one of {', '.join(LETTERS)}")
    if isinstance(step, model.Notice) and not 1 <= step.days <= MAX_DAYS_AHEAD:
        yield Issue(path=f"{path}/days", message=f"is 1 to {MAX_DAYS_AHEAD}")
    if isinstance(step, model.Count) and step.name not in COUNTS:
        yield Issue(path=f"{path}/name", message=f"is one of {', '.join(sorted(COUNTS))} (R-122)")


def _arrival(pack: Pack, target: str) -> model.AnyStep | str | None:
    """Where going on from a target comes to wait or act; None when it never does, the target when it is missing."""
    for _ in range(MAX_STEPS):
        step = _found(pack, target, "")
        if not isinstance(step, model.PASSING):
            return step or target
        target = "/".join(model.resolve(step.to, target.partition("/")[0]))
    return None


def _choices(pack: Pack, flow: model.Flow, path: str, step: model.AnyStep) -> Iterator[Issue]:
    listed = 0
    if isinstance(step, model.LISTS) and step.each:
        listed = step.query.limit if isinstance(step, model.ShowResources | model.ShowEvents) else MAX_LISTED
    if len(step.choices) + listed > MAX_CHOICES:
        yield Issue(
            path=f"{path}/choices", message=f"{len(step.choices) + listed} choices; {MAX_CHOICES} are allowed"
        )
    keys = [model.choice_key(label) for label in step.choices]
    if len(set(keys)) != len(keys):
        yield Issue(path=f"{path}/choices", message="two labels are too alike for the machine; change one")
    yield from _labels(f"{path}/choices", tuple(step.choices))
    for label, target in step.choices.items():
        if not _exists(pack, target, flow.id):
            yield Issue(path=f"{path}/choices/{label}", message=f"leads to {target}, which does not exist")
    for field in ("to", "each"):
        target = getattr(step, field, "")
        if (target or field == "to") and hasattr(step, field) and not _exists(pack, target, flow.id):
            yield Issue(
                path=f"{path}/{field}", message=f"leads to {target or 'nowhere'}, which does not exist"
            )


def _resources(pack: Pack) -> Iterator[Issue]:
    for resource in pack.resources.values():
        path = f"resource/{resource.id}"
        schedule = resource.schedule
        if resource.id.split() != [resource.id]:
            yield Issue(path=path, message="ids must not contain spaces")
        if resource.url and not resource.url.startswith("https://"):
            yield Issue(path=f"{path}/url", message="must begin with https://")
        if schedule is None:
            continue
        for where, message in schedule_issues(f"{path}/schedule", schedule):
            yield Issue(path=where, message=message)


def _events(pack: Pack) -> Iterator[Issue]:
    for path, message in event_issues(pack.series, pack.events, pack.resources):
        yield Issue(path=path, message=message)


def _desks(pack: Pack) -> Iterator[Issue]:
    if not pack.desks:
        yield Issue(path="desk", message="needs at least one desk, where tickets go")
    if not pack.rules.rules:
        yield Issue(path="risk_rule", message="needs at least one rule")


def _reading(pack: Pack) -> Iterator[Issue]:
    for article in pack.articles.values():
        path = f"article/{article.id}"
        if article.id.split() != [article.id]:
            yield Issue(path=path, message="ids must not contain spaces")
        if not article.pages:
            yield Issue(path=f"{path}/pages", message="needs at least one page")
        yield from _labels(f"{path}/title", (article.title,))
        for place, page in enumerate(article.pages):
            yield from _bubbles(f"{path}/pages[{place}]", (page,))
    for letter in pack.letters:
        yield from _bubbles(f"letter/{letter.id}/text", (letter.text,))
        if not letter.months or not set(letter.months) <= set(range(1, 13)):
            yield Issue(path=f"letter/{letter.id}/months", message="are of 1 to 12")
    for question in pack.questions:
        path = f"question/{question.id}"
        if not _exists(pack, question.leads_to, ""):
            yield Issue(
                path=f"{path}/leads_to", message=f"leads to {question.leads_to}, which does not exist"
            )
        elif not isinstance(_found(pack, question.leads_to, ""), model.PLACES):
            yield Issue(path=f"{path}/leads_to", message="must be a step that only tells")
        if not question.all or not all(any(map(fold, group)) for group in question.all):
            yield Issue(path=f"{path}/all", message="needs at least one word in every group")
