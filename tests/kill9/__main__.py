"""`python -m tests.kill9`: run, print what was counted, exit 1 when the promise was broken."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.kill9.run import CHANNELS, Plan, Report, run
from tests.provision import postgresql

COLUMNS = (
    ("messages", "sent"),
    ("acknowledged", "acknowledged"),
    ("brought again", "redelivered"),
    ("answered", "count.answered"),
    ("lost", "count.lost"),
    ("out of order", "count.misplaced"),
    ("repeated", "count.repeated"),
    ("in flight", "in_flight"),
    ("on the wire", "on_the_wire"),
    ("uncertain", "uncertain"),
    ("failed", "failed"),
)
LEGEND = """\
messages: what people did (each joins, then writes). answered: their answers that came, once and in order.
in flight: sends durably begun and not yet marked as sent at a kill, over all kills; on the wire: of these,
open calls at the platform. LINE and web chat: repeated must be 0. Telegram: at most what was in flight."""


def main() -> int:
    options = _options()
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="engawa-kill9-") as folder:
        for database in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
            plan = Plan(
                database=database,
                channels=CHANNELS if options.channel == "all" else (options.channel,),
                messages=options.messages,
                contacts=options.contacts,
                kills=options.kills,
                seed=options.seed,
            )
            place = Path(folder) / database
            place.mkdir()
            with _database(database, place) as url:
                report = asyncio.run(run(plan, url, place))
            print(table(report), flush=True)
            problems += [f"{database}: {problem}" for problem in report.problems()]
    print(LEGEND)
    for problem in problems:
        print(f"BROKEN  {problem}", file=sys.stderr)
    return int(bool(problems))


def table(report: Report) -> str:
    """The report as lines of text."""
    plan = report.plan
    head = (
        f"{plan.database}: {plan.messages} messages of {plan.contacts} contacts, {report.kills} kills"
        f" ({report.kills_after_start} of them soon after a start), seed {plan.seed}, {report.seconds:.1f} s"
    )
    rows = [["", *(name for name, _ in COLUMNS)]]
    for tally in report.tallies:
        values = []
        for _, path in COLUMNS:
            value: object = tally
            for name in path.split("."):
                value = getattr(value, name)
            values.append(str(value))
        rows.append([tally.channel, *values])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) if place == 0 else cell.rjust(width)
                  for place, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]  # fmt: skip
    return "\n".join([head, *(f"  {line}" for line in lines)])


@contextlib.contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if name == "sqlite":
        yield f"sqlite:///{folder / 'engawa.sqlite3'}"
        return
    with postgresql.databases() as databases, databases.fresh() as url:
        yield url


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kill9", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--channel", choices=[*CHANNELS, "all"], default="all", help="all: side by side")
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--contacts", type=int, default=50)
    parser.add_argument("--kills", type=int, default=10, help="at least this many")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
