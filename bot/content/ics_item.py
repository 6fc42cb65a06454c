"""One VEVENT understood: its days in Tokyo, its rule, what is told of it. Pure; `Unfit` says what cannot be taken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.content.events import AUDIENCE, State
from bot.content.ics_lines import Lines, Parts
from bot.content.importing import Defaults, Unfit, clean, fact, made_id, plain
from bot.content.schedule import EARLIEST, LATEST, check_rule, until
from bot.frozen import dataclass
from bot.handoff.hours import TOKYO

MAX_LINES = 500
MAX_DAYS = 500
STATES: dict[str, State] = {"CONFIRMED": "confirmed", "TENTATIVE": "planned", "CANCELLED": "cancelled"}
TIMES = ("DTSTART", "DTEND", "EXDATE", "RDATE", "RECURRENCE-ID")
OWN_WORDS = ("prefecture", "municipality", "directions", "residence", "reservation", "cost", "summary")

_ESCAPED = re.compile(r"\\([\\;,nN])")

Read = Mapping[str, Any]

_ZONE = re.compile(r';TZID=("[^"]{0,200}"|[^";:]{0,200})', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One VEVENT, understood. Days are Tokyo's; `last` is that of its only or first day."""

    line: int
    uid: str
    day: date
    last: date
    begins: str | None
    ends: str | None
    rule: str
    rdates: tuple[date, ...]
    exdates: tuple[date, ...]
    was: date | None
    sequence: int
    state: State
    told: dict[str, Any]


def understood(lines: Lines, parts: Parts, defaults: Defaults) -> Item | None:
    """One event understood; None when it is private."""
    if len(lines.texts) > MAX_LINES:
        raise Unfit("unreadable", what="VEVENT")
    if {value.strip().upper() for value in lines.values("CLASS")} & {"PRIVATE", "CONFIDENTIAL"}:
        return None
    read = _parsed(lines, parts)
    for name in ("DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID", "UID", "SUMMARY"):
        if len(lines.values(name)) > 1:
            raise Unfit("twice", what=name)
    if "DTSTART" not in read:
        raise Unfit("unreadable" if lines.values("DTSTART") else "no_start", what="DTSTART")
    begin = _moment(read["DTSTART"].dt, parts)
    end = _end(read, begin, parts)
    timed = isinstance(begin, datetime)
    day, begins = _day(begin), f"{begin:%H:%M}" if isinstance(begin, datetime) else None
    last, ends = _last(begin, end)
    rule = (lines.values("RRULE") or [""])[0].strip().upper()
    if rule:
        rule = _rule(rule, read, begins)
        if last > day:
            raise Unfit("rule_days")
    if any("RANGE=" in text.upper().partition(":")[0] for text in lines.texts if text[:5].upper() == "RECUR"):
        raise Unfit("range")
    was = _day(_moment(read["RECURRENCE-ID"].dt, parts)) if "RECURRENCE-ID" in read else None
    facts = _facts(read, defaults)
    if not facts["name"]:
        raise Unfit("no_name")
    status = str(read.get("STATUS", "CONFIRMED")).upper()
    return Item(
        line=lines.line,
        uid=clean(str(read.get("UID", "")), 255) or made_id(facts["name"], day.isoformat(), begins or ""),
        day=day,
        last=last,
        begins=begins,
        ends=ends if timed else None,
        rule=rule,
        rdates=_days(read, "RDATE", parts),
        exdates=_days(read, "EXDATE", parts),
        was=was,
        sequence=int(read.get("SEQUENCE", 0)) if str(read.get("SEQUENCE", 0)).isdecimal() else 0,
        state=STATES.get(status, "confirmed"),
        told=facts,
    )


def _parsed(lines: Lines, parts: Parts) -> Read:
    """One event as `icalendar` reads it, with every zone one that is known here."""
    from icalendar import Event

    texts = ["BEGIN:VEVENT"]
    texts += [_rezoned(text, parts) for text in lines.texts]
    try:
        read = Event.from_ical("\r\n".join([*texts, "END:VEVENT", ""]))
    except Exception as error:
        raise Unfit("unreadable", what="VEVENT") from error
    broken = [name for name, _ in read.errors if name in (*TIMES, "DURATION", "RRULE")]
    if broken or not isinstance(read, Event):
        raise Unfit("unreadable", what=broken[0] if broken else "VEVENT")
    return read


def _rezoned(text: str, parts: Parts) -> str:
    found = _ZONE.search(text)
    if found is None or re.split("[;:]", text, maxsplit=1)[0].upper() not in TIMES:
        return text
    zone = found[1].strip('"')
    name = "Asia/Tokyo" if zone in parts.at_nine else _known(zone)
    return f"{text[: found.start()]};TZID={name}{text[found.end() :]}"


def _known(zone: str) -> str:
    """The name of a zone as Python knows it. Raises Unfit."""
    if zone in ("Tokyo Standard Time", "JST", "Japan"):
        return "Asia/Tokyo"
    for name in (zone, "/".join(zone.split("/")[-2:])):  # some programs write /vendor.example/…/Asia/Tokyo
        try:
            return ZoneInfo(name).key
        except (KeyError, ValueError, OSError):
            continue
    raise Unfit("zone", what=zone)


