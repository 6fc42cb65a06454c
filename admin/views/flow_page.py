"""What the flow editor shows: the map with its boxes, the list beside it, and what is wrong with which step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from admin.views.flow_form import KINDS, called, target_name
from admin.words import Words
from bot.content.check_words import MAX_LABEL
from bot.content.flow_links import arrivals, links_of
from bot.content.flow_map import BOX_HIGH, BOX_WIDE, Box, map_of, path_of
from bot.content.issues import Issue
from bot.flows import model
from bot.flows.engine import MAX_LENGTH
from bot.flows.model import Flow

MOST_FROM = 4
"""Steps named as those that lead to one."""
ON_BOX = 10
"""Characters of a title that fit on a box of the map."""
LIMITS = {"bubble": MAX_LENGTH, "label": MAX_LABEL}
EDITOR = "/admin/studio/flows/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A box of the map in words. `words` is what is read aloud, `under` the line below the title."""

    box: Box
    href: str
    title: str
    under: str
    words: str
    here: bool
    issues: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A step in the list beside the map, with where it leads."""

    name: str
    href: str
    title: str
    kind: str
    ways: Sequence[str]
    issues: int
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing to mend: at which step, in which field of it, and what to do. `step` is empty for the flow itself."""

    step: str
    title: str
    field: str
    message: str
    blocks: bool


def troubles_of(flow: Flow, issues: Sequence[Issue]) -> list[Trouble]:
    """Issues of the flow by step and field of the form: `say0`, `choices`, `label:…`, `to`."""
    found = []
    for issue in issues:
        parts = issue.path.split("/")
        step = parts[3] if len(parts) > 3 and parts[2] == "steps" else ""
        rest = parts[4:]
        field = rest[0] if rest else ""
        if field.startswith("say["):
            field = f"say{field[4:-1]}"
        elif field == "choices" and len(rest) > 1:
            field = "label:" + "/".join(rest[1:])
        elif field in ("when", "skip"):
            field = "choices"
        title = called(flow, step) if step else flow.name
        found.append(Trouble(step=step, title=title, field=field, message=issue.message, blocks=issue.blocks))
    return found


def by_field(troubles: Sequence[Trouble], step: str) -> Mapping[str, list[Trouble]]:
    """What is wrong with one step, by field."""
    found: dict[str, list[Trouble]] = defaultdict(list)
    for one in troubles:
        if one.step == step:
            found[one.field].append(one)
    return found


def href_of(flow_id: str, step: str, query: str) -> str:
    """The address of a step in the editor; who looks, and by which channel, goes along."""
    return f"{EDITOR}{quote(flow_id, safe='')}?step={quote(step, safe='')}{'&' + query if query else ''}"


def map_in_words(
    t: Words, flow: Flow, flows: Mapping[str, Flow], troubles: Sequence[Trouble], here: str, query: str
) -> dict[str, object]:
    """The map for the template: its size, the ways, and a slip for each box."""
    drawn = map_of(flow)
    counted: dict[str, int] = defaultdict(int)
    for one in troubles:
        counted[one.step] += 1
    slips = [_slip(t, flow, flows, box, counted, here, query) for box in drawn.boxes]
    chosen = f"{flow.id}/{here}"
    lines = [
        {
            "path": path_of(line),
            "class": " ".join(
                (
                    "ed",
                    *(["back"] if line.back else []),
                    *(["on"] if chosen in (line.start, line.end) else []),
                )
            ),
        }
        for line in drawn.lines
    ]
    exits = [
        slip.box
        for slip in slips
        if not slip.box.far and flow.steps[slip.box.target.partition("/")[2]].exits != model.NO_EXITS
    ]
    size = {"wide": drawn.wide, "high": drawn.high, "box_wide": BOX_WIDE, "box_high": BOX_HIGH}
    return {**size, "slips": slips, "lines": lines, "exits": exits}


def _slip(
    t: Words,
    flow: Flow,
    flows: Mapping[str, Flow],
    box: Box,
    counted: Mapping[str, int],
    here: str,
    query: str,
) -> Slip:
    flow_id, name = model.resolve(box.target, flow.id)
    if box.far:
        other = flows.get(flow_id)
        title = called(other, name) if other else box.target
        under = t("in {flow}", flow=other.name) if other else t("is missing")
        return Slip(
            box=box,
            href=href_of(flow_id, name, query),
            title=_cut(title, ON_BOX),
            under=_cut(under, ON_BOX + 2),
            words=f"{title}、{under}",
            here=False,
            issues=0,
        )
    step, title, issues = flow.steps[name], called(flow, name), counted[name]
    if step.choices:
        said = t.count("{n} choice", "{n} choices", len(step.choices))
    else:
        said = t(KINDS[str(step.__struct_config__.tag)])
    leads = t("{n} elsewhere", n=len(box.leads)) if box.leads else ""
    wrong = t("to mend: {n}", n=issues) if issues else ""
    return Slip(
        box=box,
        href=href_of(flow.id, name, query),
        title=_cut(title, ON_BOX),
        under=f"{wrong or _cut(said, ON_BOX)} {'' if wrong else leads}".strip(),
        words="、".join(part for part in (title, said, leads, wrong) if part),
        here=name == here,
        issues=issues,
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def list_in_words(
    t: Words, flow: Flow, flows: Mapping[str, Flow], troubles: Sequence[Trouble], here: str, query: str
) -> list[Item]:
    """Every step with where it leads: the map as text."""
    counted: dict[str, int] = defaultdict(int)
    for one in troubles:
        counted[one.step] += 1
    found = []
    for name, step in flow.steps.items():
        ways = []
        for link in links_of(name, step):
            there = target_name(link.target, flow, flows)
            ways.append(f"{link.label or t('by itself')} → {there}")
        found.append(
            Item(
                name=name,
                href=href_of(flow.id, name, query),
                title=called(flow, name),
                kind=t(KINDS[str(step.__struct_config__.tag)]),
                ways=ways,
                issues=counted[name],
                here=name == here,
            )
        )
    return found


def comes_from(flow: Flow, name: str) -> list[str]:
    """Titles of some of the steps that lead here."""
    found = dict.fromkeys(called(flow, link.step) for link in arrivals(flow, name) if link.step != name)
    return [*list(found)[:MOST_FROM], *(["…"] if len(found) > MOST_FROM else [])]


def in_numbers(t: Words, troubles: Sequence[Trouble], used: int) -> dict[str, str]:
    """How much there is to mend, and how many other places lead to the step."""
    blocking = sum(one.blocks for one in troubles)
    return {
        "troubles": t.count("{n} thing to mend", "{n} things to mend", len(troubles)),
        "blocking": t.count(
            "{n} thing to mend before it can be sent to review.",
            "{n} things to mend before it can be sent to review.",
            blocking,
        ),
        "used": t.count("{n} other place leads here.", "{n} other places lead here.", used),
    }
