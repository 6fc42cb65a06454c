"""What growth measured at each size, as a table and as drawings."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from .growth_svg import drawing
from .report import machine

WRITERS = 1_000
HEAD = (
    "database",
    "made in, size",
    "ms of processor a message",
    "to the smallest, by rounds",
    "queue page",
    "bare query",
    "thread page",
    "due at once",
)


@dataclass(slots=True, kw_only=True)
class Size:
    """One database and what was measured in it; times in ms, cost of a message one figure a round."""

    contacts: int
    messages_each: int = 1
    places: int = 0
    made_in: float = 0.0
    megabytes: int = 0
    cost: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    queue_page: float = 0.0
    bare_query: float = 0.0
    thread_page: float = 0.0
    wake_seconds: float = 0.0
    woken: int = 0

    @property
    def name(self) -> str:
        more = f", {self.contacts * self.messages_each:,} messages" if self.messages_each > 1 else ""
        return f"{self.contacts:,} contacts{more}{f', {self.places:,} places' if self.places else ''}"

    @property
    def median(self) -> float:
        return statistics.median(self.cost)

    @property
    def people(self) -> list[str]:
        """Who writes."""
        return [f"U{number:032x}" for number in range(min(WRITERS, self.contacts))]


def draw(found: list[Size], folder: Path) -> None:
    """Cost, and pages, by the number of contacts."""
    grown = [one for one in found if not one.places and one.messages_each == 1]
    cost = {"cost of a message": [(one.contacts, one.cost) for one in grown]}
    shown = {
        "queue": [(one.contacts, [one.queue_page]) for one in grown],
        "bare query": [(one.contacts, [one.bare_query]) for one in grown],
        "thread": [(one.contacts, [one.thread_page]) for one in grown],
    }
    (folder / "growth.svg").write_text(drawing("ms of processor a message, by contacts", cost))
    (folder / "growth-pages.svg").write_text(drawing("ms of a page, by contacts", shown))


def table(found: list[Size], load: float) -> str:
    """Markdown, as docs/benchmarks.md has it."""
    busy = f" (busy machine: load {load:.1f} before the run)" if load > 0.5 else ""
    lines = [
        f"{machine()['system']}, {os.cpu_count()} cores, Python {machine()['python']}{busy}",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|---" * len(HEAD) + "|",
    ]
    for one in found:
        spread = f"{one.median:.2f} ({min(one.cost):.2f}-{max(one.cost):.2f})"
        ratio = statistics.median(ours / least for ours, least in zip(one.cost, found[0].cost, strict=True))
        cells = (
            one.name,
            f"{one.made_in:.0f} s, {one.megabytes:,} MB",
            spread,
            f"{ratio:.2f}×",
            f"{one.queue_page:.1f} ms",
            f"{one.bare_query:.2f} ms",
            f"{one.thread_page:.1f} ms",
            f"{one.woken:,} in {one.wake_seconds:.1f} s",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