def _moment(found: date | datetime, parts: Parts) -> date | datetime:
    """A day, or a time in Tokyo. A time without a zone is in the calendar's own, else in Tokyo."""
    if not isinstance(found, date):
        raise Unfit("unreadable", what="DTSTART")
    if not EARLIEST.year <= found.year <= LATEST.year:
        raise Unfit("far", first=EARLIEST.year, last=LATEST.year)
    if not isinstance(found, datetime):
        return found
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(_known(parts.zone)) if parts.zone else TOKYO)
    return found.astimezone(TOKYO)


def _day(found: date | datetime) -> date:
    return found.date() if isinstance(found, datetime) else found


def _end(read: Read, begin: date | datetime, parts: Parts) -> date | datetime | None:
    if "DTEND" in read:
        end = _moment(read["DTEND"].dt, parts)
    elif "DURATION" in read:
        try:
            end = _moment(begin + read["DURATION"].dt, parts)
        except (OverflowError, TypeError) as error:
            raise Unfit("unreadable", what="DURATION") from error
    else:
        return None
    if isinstance(begin, datetime) is not isinstance(end, datetime):
        raise Unfit("unreadable", what="DTEND")
    if end < begin:
        raise Unfit("backwards")
    return end


def _last(begin: date | datetime, end: date | datetime | None) -> tuple[date, str | None]:
    """The last day and the time it ends on: 26:00 for two in the morning after, as people say it here."""
    if end is None or end == begin:
        return _day(begin), None
    if not isinstance(end, datetime):
        return end - timedelta(days=1), None
    night = end.hour * 60 + end.minute <= 6 * 60 and _day(end) > _day(begin)
    if night:
        return _day(end) - timedelta(days=1), f"{end.hour + 24}:{end:%M}"
    return _day(end), f"{end:%H:%M}"


def _rule(rule: str, read: Read, begins: str | None) -> str:
    """A rule of days in Tokyo. Raises Unfit when it means others, or cannot be taken."""
    start = read["DTSTART"].dt
    if isinstance(start, datetime) and start.tzinfo is not None:
        year = [start + timedelta(days=step) for step in range(0, 365, 30)]
        if any(
            at.astimezone(TOKYO).date() != at.date() or at.utcoffset() != start.utcoffset() for at in year
        ):
            raise Unfit("rule_zone")
    try:
        check_rule(rule)
        end = until(rule)
        cut = re.search(r"UNTIL=(\d{8})(T\d{6}Z?)?", rule)
        if end is not None and cut is not None:
            if cut[2] and begins is not None and end <= LATEST:
                at = datetime.fromisoformat(cut[1] + cut[2])
                local = at.astimezone(TOKYO) if at.tzinfo else at.replace(tzinfo=TOKYO)
                end -= timedelta(days=int(local.time() < time.fromisoformat(begins)))
            rule = rule.replace(cut[0], f"UNTIL={end:%Y%m%d}")
    except ValueError as error:
        raise Unfit("rule", what=rule) from error
    return rule.removeprefix("RRULE:")


def _days(read: Read, name: str, parts: Parts) -> tuple[date, ...]:
    found = read.get(name, [])
    days: set[date] = set()
    for each in found if isinstance(found, list) else [found]:
        for value in each.dts:
            if len(days) >= MAX_DAYS:
                raise Unfit("too_many", n=MAX_DAYS)
            if not isinstance(value.dt, date):
                raise Unfit("unreadable", what=name)
            days.add(_day(_moment(value.dt, parts)))
    return tuple(sorted(days))


def _facts(read: Read, defaults: Defaults) -> dict[str, Any]:
    """What is told of an event. An address to click as its place is nobody's business but who was invited."""
    texts = {name: _own(read, name) for name in OWN_WORDS}
    ours = "X-ENGAWA-KIND" in read
    venue, url = str(read.get("LOCATION", "")), str(read.get("URL", "")).strip()
    facts: dict[str, Any] = {
        **defaults.particulars(),
        "name": clean(str(read.get("SUMMARY", "")), 100),
        "summary": fact("summary", texts["summary"] if ours else plain(str(read.get("DESCRIPTION", "")))),
        "venue": None if "://" in venue else fact("venue", venue),
        "contact": fact("contact", str(read.get("CONTACT", ""))),
        "url": fact("url", url) if url.startswith("https://") else None,
        "online": True if "://" in venue else None,
        "kind": clean(_own(read, "kind"), 40) or defaults.kind,
    }
    facts |= {name: fact(name, value) for name, value in texts.items() if value and name != "summary"}
    audience = tuple(who for who in _own(read, "audience").split(",") if who in AUDIENCE)
    capacity, online = _own(read, "capacity"), _own(read, "online")
    facts |= {"audience": audience} if audience else {}
    facts |= {"capacity": int(capacity[:6])} if capacity.isdecimal() and int(capacity[:6]) else {}
    facts |= {"online": online == "yes"} if online in ("yes", "no") else {}
    for name in ("series", "was", "last"):
        facts[f"own_{name}"] = _own(read, name)
    return facts


def _own(read: Read, name: str) -> str:
    """A property of our own calendars. No library knows that it is text, so it is escaped still (RFC 5545 §3.3.11)."""
    text = str(read.get(f"X-ENGAWA-{name.upper()}", ""))
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)
