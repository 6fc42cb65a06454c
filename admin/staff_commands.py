"""`engawa staff …`: the people who answer and edit, their desks, and the shift table."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import Annotated

import typer

from bot.errors import BadInput

app = typer.Typer(no_args_is_help=True, help="The people who answer and edit.")
FORM = "%Y-%m-%dT%H:%M"


@app.command()
def add(
    login: Annotated[str, typer.Argument(help="the name to sign in with")],
    name: Annotated[str, typer.Option(help="the name people see")] = "",
    role: Annotated[
        str, typer.Option(help="counselor, peer, lead, editor, reviewer or operator")
    ] = "counselor",
    desk: Annotated[
        list[str] | None, typer.Option(help="the id of a desk, again for each; all desks if left out")
    ] = None,
    peer: Annotated[
        bool, typer.Option(help="knows such a life from their own, and may be wished for")
    ] = False,
    most: Annotated[int, typer.Option(help="how much they carry at once; see docs/desk.md")] = 12,
) -> None:
    """Add a member of staff and print a password that works once, for a day."""
    from admin import membership
    from bot.config import load

    part = membership.Part(desks=tuple(desk or ()), peer=peer, most=most)
    secret = membership.add(load(os.environ), login, name or login, role, part)
    typer.echo(f"Added {login}. One-time password, good for 24 hours: {secret}")
    typer.echo("They choose a lasting one, and a second factor, when they first sign in.")


@app.command()
def password(login: Annotated[str, typer.Argument(help="the name to sign in with")]) -> None:
    """Set a member's password, read from the terminal or standard input."""
    from admin import membership
    from bot.config import load

    typed = (
        typer.prompt("New password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    )
    membership.set_password(load(os.environ), login, typed)
    typer.echo(f"The password of {login} is set.")


@app.command()
def renew(login: Annotated[str, typer.Argument(help="who forgot their passphrase")]) -> None:
    """Print a fresh one-time passphrase; the member's sessions end, their second factor stays."""
    from admin import membership
    from bot.config import load

    secret = membership.renew(load(os.environ), login)
    typer.echo(f"One-time password of {login}, good for 24 hours: {secret}")


@app.command("reset-factor")
def reset_factor(login: Annotated[str, typer.Argument(help="who lost their second factor")]) -> None:
    """Take a lost second factor away; the member sets up passphrase and factor anew with a one-time passphrase."""
    from admin import membership
    from bot.config import load

    secret = membership.reset_factor(load(os.environ), login)
    typer.echo(f"One-time password of {login}, good for 24 hours: {secret}")


@app.command()
def disable(login: Annotated[str, typer.Argument(help="who leaves")]) -> None:
    """Let a member go: sessions end, who they answered waits for others. Promises need a new owner first."""
    import asyncio

    from admin import membership
    from bot.config import load

    asyncio.run(membership.disable(load(os.environ), login))
    typer.echo(f"{login} may not sign in any more.")


@app.command("list")
def members() -> None:
    """Everybody who may sign in."""
    from admin import membership
    from bot.config import load

    for member in membership.members(load(os.environ)):
        typer.echo(f"{member.login}\t{member.display_name}\t{member.role}\t{member.desks}")


@app.command()
def duty(
    login: Annotated[str, typer.Argument(help="who is on duty")],
    begins: Annotated[str, typer.Argument(help="in Tokyo time, e.g. 2026-12-01T10:00")],
    ends: Annotated[str, typer.Argument(help="e.g. 2026-12-01T18:00")],
    drop: Annotated[bool, typer.Option("--drop", help="take this shift out of the table instead")] = False,
) -> None:
    """Enter a shift into the shift table, from which people are told when somebody reads."""
    from admin import membership
    from bot.config import load
    from bot.handoff.hours import TOKYO

    try:
        span = [datetime.strptime(each, FORM).replace(tzinfo=TOKYO) for each in (begins, ends)]
    except ValueError as error:
        raise BadInput("Write times like 2026-12-01T10:00.") from error
    membership.set_duty(load(os.environ), login, span[0], span[1], drop=drop)
    typer.echo(f"{login}: {begins} to {ends} {'is out of' if drop else 'is in'} the shift table.")
