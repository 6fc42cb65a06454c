"""`engawa audit …` and `engawa report`: what is kept of our own doings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

audit = typer.Typer(no_args_is_help=True, help="Who of the staff read or wrote which thread.")


@audit.command("verify")
def verify(
    heads: Annotated[
        Path | None, typer.Option(help="the file of daily heads; ENGAWA_AUDIT_HEADS if left out")
    ] = None,
) -> None:
    """Tell whether the chain of events is whole: nothing changed, put in, moved, missing or cut."""
    from admin import auditing
    from bot.config import load

    problems = auditing.verify(load(os.environ), heads)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo("The chain is whole.")


@audit.command("export")
def export(
    since: Annotated[str, typer.Option(help="from this day on, such as 2026-11-01")] = "",
    until: Annotated[str, typer.Option(help="up to this day")] = "",
) -> None:
    """Write who read or wrote a thread, when and for what, as CSV."""
    from admin import auditing
    from bot.config import load

    number = auditing.export(load(os.environ), auditing.day(since), auditing.day(until))
    typer.echo(f"{number} events.", err=True)


def report(
    period: Annotated[
        str,
        typer.Argument(
            help="a month 2026-11, a quarter 2026-Q4 or a year 2026; the last quarter if left out"
        ),
    ] = "",
) -> None:
    """Tell of a month, quarter or year that is over: sums only, and none that tells of single people."""
    import asyncio

    from admin import reporting
    from bot.config import load

    typer.echo(asyncio.run(reporting.told(load(os.environ), period)), nl=False)
