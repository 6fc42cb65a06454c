"""When something is on: five kinds of schedule, and the recurrence rules we take (RFC 5545). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

import msgspec
from dateutil.rrule import rrule, rrulestr

from bot.content.holidays import check_year_end
from bot.handoff.hours import TOKYO, OpeningHours, minutes

KINDS = ("exact", "dates", "roughly", "frequency", "always")
EARLIEST, LATEST = date(2000, 1, 1), date(2098, 12, 31)
MAX_COUNT = 2_000
MAX_INTERVAL = {"DAILY": 366, "WEEKLY": 52, "MONTHLY": 6, "YEARLY": 1}
MAX_LENGTH = 400
PARTS = (
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYDAY",
    "BYMONTHDAY",
    "BYMONTH",
    "BYYEARDAY",
    "BYSETPOS",
)
NAMING = frozenset({"BYDAY", "BYMONTHDAY", "BYYEARDAY"})
NOT_WITH = {
    "DAILY": {"BYYEARDAY", "BYSETPOS"},
    "WEEKLY": {"BYMONTHDAY", "BYYEARDAY", "BYSETPOS"},
    "MONTHLY": {"BYYEARDAY"},
    "YEARLY": set[str](),
}
"""What RFC 5545 §3.3.10 forbids beside a frequency, and positions in a day or week, which programs read differently."""

OnHoliday = Literal["held", "skipped", "next_day", "next_weekday", "next_week"]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When something is on (R-098, R-099), in Tokyo's time. Only `exact` and `dates` are ever printed as dates.

    - `exact`: `rrule` (RFC 5545, days only) from `since` on, `rdates` more, `exdates` less
    - `dates`: exactly these `dates`
    - `roughly`, `frequency`: only `wording` is told (おおむね第4土曜; 月に一度)
    - `always`: open by `hours`, or as `wording` says

    `on_holiday` is what happens to a day of the rule that is a public holiday: held, skipped, or moved to the next
    day, the next open weekday, a week later. None: nobody has told us, so such a day is not told either. Days in the
    closing around New Year (`year_end`: MM-DD/MM-DD, or `none`; None as the operator says) are left out.
    `begins` and `ends` are HH:MM, `ends` up to 30:00, which is six in the morning after.
    """

    kind: str
    wording: str = ""
    rrule: str = ""
    since: date | None = None
    dates: tuple[date, ...] = ()
    rdates: tuple[date, ...] = ()
    exdates: tuple[date, ...] = ()
    begins: str | None = None
    ends: str | None = None
    on_holiday: OnHoliday | None = None
    year_end: str | None = None
    hours: OpeningHours | None = None

    def __post_init__(self) -> None:
        check_year_end(self.year_end)
        check_times(self.begins, self.ends)


def check_times(begins: str | None, ends: str | None) -> None:
    """Raises ValueError when these are no times of one day or night."""
    if begins is not None and minutes(begins) >= 24 * 60:
        raise ValueError("begins is before 24:00")
    if ends is not None and not minutes(begins or "0:00") < minutes(ends) <= 30 * 60:
        raise ValueError("begins must be before ends, and ends at most 30:00")


def moment(day: date, clock: str) -> datetime:
    """That time of that day in Tokyo; 26:00 is two o'clock on the next."""
    return datetime.combine(day, time(), TOKYO) + timedelta(minutes=minutes(clock))


def parts(rule: str) -> dict[str, str]:
    """FREQ, INTERVAL, BYDAY … of a rule, with or without `RRULE:` before it. Raises ValueError."""
    found: dict[str, str] = {}
    if len(rule) > MAX_LENGTH:
        raise ValueError(f"it is over {MAX_LENGTH} characters")
    for part in rule.strip().upper().removeprefix("RRULE:").removesuffix(";").split(";"):
        name, _, value = part.partition("=")
        if name not in PARTS or not value or name in found:
            raise ValueError(f"{part!r} has no place in a rule of days; parts are {', '.join(PARTS)}")
        found[name] = value
    return found


