"""`python -m tests.chaos`: run, print the ledger, exit 1 when an invariant broke, with the seed to play it again."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.disks import SIZE_MB, SmallDisk, small_disk
from tests.chaos.faults import FAULTS
from tests.chaos.run import Plan, Report, run
from tests.provision import postgresql

Place = tuple[str, postgresql.Server | None, SmallDisk | None]


def main() -> int:
    """The exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that processes and disks are tidied up
    broken, most = False, files_of_our_own() - 2_000
    with tempfile.TemporaryDirectory(prefix="engawa-chaos-") as folder:
        for database in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
            many = database == "postgresql" and options.processes > 1
            plan = Plan(
                database=database,
                faults=tuple(options.fault or FAULTS),
                strikes=options.strikes,
                messages=options.messages,
                contacts=options.contacts,
                webs=max(1, options.processes // 2) if many else 1,
                workers=max(1, options.processes - options.processes // 2) if many else 0,
                streams=min(options.streams, most),
                kills=options.kills,
                seed=options.seed,
                deadline=options.deadline,
            )
            place = Path(folder) / database
            place.mkdir()
            Path(folder).chmod(0o711)  # PostgreSQL runs as another user, who must come to its disk
            with placed(database, place) as (url, server, disk):
                if disk is None:
                    print("a small disk cannot be mounted here (only root may): no full disk in this run")
                report = asyncio.run(run(plan, url, place, server=server, disk=disk))
            print(table(report), flush=True)
            for line in report.traces:
                print(f"  {line}", file=sys.stderr)
            for problem in report.problems:
                print(f"BROKEN  {database}: {problem}", file=sys.stderr)
            broken = broken or bool(report.problems)
    if broken:
        given = [*sys.argv[1:], *([] if "--seed" in sys.argv else ["--seed", str(options.seed)])]
        print(f"again: python -m tests.chaos {shlex.join(given)}", file=sys.stderr)
    return int(broken)


@contextlib.contextmanager
def placed(database: str, folder: Path) -> Iterator[Place]:
    """The URL of an empty database, with the server or the small disk it lies on."""
    with small_disk(folder / "disk", SIZE_MB[database]) as disk:
        if database == "sqlite":
            yield f"sqlite:///{folder / 'disk' / 'engawa.sqlite3'}", None, disk
            return
        with (
            postgresql.Server(durable=True, disk=disk.folder if disk else None) as server,
            server.databases.fresh() as url,
        ):
            yield url, server, disk


def files_of_our_own() -> int:
    """How many files this process may open, after asking for more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 1 << 16 if hard == resource.RLIM_INFINITY else min(hard, 1 << 16)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


def table(report: Report) -> str:
    """The ledger as lines of text."""
    plan = report.plan
    processes = f"{plan.webs} web and {plan.workers} worker processes" if plan.workers else "one process"
    faults = f"{report.struck.total()} faults with {report.kills} kills"
    much = f"{plan.messages} messages of {plan.contacts} contacts, {faults}"
    lines = [
        f"{plan.database}, {processes}: {much}, seed {plan.seed}, {report.seconds:.0f} s",
        "  " + ", ".join(f"{name} {count}" for name, count in sorted(report.struck.items())),
    ]
    for tally in report.tallies:
        count = tally.count
        lines.append(
            f"  {tally.channel:9} sent {tally.sent}, acknowledged {tally.acknowledged}, brought again"
            f" {tally.redelivered}, answered {count.answered}, lost {count.lost}, out of order"
            f" {count.misplaced}, repeated {count.repeated} (in flight at a kill {tally.in_flight})"
        )
    told, broken = f"missing and told {report.excused}", f"broken {len(report.problems)}"
    lines.append(f"  in danger {plan.in_danger}, tickets {report.tickets}, {told}, {broken}")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--processes", type=int, default=1, help="on PostgreSQL: web and worker processes")
    parser.add_argument("--strikes", type=int, default=40, help="how many faults")
    parser.add_argument(
        "--fault", action="append", choices=sorted(FAULTS), help="only these; may be repeated"
    )
    parser.add_argument("--messages", type=int, default=1200)
    parser.add_argument("--contacts", type=int, default=90)
    parser.add_argument(
        "--streams", type=int, default=10_000, help="idle pages at once (less where ulimit -Hn is small)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deadline", type=float, default=900.0, help="seconds for one database")
    parser.add_argument(
        "--kills", type=int, default=0, help="at least this many kill -9 besides the other faults"
    )
    parser.epilog = "As root small disks are mounted and filled."
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
