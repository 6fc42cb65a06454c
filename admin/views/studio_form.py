"""Documents as forms: how a form shows a body, and how what was written goes back into it. Pure.

An empty field is nothing told, and is shown to people as 未確認; whatever a form does not know stays as it was.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from admin.views.studio_fields import FORMS
from admin.views.studio_shapes import Field
from admin.words import marked
from bot.content.areas import areas, prefecture_of
from bot.content.recurrence_words import CODES, NTHS, SECOND, rule_of, ticks_of, words_of, words_of_ticks
from bot.errors import BadInput


def value(body: Mapping[str, Any], path: str) -> Any:
    """What lies at a path; None when nothing does."""
    found: Any = body
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def shown(body: Mapping[str, Any], field: Field) -> Any:
    """A field's value as its control holds it."""
    found = value(body, field.path)
    match field.shape:
        case "tri":
            return "" if found is None else "yes" if found is True else "no"
        case "many":
            return list(found) if isinstance(found, list | tuple) else []
        case "lines":
            return "\n".join(map(str, found)) if isinstance(found, list | tuple) else found or ""
        case "shifts":
            return "\n".join(map(_span, found)) if isinstance(found, list | tuple) else found or ""
        case "pages":
            return "\n\n".join(map(str, found)) if isinstance(found, list | tuple) else found or ""
    return "" if found is None else str(found)


def applied(kind: str, body: Mapping[str, Any], form: Mapping[str, str], section: str = "") -> dict[str, Any]:
    """The body with what a form says; of one section only, if named."""
    found = dict(body)
    for each in FORMS[kind]:
        if section and each.id != section:
            continue
        for field in each.fields:
            _put(found, field.path, _said(field, form), keep_empty=field.required)
        if each.id == "schedule":
            made = schedule_of(value(body, "schedule") or {}, form)
            _put(found, "schedule", made, keep_empty=False)
    return found


def _said(field: Field, form: Mapping[str, str]) -> Any:
    text = form.get(field.path, "").strip()
    match field.shape:
        case "tri":
            return {"yes": True, "no": False}.get(text)
        case "many":
            return [option for option in field.options if form.get(f"{field.path}={option}")]
        case "lines":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "shifts":
            return [_shift(line) for line in text.splitlines() if line.strip()]
        case "pages":
            return [page.strip() for page in text.split("\n\n") if page.strip()]
        case "number":
            return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else text or None
    return text or None


SHIFT = re.compile(r"([月火水木金土日祝・、]+)曜?日?\s*(\d{1,2}:\d\d)\s*[-–〜～]\s*(\d{1,2}:\d\d)")


def _span(shift: Any) -> str:
    if isinstance(shift, Mapping) and {"days", "opens", "closes"} <= shift.keys():
        return f"{shift['days']} {shift['opens']}-{shift['closes']}"
    return str(shift)


def _shift(line: str) -> dict[str, str] | str:
    """A span of opening hours; what cannot be read stays as it is, and is told."""
    found = SHIFT.fullmatch(unicodedata.normalize("NFKC", line).strip())
    if found is None:
        return line.strip()
    return {"days": re.sub("[・、]", "", found[1]), "opens": found[2], "closes": found[3]}


def _put(body: dict[str, Any], path: str, said: Any, *, keep_empty: bool) -> None:
    """Writes a value where it belongs; what is empty leaves no trace, and no empty group behind."""
    first, _, rest = path.partition(".")
    if rest:
        inner = dict(body[first]) if isinstance(body.get(first), Mapping) else {}
        _put(inner, rest, said, keep_empty=keep_empty)
        said, keep_empty = inner, False
    if said is None or said == [] or said == {}:
        if keep_empty:
            body[first] = [] if said == [] else ""
        else:
            body.pop(first, None)
    else:
        body[first] = said


# --- schedules --------------------------------------------------------------------------------------------------

