"""Issues of flows: steps that lead nowhere, say too much, ask too much, or make a condition of what must not be one."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

from bot.content.check_places import query_issues
from bot.content.check_words import bubble_issues, label_issues
from bot.content.issues import Issue, told
from bot.content.pack import Pack
from bot.flows import model
from bot.flows.engine import MAX_STEPS
from bot.flows.matching import fold
from bot.flows.mine import DROPPABLE
from bot.flows.reminders import LETTERS
from bot.flows.scene import CONDITIONS, COUNTS, MAX_LISTED, OWN
from bot.flows.template import fields, fill
from bot.handoff.ticket import Reason

MAX_CHOICES = 10
MAX_ID_BYTES = 64
MAX_PAUSE = 600
MAX_HUSH_DAYS = 3650
MAX_DAYS_AHEAD = 14
QUESTION = re.compile(r"[?？]|(?:です|ます|でしょう|ません)か(?=[。\n]|$)")
DURATION_NAME = re.compile(r"期間|duration", re.IGNORECASE)
DURATION_ASKED = re.compile(r"期間|何年|何[かヶカケ]月|いつから|どのくらい.*(?:家に|ひきこも|こもって)")
DURATION_LABEL = re.compile(
    r"^約?[0-9０-９一二三四五六七八九十半]+(?:年|[かヶカケ]月)間?(?:以上|未満|以内|から|くらい|ほど|より短い|より長い)?$"
)

FIELDS = frozenset(
    {"hours", "wait", "human_now_or_not", "open_lines", "neutral_text", "preview", "expected", "stored"}
    | {"letter", "place", "day", "request_open", "ease_ask", "share_link", "wishes", "desk", "minor_note"}
)
ALWAYS_KNOWN = dict.fromkeys(("human_now_or_not", "neutral_text", "preview", "stored"), "…")


def flow_issues(pack: Pack, targets: Iterable[str]) -> Iterator[Issue]:
    """Every issue of every flow; `targets` are where the conversation itself leads."""
    owners: dict[str, str] = {}
    reached = _reached(pack, targets)
    for flow in pack.flows.values():
        yield from _entry_issues(pack, flow, owners)
        for name, step in flow.steps.items():
            yield from _step(pack, flow, name, step)
            if f"{flow.id}/{name}" not in reached:
                path = f"flow/{flow.id}/steps/{name}"
                yield Issue(path=path, message=told("unreachable"), blocks=False)
            if _asks_on(pack, f"{flow.id}/{name}", 3):
                path = f"flow/{flow.id}/steps/{name}"
                yield Issue(path=path, message=told("questions_in_a_row"), blocks=False)


def found_step(pack: Pack, target: str, flow: str) -> model.AnyStep | None:
    flow_id, step = model.resolve(target, flow)
    return pack.flows[flow_id].steps.get(step) if flow_id in pack.flows else None


def _onward(step: model.AnyStep) -> Iterator[str]:
    """Where a step can lead: its choices, then `to` and `each`."""
    yield from step.choices.values()
    yield from (target for field in ("to", "each") if (target := getattr(step, field, "")))


def _reached(pack: Pack, targets: Iterable[str]) -> set[str]:
    todo = deque([*targets, *pack.entries.values()])
    found: set[str] = set()
    while todo:
        flow, name = model.resolve(todo.popleft(), "")
        step = found_step(pack, f"{flow}/{name}", "")
        if step is not None and f"{flow}/{name}" not in found:
            found.add(f"{flow}/{name}")
            todo.extend("/".join(model.resolve(target, flow)) for target in _onward(step))
    return found


def _asks(step: model.AnyStep) -> bool:
    return isinstance(step, model.Menu | model.Ask) and any(QUESTION.search(said) for said in step.say)


def _asks_on(pack: Pack, place: str, times: int) -> bool:
    """Whether from here every way leads through so many steps that ask, one after another (R-025)."""
    flow = place.partition("/")[0]
    step = found_step(pack, place, "")
    if step is None or not _asks(step):
        return False
    onward = ["/".join(model.resolve(target, flow)) for target in _onward(step)]
    return times == 1 or (bool(onward) and all(_asks_on(pack, target, times - 1) for target in onward))


def _entry_issues(pack: Pack, flow: model.Flow, owners: dict[str, str]) -> Iterator[Issue]:
    path = f"flow/{flow.id}/entry"
    for word in flow.entry:
        folded = fold(word)
        other = owners.setdefault(folded, flow.id)
        if not folded:
            yield Issue(path=path, message=told("word_unwritable"))
        elif other != flow.id:
            yield Issue(path=path, message=told("entry_taken", word=word, other=other))
        elif folded in pack.commands:
            yield Issue(path=path, message=told("entry_command", word=word, command=pack.commands[folded]))
    if flow.entry and isinstance(_arrival(pack, flow.first), model.Forget | model.Handoff):
        yield Issue(path=path, message=told("entry_deed"))


def _step(pack: Pack, flow: model.Flow, name: str, step: model.AnyStep) -> Iterator[Issue]:
    path = f"flow/{flow.id}/steps/{name}"
    if "/" in name or "/" in flow.id:
        yield Issue(path=path, message=told("id_slash"))
    longest = model.choice_id(flow.id, name, model.entry_key(MAX_LISTED, "")).encode()
    if len(longest) > MAX_ID_BYTES:
        most = MAX_ID_BYTES - len(longest) + len((flow.id + name).encode())
        yield Issue(path=path, message=told("id_long", most=most))
    yield from _said(path, step)
    if _is_about_duration(name, step):
        yield Issue(path=path, message=told("duration"))
    if step.exits == model.NO_EXITS and not step.choices and isinstance(step, model.PLACES):
        yield Issue(path=f"{path}/exits", message=told("no_way_out"))
    if step.exits not in (model.STANDARD_EXITS, model.NO_EXITS):
        yield Issue(path=f"{path}/exits", message=told("exits_words"))
    if step.save in OWN:
        yield Issue(path=f"{path}/save", message=told("save_reserved", name=step.save))
    if isinstance(step, model.Handoff) and step.reason not in [reason.value for reason in Reason]:
        yield Issue(path=f"{path}/reason", message=told("reason_words", known="、".join(Reason)))
    if isinstance(step, model.ShowResources | model.ShowEvents):
        if not 1 <= step.query.limit <= MAX_LISTED:
            yield Issue(path=f"{path}/query/limit", message=told("limit", most=MAX_LISTED))
        yield from query_issues(f"{path}/query", step.query)
    if isinstance(step, model.Ask) and not 0 <= step.pause <= MAX_PAUSE:
        yield Issue(path=f"{path}/pause", message=told("pause", most=MAX_PAUSE))
    if isinstance(step, model.Prefer) and not 0 <= (step.hush_days or 0) <= MAX_HUSH_DAYS:
        yield Issue(path=f"{path}/hush_days", message=told("hush", most=MAX_HUSH_DAYS))
    if isinstance(step, model.PASSING) and _arrival(pack, f"{flow.id}/{name}") is None:
        yield Issue(path=f"{path}/to", message=told("circle"))
    yield from _own(path, step)
    yield from _choices(pack, flow, path, step)


def _said(path: str, step: model.AnyStep) -> Iterator[Issue]:
    yield from bubble_issues(f"{path}/say", step.say)
    for place, bubble in enumerate(step.say):
        for unknown in sorted(fields(bubble) - FIELDS):
            yield Issue(path=f"{path}/say[{place}]", message=told("field_not_known", name=unknown))
    if not step.say and not isinstance(step, model.MAY_BE_SILENT):
        yield Issue(path=f"{path}/say", message=told("says_nothing"))
    elif step.say and not any(fill(bubble, ALWAYS_KNOWN) for bubble in step.say):
        yield Issue(path=f"{path}/say", message=told("says_nothing_yet"))
    asked = sum(len(QUESTION.findall(bubble)) for bubble in step.say)
    if asked > 1:
        yield Issue(path=f"{path}/say", message=told("questions", n=asked))


def _is_about_duration(name: str, step: model.AnyStep) -> bool:
    """Whether a step asks how long it has been, by its name, its question or its buttons (R-001)."""
    if DURATION_NAME.search(name) or DURATION_NAME.search(step.save):
        return True
    asked = any(QUESTION.search(said) and DURATION_ASKED.search(said) for said in step.say)
    return asked or any(DURATION_LABEL.match(label) for label in step.choices)


def _own(path: str, step: model.AnyStep) -> Iterator[Issue]:
    """Conditions, labels that keep no answer, and the names that steps on the person's own things use."""
    for label, condition in step.when.items():
        if label not in step.choices:
            yield Issue(path=f"{path}/when/{label}", message=told("label_unknown"))
        if condition.removeprefix("not ") not in CONDITIONS:
            message = told("condition", known="、".join(sorted(CONDITIONS)))
            yield Issue(path=f"{path}/when/{label}", message=message)
    for label in step.skip:
        if label not in step.choices:
            yield Issue(path=f"{path}/skip/{label}", message=told("label_unknown"))
    always = [label for label in step.choices if label not in step.when]
    if step.exits == model.NO_EXITS and step.choices and not always:
        yield Issue(path=f"{path}/exits", message=told("choices_for_some"))
    if isinstance(step, model.Notice) and not 1 <= step.days <= MAX_DAYS_AHEAD:
        yield Issue(path=f"{path}/days", message=told("notice_days", most=MAX_DAYS_AHEAD))
    if isinstance(step, model.Keep):
        yield from _one_of(f"{path}/what", step.what, ("entry", "written", "wishes"))
    if isinstance(step, model.Drop):
        yield from _one_of(f"{path}/what", step.what, DROPPABLE)
    if isinstance(step, model.Letters):
        yield from _one_of(f"{path}/every", step.every, LETTERS)
    if isinstance(step, model.Count):
        yield from _one_of(f"{path}/name", step.name, sorted(COUNTS))


