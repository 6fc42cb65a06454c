"""Recurrences as people write them in Japanese, 毎月第1土曜・第2水曜, as rules. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from bot.handoff.hours import DAYS

CODES = dict(zip(DAYS, ("MO", "TU", "WE", "TH", "FR", "SA", "SU"), strict=True))
VAGUE = re.compile(r"おおむね|概ね|およそ|ほぼ|ごろ|頃|程度|くらい|ぐらい|不定期|原則|基本|たまに|ときどき")
"""Words after which no rule is exact, whatever else is written (R-098)."""

SECOND = "second"
"""Every second week or month."""

NTHS = ("1", "2", "3", "4", "5", "-1")
"""Which ones of a month; -1 is the last."""

_EVERY = re.compile(r"^(?:毎週|(隔週))(?:の)?(.+)$")
_MONTHLY = re.compile(r"^(毎月|隔月)(?:の)?(.+)$")
_NTH = re.compile(r"第([1-5])")
_DATE = re.compile(r"^(\d{1,2})日$")
_WEEKDAYS = re.compile(rf"^[{DAYS}]$")
_BETWEEN = "[・、,と/ ]+"


def rule_of(words: str) -> str | None:
    """The rule the words mean; None when they mean none exactly. 隔週 and 隔月 need to be told from when to count."""
    text = unicodedata.normalize("NFKC", words).strip()
    if VAGUE.search(text):
        return None
    text = re.sub(r"曜日?|に開催|開催", "", text)
    text = text.replace("最終", "第末").replace("平日", "月・火・水・木・金")
    if text == "毎日":
        return "FREQ=DAILY"
    if found := _EVERY.match(text):
        days = _weekdays(found[2])
        return (
            None if days is None else "FREQ=WEEKLY" + (";INTERVAL=2" if found[1] else "") + f";BYDAY={days}"
        )
    if found := _MONTHLY.match(text):
        interval = ";INTERVAL=2" if found[1] == "隔月" else ""
        if date := _DATE.match(found[2]):
            return f"FREQ=MONTHLY{interval};BYMONTHDAY={int(date[1])}" if 1 <= int(date[1]) <= 31 else None
        days = _numbered(found[2])
        return None if days is None else f"FREQ=MONTHLY{interval};BYDAY={days}"
    if (days := _weekdays(text)) and len(text) <= 13:
        return f"FREQ=WEEKLY;BYDAY={days}"
    return None


def _weekdays(text: str) -> str | None:
    """月・木, 月木, 月から金."""
    if span := re.match(rf"^([{DAYS}])(?:から|[~〜-])([{DAYS}])$", text):
        first, last = DAYS.index(span[1]), DAYS.index(span[2])
        return ",".join(CODES[day] for day in DAYS[first : last + 1]) if first < last else None
    names = [name for part in re.split(_BETWEEN, text) for name in part]
    if not names or len(set(names)) != len(names) or any(not _WEEKDAYS.match(name) for name in names):
        return None
    return ",".join(CODES[name] for name in names)


def _numbered(text: str) -> str | None:
    """第1土・第2・第3・第4水: a number without a day waits for the next day that is named."""
    waiting, found = list[str](), list[str]()
    for part in re.split(_BETWEEN, text):
        read = re.match(rf"^第?([1-5末])([{DAYS}]?)$", part)
        if read is None:
            return None
        waiting.append("-1" if read[1] == "末" else read[1])
        if read[2]:
            found += [f"{nth}{CODES[read[2]]}" for nth in waiting]
            waiting = []
    return None if waiting or not found else ",".join(found)


def words_of(rule: str) -> str:
    """A rule as people write it, for those `rule_of` reads; else the rule as it is."""
    found = dict(part.split("=", 1) for part in rule.upper().removeprefix("RRULE:").split(";") if "=" in part)
    freq, days = found.pop("FREQ", ""), found.pop("BYDAY", "")
    every, date = found.pop("INTERVAL", "1"), found.pop("BYMONTHDAY", "")
    names = {code: day for day, code in CODES.items()}
    told = ""
    if found or every not in ("1", "2"):
        return rule
    if freq == "DAILY" and not days and not date and every == "1":
        told = "毎日"
    elif freq == "WEEKLY" and days and not date:
        told = ("毎週" if every == "1" else "隔週") + "・".join(
            names.get(day, day) for day in days.split(",")
        )
    elif freq == "MONTHLY" and date and not days:
        told = ("毎月" if every == "1" else "隔月") + f"{date}日"
    elif freq == "MONTHLY" and days:
        told = ("毎月" if every == "1" else "隔月") + "・".join(_nth(day, names) for day in days.split(","))
    return told if told and rule_of(told) is not None else rule


def _nth(day: str, names: dict[str, str]) -> str:
    number, name = day[:-2], names.get(day[-2:], day)
    return ("最終" if number == "-1" else f"第{number}") + f"{name}曜"


def ticks_of(words: str) -> frozenset[str]:
    """The words as ticks: codes of weekdays, numbers in a month, SECOND; none where ticks cannot say it."""
    rule = rule_of(words) or ""
    found = dict(part.split("=", 1) for part in rule.split(";") if "=" in part)
    days = found.get("BYDAY", "").split(",")
    if not days[0]:
        return frozenset()
    numbers, codes = {day[:-2] for day in days}, {day[-2:] for day in days}
    if len(numbers) * len(codes) != len(days):  # 第1土曜と第2水曜: not every number of every day
        return frozenset()
    return frozenset(numbers - {""} | codes | ({SECOND} if "INTERVAL" in found else set()))


def words_of_ticks(ticks: Collection[str]) -> str:
    """What the ticks say, in words; empty without a weekday."""
    numbers, codes = [n for n in NTHS if n in ticks], [code for code in CODES.values() if code in ticks]
    if not codes:
        return ""
    days = ",".join(f"{n}{code}" for code in codes for n in numbers or ("",))
    every = ";INTERVAL=2" if SECOND in ticks else ""
    return words_of(f"FREQ={'MONTHLY' if numbers else 'WEEKLY'}{every};BYDAY={days}")
