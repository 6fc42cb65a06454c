"""Issues of a pack: what would go wrong for a person, found before anybody meets it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.content.calendar import check_rule
from bot.content.pack import Pack
from bot.flows import model
from bot.flows.engine import MAX_BUBBLES, MAX_LENGTH
from bot.flows.nodes import ENTRY, LISTED, OFFSET
from bot.flows.template import fields
from bot.handoff.ticket import Reason

MAX_LABEL = 20
MAX_CHOICES = 10
MAX_ID_BYTES = 64
SCHEDULE_KINDS = frozenset({"exact", "roughly", "frequency", "dates", "always"})

FIELDS = frozenset(
    {"hours", "wait", "human_now_or_not", "open_lines", "neutral_text", "preview", "expected", "stored"}
    | {"article", "last_step", "person_here_or_left"}
)
TARGET_TEXTS = frozenset({"start", "person", "safety", "free_text", "forget_confirm", "withdraw"})
REQUIRED_TEXTS = TARGET_TEXTS | frozenset(
    {
        "exits", "see_entry", "nothing_found", "entry_gone", "erased", "stranded", "preview_empty", "neutral",
        "stopped", "stopped_waiting", "stopped_human", "later", "welcome_back", "already_waiting", "holding",
        "handed_back", "media", "stale", "concern", "concerns_add_up", "not_withdrawn", "human_open",
        "human_closed", "human_unknown", "opening", "shift", "nav_person", "nav_resume", "nav_restart",
        "nav_withdraw", "label_summary", "label_atmosphere", "label_not_needed", "label_smaller_steps",
        "label_age", "label_residence", "label_anonymity", "label_reservation", "label_cost", "label_when",
        "label_source", "label_link", "date_unknown", "date_ask", "parked", "state_bot", "state_waiting",
        "state_human", "too_long", "empty", "unknown",
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
    return [*_texts(pack), *_flows(pack), *_resources(pack), *_desks(pack)]


def _texts(pack: Pack) -> Iterator[Issue]:
    for key in sorted(REQUIRED_TEXTS - pack.texts.keys()):
        yield Issue(path=f"texts/{key}", message="is missing")
    for key, bubbles in pack.texts.items():
        path = f"texts/{key}"
        if key in REQUIRED_TEXTS and not bubbles:
            yield Issue(path=path, message="needs at least one bubble")
        if key in TARGET_TEXTS or key.startswith("safety_"):
            for target in bubbles:
                if not _exists(pack, target, ""):
                    yield Issue(path=path, message=f"leads to {target}, which does not exist")
        else:
            yield from _bubbles(path, bubbles)
    if len(pack.texts.get("exits", ())) != 3:
        yield Issue(path="texts/exits", message="needs three labels: later, stop, person")
    if len(pack.texts.get("person", ())) != 2:
        yield Issue(
            path="texts/person", message="needs two targets: where the way to a person begins, and sends"
        )


def _bubbles(path: str, bubbles: tuple[str, ...]) -> Iterator[Issue]:
    if len(bubbles) > MAX_BUBBLES:
        yield Issue(path=path, message=f"has {len(bubbles)} bubbles; {MAX_BUBBLES} are allowed (R-038)")
    for place, bubble in enumerate(bubbles):
        if len(bubble) > MAX_LENGTH:
            yield Issue(
                path=f"{path}[{place}]",
                message=f"has {len(bubble)} characters; {MAX_LENGTH} are allowed (R-038)",
            )


def _exists(pack: Pack, target: str, flow: str) -> bool:
    flow_id, step = model.resolve(target, flow)
    return flow_id in pack.flows and step in pack.flows[flow_id].steps


def _flows(pack: Pack) -> Iterator[Issue]:
    owners: dict[str, str] = {}
    for flow in pack.flows.values():
        for word in flow.entry:
            other = owners.setdefault(word, flow.id)
            if other != flow.id:
                yield Issue(path=f"flow/{flow.id}/entry", message=f"the word {word} already opens {other}")
        for name, step in flow.steps.items():
            yield from _step(pack, flow, name, step)


def _step(pack: Pack, flow: model.Flow, name: str, step: model.AnyStep) -> Iterator[Issue]:
    path = f"flow/{flow.id}/steps/{name}"
    if "/" in name or "/" in flow.id:
        yield Issue(path=path, message="ids must not contain /")
    if len(model.choice_id(flow.id, name, "x" * 8).encode()) > MAX_ID_BYTES:
        yield Issue(path=path, message=f"flow and step id together are over {MAX_ID_BYTES - 10} bytes")
    yield from _bubbles(f"{path}/say", step.say)
    for place, bubble in enumerate(step.say):
        for unknown in sorted(fields(bubble) - FIELDS):
            yield Issue(path=f"{path}/say[{place}]", message=f"{{{unknown}}} is not a known field")
    if not step.say and not isinstance(step, model.Goto | model.Forget):
        yield Issue(path=f"{path}/say", message="says nothing")
    if step.exits not in (model.STANDARD_EXITS, model.NO_EXITS):
        yield Issue(path=f"{path}/exits", message="is std or none")
    if step.save in (ENTRY, LISTED, OFFSET):
        yield Issue(path=f"{path}/save", message=f"{step.save} is a reserved name")
    if isinstance(step, model.Handoff) and step.reason not in [reason.value for reason in Reason]:
        yield Issue(path=f"{path}/reason", message=f"is one of {', '.join(Reason)}")
    yield from _choices(pack, flow, path, step)


def _choices(pack: Pack, flow: model.Flow, path: str, step: model.AnyStep) -> Iterator[Issue]:
    listed = step.query.limit if isinstance(step, model.ShowResources | model.ShowEvents) and step.each else 0
    if len(step.choices) + listed > MAX_CHOICES:
        yield Issue(
            path=f"{path}/choices", message=f"{len(step.choices) + listed} choices; {MAX_CHOICES} are allowed"
        )
    keys = [model.choice_key(label) for label in step.choices]
    if len(set(keys)) != len(keys):
        yield Issue(path=f"{path}/choices", message="two labels are too alike for the machine; change one")
    for label, target in step.choices.items():
        if not 0 < len(label) <= MAX_LABEL:
            yield Issue(
                path=f"{path}/choices/{label}", message=f"{len(label)} characters; LINE allows {MAX_LABEL}"
            )
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
        if resource.url and not resource.url.startswith("https://"):
            yield Issue(path=f"{path}/url", message="must begin with https://")
        if schedule is None:
            continue
        if schedule.kind not in SCHEDULE_KINDS:
            yield Issue(
                path=f"{path}/schedule/kind", message=f"is one of {', '.join(sorted(SCHEDULE_KINDS))}"
            )
        if schedule.kind == "exact":
            try:
                check_rule(schedule.rrule)
            except (ValueError, TypeError) as error:
                yield Issue(path=f"{path}/schedule/rrule", message=f"is no recurrence rule: {error}")
        elif schedule.kind != "dates" and not schedule.wording:
            yield Issue(path=f"{path}/schedule/wording", message="needs the wording people are shown")


def _desks(pack: Pack) -> Iterator[Issue]:
    if not pack.desks:
        yield Issue(path="desk", message="needs at least one desk, where tickets go")
    if not pack.rules.rules:
        yield Issue(path="risk_rule", message="needs at least one rule")