def _one_of(path: str, word: str, known: Iterable[str]) -> Iterator[Issue]:
    if word not in known:
        yield Issue(path=path, message=told("vocabulary", word=word, known="、".join(known)))


def _arrival(pack: Pack, target: str) -> model.AnyStep | str | None:
    """Where going on from a target comes to wait or act; None when it never does, the target when it is missing."""
    for _ in range(MAX_STEPS):
        step = found_step(pack, target, "")
        if not isinstance(step, model.PASSING):
            return step or target
        target = "/".join(model.resolve(step.to, target.partition("/")[0]))
    return None


def _choices(pack: Pack, flow: model.Flow, path: str, step: model.AnyStep) -> Iterator[Issue]:
    listed = 0
    if isinstance(step, model.LISTS) and step.each:
        listed = step.query.limit if isinstance(step, model.ShowResources | model.ShowEvents) else MAX_LISTED
    if len(step.choices) + listed > MAX_CHOICES:
        message = told("choices", n=len(step.choices) + listed, most=MAX_CHOICES)
        yield Issue(path=f"{path}/choices", message=message)
    keys = [model.choice_key(label) for label in step.choices]
    if len(set(keys)) != len(keys):
        yield Issue(path=f"{path}/choices", message=told("labels_alike"))
    yield from label_issues(f"{path}/choices", tuple(step.choices))
    for label, target in step.choices.items():
        if found_step(pack, target, flow.id) is None:
            yield Issue(path=f"{path}/choices/{label}", message=told("target_missing", target=target))
    for field in ("to", "each"):
        target = getattr(step, field, "")
        if (target or field == "to") and hasattr(step, field) and found_step(pack, target, flow.id) is None:
            yield Issue(path=f"{path}/{field}", message=told("target_missing", target=target))
