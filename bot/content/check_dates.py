"""What is wrong with schedules, series and events: pairs of path and message, for `check`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.content.schedule import EARLIEST, KINDS, Schedule, check_rule, needs_since

Found = Iterator[tuple[str, str]]


def schedule_issues(path: str, schedule: Schedule) -> Found:
    """What keeps a schedule from being told, or would tell something untrue."""
    if schedule.kind not in KINDS:
        yield f"{path}/kind", f"is one of {', '.join(sorted(KINDS))}"
    elif schedule.kind == "exact":
        yield from _rule_issues(path, schedule)
    elif schedule.kind == "dates":
        if not schedule.dates and not schedule.wording:
            yield f"{path}/dates", "needs at least one date, or the wording people are shown"
    elif not schedule.wording and not (schedule.kind == "always" and schedule.hours):
        yield f"{path}/wording", "needs the wording people are shown"
    if schedule.kind != "exact" and (schedule.rrule or schedule.rdates or schedule.exdates):
        yield (
            f"{path}/rrule",
            f"goes only with `exact`; a schedule of kind {schedule.kind} prints no such dates",
        )
    if schedule.kind != "dates" and schedule.dates:
        yield (
            f"{path}/dates",
            f"goes only with `dates`; a schedule of kind {schedule.kind} prints no such dates",
        )
    if schedule.hours is not None and schedule.kind != "always":
        yield f"{path}/hours", "goes only with `always`; use `begins` and `ends`"
    if schedule.ends is not None and schedule.begins is None:
        yield f"{path}/begins", "is needed where there is `ends`"


def _rule_issues(path: str, schedule: Schedule) -> Found:
    try:
        check_rule(schedule.rrule)
    except ValueError as error:
        yield f"{path}/rrule", f"is no recurrence rule: {error}"
        return
    if schedule.since is None and needs_since(schedule.rrule):
        yield f"{path}/since", "needs the first date, from which to count"
    if schedule.since is not None and schedule.since < EARLIEST:
        yield f"{path}/since", f"is before {EARLIEST}; write the first date of this century"
