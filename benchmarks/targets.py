"""What is promised, and whether this run kept it: a must and an aim for each figure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .report import Cell, Results, ack_ratios, ratios, remote, together
from .server import ACK_EACH, ACK_ENGAWA, ACK_ENGAWA_PG, ACK_NONE, ENGAWA, ENGAWA_BARE

SLOW = ", slow disk"
"""Follows the name of a bot whose database waits longer for each fsync."""

# messages/s of Engawa on SQLite by those of each bot: must, aim
BESIDE: dict[str, tuple[float, float]] = {
    "floor": (0.5, 0.8),
    "bottender memory": (1.2, 2.0),
    "opsdroid": (1.3, 2.0),
    "aiogram": (1.4, 2.3),
    "line-bot-sdk": (2.2, 3.5),
    "python-telegram-bot": (3.0, 5.0),
}
BESIDE_REMOTE: dict[str, tuple[float, float]] = {
    "line-bot-sdk": (6.0, 8.0),
    "python-telegram-bot": (50.0, 75.0),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise: what was measured, the median that counts."""

    what: str
    values: Sequence[float]
    must: float
    aim: float
    least: bool = True
    """Whether more is better."""

    @property
    def word(self) -> str:
        found = statistics.median(self.values)
        good = (lambda bar: found >= bar) if self.least else (lambda bar: found <= bar)
        return "aim" if good(self.aim) else "must" if good(self.must) else "MISSED"

    def __str__(self) -> str:
        found = f"{statistics.median(self.values):,.2f}"
        sign = "≥" if self.least else "≤"
        return f"| {self.what} | {found} | {sign} {self.must:g} | {sign} {self.aim:g} | {self.word} |"


def verdicts(results: Results) -> list[Verdict]:
    """Every promise that this run says something about, or could have."""
    ours = results.rounds.get(ENGAWA.name, [])
    halves = [one.half for one in ours if one.half]
    found = [*_beside(results, BESIDE, together, ""), *_beside(results, BESIDE_REMOTE, remote, ", API 50 ms")]
    for one, other, must, aim in (
        (ACK_ENGAWA.name, ACK_NONE.name, 0.60, 0.85),
        (ACK_ENGAWA_PG.name, ACK_NONE.name, 0.45, 0.60),
        (ACK_ENGAWA.name, ACK_EACH.name, 2.5, 3.5),
        (ACK_ENGAWA.name + SLOW, ACK_EACH.name + SLOW, 7.0, 10.0),
    ):
        found.append(Verdict(f"acks: {one} / {other}", ack_ratios(results, one, other), must, aim))
    halves_p50, halves_p99 = [one.reply_p50 for one in halves], [one.reply_p99 for one in halves]
    found.append(Verdict("reply p50 at half of capacity, ms", halves_p50, 30, 30, least=False))
    found.append(Verdict("reply p99 at half of capacity, ms", halves_p99, 150, 150, least=False))
    starts = results.starts.get(ENGAWA.name, [])
    bare = results.starts.get(ENGAWA_BARE.name, [])
    found.append(Verdict("idle, MiB", [one.idle_mib for one in starts], 360, 300, least=False))
    found.append(
        Verdict("idle without the dictionary, MiB", [one.idle_mib for one in bare], 150, 110, least=False)
    )
    found.append(
        Verdict("start to ready again, s", [one.again_ms / 1000 for one in starts], 3.0, 1.5, least=False)
    )
    return found


def _beside(results: Results, bars: dict[str, tuple[float, float]], cell: Cell, what: str) -> list[Verdict]:
    ours = results.rounds.get(ENGAWA.name, [])
    return [
        Verdict(f"{ENGAWA.name} / {bot}{what}", ratios(ours, results.rounds.get(bot, []), cell), *bar)
        for bot, bar in bars.items()
    ]


def markdown(results: Results) -> str:
    """The promises as a table, and those this run says nothing about."""
    all_of_them = verdicts(results)
    head = "| promised | found | must | aim | kept |\n|---|---|---|---|---|"
    kept = [str(one) for one in all_of_them if one.values]
    lines = [head, *kept] if kept else []
    if missing := [one.what for one in all_of_them if not one.values]:
        lines += ["", f"Not measured in this run: {'; '.join(missing)}."]
    return "\n".join(lines)
