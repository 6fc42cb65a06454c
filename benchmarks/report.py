"""Turns what was measured into one table and one JSON document: medians, spread, paired ratios."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich.console import Console
from rich.table import Table

from .load import Phase
from .rounds import ALONE, TOGETHER, Round, Start


@dataclass(slots=True)
class Results:
    """Everything that was measured; equal places in the lists of two bots belong to one round."""

    settings: dict[str, Any]
    fsync_ms: float
    import_ms: list[float]
    ceiling: Phase
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    starts: dict[str, list[Start]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return all figures, with the machine and the versions they belong to."""
        floor, candidate = (figures(self, bot) for bot in self.rounds)
        ratios = {label: pair_ratios(floor[label], candidate[label]) for label in floor}
        return {"machine": machine(), **asdict(self), "ratios": ratios}


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: _version(name) for name in ("aiohttp", "sqlalchemy", "uvloop")},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def figures(results: Results, bot: str) -> dict[str, list[float]]:
    """Return the figures of one bot by label, one per round or start."""
    rounds, starts = results.rounds[bot], results.starts[bot]
    together = [one.together for one in rounds]
    alone = [one.alone for one in rounds if one.alone]
    return {
        **_phase_figures(together, f"{TOGETHER} at once"),
        "CPU s per 1,000 messages": [one.cpu_per_1000 for one in rounds],
        **_phase_figures(alone, f"{ALONE} at a time"),
        "memory idle, MiB": [one.idle_mib for one in rounds],
        "memory after load, MiB": [one.loaded_mib for one in rounds],
        "start to ready, empty database, ms": [one.empty_ms for one in starts],
        "start to ready, again, ms": [one.again_ms for one in starts],
    }


def _phase_figures(phases: Sequence[Phase], how: str) -> dict[str, list[float]]:
    return {
        f"messages/s, {how}": [one.per_second for one in phases],
        f"  acknowledged p50, {how}, ms": [one.ack_p50 for one in phases],
        f"  acknowledged p99, {how}, ms": [one.ack_p99 for one in phases],
        f"  replied p50, {how}, ms": [one.reply_p50 for one in phases],
        f"  replied p99, {how}, ms": [one.reply_p99 for one in phases],
    }


def pair_ratios(floor: Sequence[float], candidate: Sequence[float]) -> list[float]:
    """Return candidate / floor of each pair."""
    return [round(b / a, 3) for a, b in zip(floor, candidate, strict=True) if a]


def print_report(results: Results) -> None:
    """Print the table and what is needed to read it."""
    floor, candidate = results.rounds
    ours, theirs = figures(results, candidate), figures(results, floor)
    table = Table(title=f"{candidate} beside {floor}: median (lowest–highest)", title_justify="left")
    for heading in ("", floor, candidate, f"{candidate} / {floor}, paired"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for label, values in theirs.items():
        ratio = pair_ratios(values, ours[label])
        table.add_row(label, _spread(values), _spread(ours[label]), _spread(ratio, digits=2))
    troubles = [" · ".join(_troubles(results.rounds[bot])) or "none" for bot in (floor, candidate)]
    table.add_row("trouble", *troubles, "")
    # A table in a file or a pipe is not to be cut at 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    console.print("\n".join(_notes(results, ours)), highlight=False)


def _notes(results: Results, ours: dict[str, list[float]]) -> list[str]:
    host, ceiling = machine(), results.ceiling
    imports = statistics.median(results.import_ms)
    again = statistics.median(ours["start to ready, again, ms"])
    harness = (
        f"Ceiling of the harness, with a bot that does nothing: {ceiling.per_second:,.0f} messages/s "
        f"(replied p50 {ceiling.reply_p50} ms, p99 {ceiling.reply_p99} ms), {ceiling.slots} at once."
    )
    start = (
        f"import aiohttp.web, sqlite3: {_spread(results.import_ms)} ms; "
        f"a start again takes {again / imports:.1f} times that."
    )
    disk = (
        f"One small write with fsync: {results.fsync_ms} ms. Python {host['python']}, "
        f"SQLite {host['sqlite']}, {host['cores']} cores, shared by load, platform and bot."
    )
    return [harness, start, disk]


def _spread(values: Sequence[float], digits: int | None = None) -> str:
    if not values:
        return "–"
    middle = statistics.median(values)
    if digits is None:
        digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
    low, high = min(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


def _troubles(rounds: Sequence[Round]) -> list[str]:
    phases = [phase for one in rounds for phase in (one.alone, one.together) if phase]
    counts: dict[str, int] = {}
    for phase in phases:
        for name, count in asdict(phase.trouble).items():
            counts[name] = counts.get(name, 0) + count
        counts["pushed"] = counts.get("pushed", 0) + phase.pushes
    return [f"{count} {name}" for name, count in counts.items() if count]