KINDS = (
    ("", marked("Nobody has told us"), marked("It is shown as not confirmed")),
    ("exact", marked("Certain weekdays"), marked("Dates can be reckoned")),
    ("roughly", marked("Roughly"), marked("Told in the words written here")),
    ("frequency", marked("Only how often"), marked("Once a month or so")),
    ("dates", marked("Single dates"), marked("Written one by one")),
    ("always", marked("Always open"), marked("Told in the words written here")),
)
HOLIDAYS = (
    ("", marked("Not confirmed")),
    ("held", marked("It takes place")),
    ("skipped", marked("It does not take place")),
    ("next_day", marked("The day after")),
    ("next_weekday", marked("The next weekday")),
    ("next_week", marked("A week later")),
)
YEAR_ENDS = (
    ("", marked("As the service says")),
    ("none", marked("It takes place")),
)


NUMBERS = tuple((n, "最終" if n == "-1" else f"第{n}") for n in NTHS)
DAYS = tuple((code, day) for day, code in CODES.items())
EVERY_SECOND = SECOND
"""What can be ticked: numbers in a month, weekdays, every second one."""


def schedule_shown(body: Mapping[str, Any]) -> dict[str, str]:
    """A schedule as its form holds it; the rule in words."""
    found = value(body, "schedule")
    given: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    dates = {name: "\n".join(map(str, given.get(name) or ())) for name in ("dates", "rdates", "exdates")}
    plain = {
        name: str(given.get(name) or "")
        for name in ("kind", "wording", "since", "begins", "ends", "on_holiday", "year_end")
    }
    return {**plain, **dates, "words": words_of(str(given.get("rrule") or ""))}


def schedule_of(before: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any] | None:
    """The schedule a form says; None when nobody has told us. What cannot be read stays in it, and is told."""
    kind, ticked = form.get("schedule.kind", ""), _ticked(form)
    if ticked is not None:
        form, kind = {**form, "schedule.words": ticked}, kind or "exact"
    if not kind:
        return None
    text = {name: form.get(f"schedule.{name}", "").strip() for name in (*_WORDS, "words", *_DATES)}
    made: dict[str, Any] = {"kind": kind}
    if kind == "exact":
        made["rrule"] = rule_of(text["words"]) or text["words"]
    for name in _WORDS:
        if text[name]:
            made[name] = text[name]
    for name in _DATES:
        if days := text[name].replace("、", " ").replace(",", " ").split():
            made[name] = days
    if kind == "always" and before.get("hours"):
        made["hours"] = before["hours"]
    return made


def _ticked(form: Mapping[str, str]) -> str | None:
    """What was ticked, in words; None where no tick was changed. Words that were changed by hand go before ticks."""
    was = form.get("schedule.was")
    if was is None or form.get("schedule.words", "").strip() != was:
        return None
    ticks = frozenset(tick for tick in (*NTHS, *CODES.values(), SECOND) if form.get(f"schedule.tick={tick}"))
    return words_of_ticks(ticks) if ticks != ticks_of(was) else None


_WORDS = ("wording", "since", "begins", "ends", "on_holiday", "year_end")
_DATES = ("dates", "rdates", "exdates")


# --- towns and texts ---------------------------------------------------------------------------------------------


def towns(body: Mapping[str, Any]) -> list[str]:
    """The towns of the prefecture that was chosen, to pick from."""
    chosen = body.get("prefecture")
    return [
        area.name
        for area in areas().values()
        if not area.is_prefecture and prefecture_of(area).name == chosen
    ]


def texts_of(body: Mapping[str, Any], asked: str) -> list[tuple[str, list[str]]]:
    """Named texts with their bubbles, those that have what was asked for in them."""
    texts = body.get("texts")
    found = texts.items() if isinstance(texts, Mapping) else ()
    return [
        (str(key), [str(bubble) for bubble in bubbles])
        for key, bubbles in found
        if isinstance(bubbles, list)
        and (not asked or asked in str(key) or any(asked in str(bubble) for bubble in bubbles))
    ]


def texts_with(body: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """The named texts with the one that was written; an empty line begins the next bubble."""
    texts = body.get("texts")
    found = dict(texts) if isinstance(texts, Mapping) else {}
    key = form.get("key", "")
    if key not in found:
        raise BadInput("There is no text of this name.")
    found[key] = [bubble.strip() for bubble in form.get("bubbles", "").split("\n\n") if bubble.strip()]
    return found
