"""Turns what was measured into Markdown tables and one JSON document: medians, spread, paired ratios, targets."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .load import Phase
from .rounds import ACKS, ALONE, REMOTE_SECONDS, REMOTE_USERS, TOGETHER, Round, Start

Cell = Callable[[Round], float | None]


@dataclass(slots=True)
class Results:
    """Everything that was measured; equal places in the lists of two bots belong to one round."""

    settings: dict[str, Any]
    fsync_ms: float
    import_ms: list[float]
    ceiling: Phase
    load_before: float
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    starts: dict[str, list[Start]] = field(default_factory=dict)
    acks: dict[str, list[Phase]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """Which bots were not measured, and why."""

    def as_json(self) -> dict[str, Any]:
        """Return all figures, with the machine and the versions they belong to."""
        return {"machine": machine(), **asdict(self)}


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: _version(name) for name in ("aiohttp", "sqlalchemy", "psycopg", "uvloop")},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def together(one: Round) -> float | None:
    return one.together.per_second


def remote(one: Round) -> float | None:
    return one.remote.per_second if one.remote else None


def ratios(ours: Sequence[Round], theirs: Sequence[Round], cell: Cell) -> list[float]:
    """Ours by theirs, round by round."""
    pairs = ((cell(a), cell(b)) for a, b in zip(ours, theirs, strict=False))
    return [a / b for a, b in pairs if a and b]


def ack_ratios(results: Results, ours: str, theirs: str) -> list[float]:
    found = zip(results.acks.get(ours, ()), results.acks.get(theirs, ()), strict=False)
    return [a.per_second / b.per_second for a, b in found]


def markdown(results: Results) -> str:
    """The whole report."""
    parts = [_head(results), _bots(results)]
    if len(results.rounds) > 1:
        parts.append(_beside(results))
    if results.acks:
        parts.append(_acks(results))
    if any(results.starts.values()):
        parts.append(_starts(results))
    if results.absent:
        parts.append("Not measured: " + "; ".join(f"{name}: {why}" for name, why in results.absent.items()))
    return "\n\n".join(parts)


def _head(results: Results) -> str:
    host, ceiling, how = machine(), results.ceiling, results.settings
    busy = f", load {results.load_before:.1f} before the run" if results.load_before > 0.5 else ""
    return (
        f"{host['system']}, {host['cores']} cores shared by load, platform, database and bot{busy}. Python "
        f"{host['python']}, SQLite {host['sqlite']}. One small write with fsync: {results.fsync_ms} ms. "
        f"`import aiohttp.web, sqlite3`: {spread(results.import_ms)} ms. {how['rounds']} rounds, alternated, "
        f"{how['seconds']} s each; median (lowest-highest). Ceiling of the harness with a bot that does nothing: "
        f"{ceiling.per_second:,.0f} messages/s at {ceiling.slots} at once, replied p50 {ceiling.reply_p50} ms."
    )


def _bots(results: Results) -> str:
    columns: list[tuple[str, Cell]] = [
        (f"messages/s, {TOGETHER} at once", together),
        ("ack p50 ms", lambda one: one.together.ack_p50),
        ("ack p99 ms", lambda one: one.together.ack_p99),
        ("reply p50 ms", lambda one: one.together.reply_p50),
        ("reply p99 ms", lambda one: one.together.reply_p99),
        ("CPU s per 1,000", lambda one: one.cpu_per_1000),
        (f"reply p50 ms, {ALONE} at a time", lambda one: one.alone.reply_p50 if one.alone else None),
        (f"messages/s, API {REMOTE_SECONDS * 1000:.0f} ms, {REMOTE_USERS} at once", remote),
        ("half capacity, reply p50 ms", lambda one: one.half.reply_p50 if one.half else None),
        ("half capacity, reply p99 ms", lambda one: one.half.reply_p99 if one.half else None),
        ("MiB idle", lambda one: one.idle_mib),
        ("MiB loaded", lambda one: one.loaded_mib),
    ]
    used = [(name, cell) for name, cell in columns if any(map(cell, _every(results)))]
    rows = []
    for bot, rounds in results.rounds.items():
        if rounds:
            cells = (
                spread([value for one in rounds if (value := cell(one)) is not None]) for _, cell in used
            )
            rows.append([bot, *cells, _troubles(rounds)])
    return _table(["bot", *(name for name, _ in used), "trouble"], rows)


def _every(results: Results) -> list[Round]:
    return [one for rounds in results.rounds.values() for one in rounds]


def _beside(results: Results) -> str:
    ours = [bot for bot in results.rounds if bot.startswith("engawa")]
    cells = [("", together), (f", API {REMOTE_SECONDS * 1000:.0f} ms", remote)]
    cells = [(what, cell) for what, cell in cells if any(map(cell, _every(results)))]
    rows = []
    for bot, rounds in results.rounds.items():
        found = [ratios(results.rounds[one], rounds, cell) for _, cell in cells for one in ours]
        if bot not in ours and any(found):
            rows.append([bot, *(spread(each, 2) for each in found)])
    return _table(["messages/s beside", *(f"{one}{what}" for what, _ in cells for one in ours)], rows)


def _acks(results: Results) -> str:
    rows = []
    base = next(iter(results.acks))
    for bot, phases in results.acks.items():
        if phases:
            speeds = [[getattr(one, name) for one in phases] for name in ("per_second", "ack_p50", "ack_p99")]
            rows.append([bot, *map(spread, speeds), spread(ack_ratios(results, bot, base), 2)])
    return _table([f"acknowledging, {ACKS} at once", "req/s", "p50 ms", "p99 ms", f"to {base}"], rows)


def _starts(results: Results) -> str:
    rows = []
    for bot, starts in results.starts.items():
        if starts:
            names = ("empty_ms", "again_ms", "idle_mib")
            rows.append([bot, *(spread([getattr(one, name) for one in starts]) for name in names)])
    return _table(["start", "to ready, nothing there yet, ms", "to ready, again, ms", "MiB idle"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def spread(values: Sequence[float], digits: int | None = None) -> str:
    if not values:
        return "–"
    middle = statistics.median(values)
    if digits is None:
        digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
    low, high = min(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def _troubles(rounds: Sequence[Round]) -> str:
    phases = [phase for one in rounds for phase in (one.alone, one.together, one.remote, one.half) if phase]
    counts: dict[str, int] = {}
    for phase in phases:
        for name, count in (*asdict(phase.trouble).items(), ("pushed", phase.pushes)):
            counts[name] = counts.get(name, 0) + count
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"
