"""The one-page form of a small group: what it may say about itself, as a change of its document (R-117). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from bot.content.csv_import import HOLIDAYS, day_in, time_in
from bot.content.importing import Unfit, clean, fact
from bot.content.recurrence_words import rule_of, words_of
from bot.content.schedule import Schedule, check_times, needs_since

TEXTS = {
    "resource": ("summary", "venue", "hours", "reservation", "cost", "phone"),
    "event_series": ("summary", "venue", "directions", "reservation", "cost", "contact"),
}
"""What a group may say, by the kind of its document; names, conditions and agreements stay with staff."""

SCHEDULE = ("days", "dates", "off", "begins", "ends", "on_holiday")
MAX_DATES = 60
NEEDED = ("summary",)
"""A place always has a summary: an empty one stays as it was."""


def filled(kind: str, body: Mapping[str, Any]) -> dict[str, str]:
    """The form as it stands before anybody writes."""
    schedule = body.get("schedule")
    known = schedule if isinstance(schedule, Mapping) else {}
    rule = known.get("rrule")
    holidays = {value: word for word, value in HOLIDAYS.items()}
    return {
        **{name: str(body.get(name) or "") for name in TEXTS[kind]},
        "days": (words_of(rule) if rule else "") or str(known.get("wording") or ""),
        "dates": "\n".join(map(str, known.get("dates") or known.get("rdates") or ())),
        "off": "\n".join(map(str, known.get("exdates") or ())),
        "begins": str(known.get("begins") or ""),
        "ends": str(known.get("ends") or ""),
        "on_holiday": holidays.get(str(known.get("on_holiday")), ""),
        "paused": "1" if body.get("paused") else "",
    }


def applied(
    kind: str, body: Mapping[str, Any], form: Mapping[str, str], source: str, today: date
) -> dict[str, Any]:
    """The document as the form says it. What the form does not ask stays as it was. Raises Unfit."""
    before, made = filled(kind, body), dict(body)
    for name in TEXTS[kind]:
        said = fact(name, form.get(name))
        if said is not None:
            made[name] = said
        elif name not in NEEDED:
            made.pop(name, None)
    if any(form.get(name, "").split() != before[name].split() for name in SCHEDULE):
        made["schedule"] = msgspec.to_builtins(_schedule(form, body.get("schedule")))
    if kind == "resource":
        made.pop("paused", None)
        if form.get("paused"):
            made["paused"] = True
    if made != body:
        made["source"] = {"title": source, "seen_in_source": today.isoformat()}
    return made


def schedule_in(form: Mapping[str, str], known: Any = None) -> Schedule | None:
    """The schedule the form says; None when it says none. Raises Unfit."""
    try:
        return _schedule(form, known)
    except Unfit as problem:
        if problem.key == "no_day":
            return None
        raise


def _schedule(form: Mapping[str, str], known: Any) -> Schedule:
    begins, ends = (
        time_in({"begins": form.get("begins", "")}, "begins"),
        time_in({"ends": form.get("ends", "")}, "ends"),
    )
    try:
        check_times(begins, ends)
    except ValueError as error:
        raise Unfit("times") from error
    words = clean(form.get("days", ""))
    dates, off = _dates(form.get("dates", "")), _dates(form.get("off", ""))
    more: dict[str, Any] = {"begins": begins, "ends": ends}
    old = known if isinstance(known, Mapping) else {}
    same = bool(words) and bool(old.get("rrule")) and words == clean(words_of(str(old["rrule"])))
    rule = str(old["rrule"]) if same else rule_of(words) if words else None
    if rule is not None:
        since = old.get("since") if old.get("rrule") == rule else None
        if needs_since(rule) and since is None:
            if not dates:
                raise Unfit("no_first")
            since, dates = dates[0].isoformat(), dates[1:]
        word = form.get("on_holiday", "")
        if word and word not in HOLIDAYS:
            raise Unfit("choice", column="祝日", what=word, known="、".join(HOLIDAYS))
        first = date.fromisoformat(str(since)) if since else None
        on_holiday: Any = HOLIDAYS.get(word)
        return Schedule(
            kind="exact", rrule=rule, since=first, rdates=dates, exdates=off, on_holiday=on_holiday, **more
        )
    if dates:
        return Schedule(kind="dates", dates=dates, wording=words, **more)
    if not words:
        raise Unfit("no_day")
    return Schedule(kind="roughly", wording=words, **more)


def _dates(text: str) -> tuple[date, ...]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_DATES:
        raise Unfit("too_many", n=MAX_DATES)
    found = (day_in({"day": line}, "day") for line in lines)
    return tuple(sorted({day for day in found if day is not None}))