def until(rule: str) -> date | None:
    """The last day a rule may give, in Tokyo; None when it goes on."""
    value = parts(rule).get("UNTIL")
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError("UNTIL is a day such as 20261231, or a time such as 20261231T145959Z") from error
    if at.tzinfo is None or at.year > LATEST.year:  # some write the year 9999 for ever
        return at.date()
    return at.astimezone(TOKYO).date()


def needs_since(rule: str) -> bool:
    """Whether the rule alone leaves open which days it means: every second month, but counted from when?"""
    found = parts(rule)
    counted = found.get("INTERVAL", "1") != "1" or "COUNT" in found
    named = bool(NAMING & found.keys()) or found.get("FREQ") == "DAILY"
    return counted or not named


@lru_cache(maxsize=4096)
def check_rule(rule: str) -> None:
    """Raises ValueError when the text is no recurrence rule of whole days, or one that never happens.

    The parts that may go together are few enough that no rule which passes can be searched for long.
    """
    found = parts(rule)
    freq = found.get("FREQ", "")
    if freq not in MAX_INTERVAL:
        raise ValueError("FREQ is DAILY, WEEKLY, MONTHLY or YEARLY")
    interval = _number(found, "INTERVAL", MAX_INTERVAL[freq])
    _number(found, "COUNT", MAX_COUNT)
    until(rule)
    if "COUNT" in found and "UNTIL" in found:
        raise ValueError("COUNT and UNTIL do not go together")
    if wrong := sorted(NOT_WITH[freq] & found.keys()):
        raise ValueError(f"{wrong[0]} does not go with FREQ={freq}")
    if freq in ("DAILY", "WEEKLY") and any(character.isdigit() for character in found.get("BYDAY", "")):
        raise ValueError("a numbered weekday such as 1SA goes only with FREQ=MONTHLY or YEARLY")
    narrowing = found.keys() - {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
    if interval > 1 and ("BYMONTH" in narrowing or (freq == "DAILY" and narrowing)):
        raise ValueError("INTERVAL over 1 goes only with days of the week or month; write the dates instead")
    if not narrowing:
        return
    endless = {name: value for name, value in found.items() if name in narrowing | {"FREQ", "WKST"}}
    if freq == "DAILY":
        endless["FREQ"] = "YEARLY"  # the same days, found ten times faster
    late = _dateutil(endless, date(9960, 1, 1))  # forty years, then dateutil's calendar ends
    if next(iter(late), None) is None:
        raise ValueError("it never happens")


def rule_days(rule: str, begin: date, last: date) -> Iterator[date]:
    """The days of a rule that passes `check_rule`, counted from `begin`, up to `last`."""
    end = until(rule)
    final = min(last, end) if end else last
    for at in _dateutil(parts(rule), begin):
        if at.date() > final:
            return
        yield at.date()


def _dateutil(found: dict[str, str], begin: date) -> rrule:
    """The rule without its end. Weekdays with and without a number, SU,1SA, would be taken by dateutil as days that
    are both; RFC 5545 means either. So a bare one among numbered ones becomes all its numbers."""
    names = found.get("BYDAY", "").split(",")
    if any(len(name) > 2 for name in names):
        most = 53 if found["FREQ"] == "YEARLY" and "BYMONTH" not in found else 5
        names = [
            each
            for name in names
            for each in ([name] if len(name) > 2 else [f"{nth}{name}" for nth in range(1, most + 1)])
        ]
        found = {**found, "BYDAY": ",".join(names)}
    text = ";".join(f"{name}={value}" for name, value in found.items() if name != "UNTIL")
    made = rrulestr(text, dtstart=datetime.combine(begin, time()))
    assert isinstance(made, rrule)
    return made


def _number(found: dict[str, str], name: str, most: int) -> int:
    value = found.get(name, "1")
    if not value.isdecimal() or not 1 <= int(value[:9]) <= most:
        raise ValueError(f"{name} is 1 to {most}" if most > 1 else f"{name} is 1; write the dates instead")
    return int(value)
