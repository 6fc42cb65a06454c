"""`engawa line …`. What it takes (the SDK, drawing) is loaded by the commands only."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The LINE accounts, on LINE's side.")

Font = Annotated[
    Path | None, typer.Option(help="a font with Japanese signs; one of this machine if left out")
]


@app.command()
def setup(font: Font = None) -> None:
    """Set and test the webhook, and set the rich menu; a second run changes nothing."""
    from admin import line_setup
    from bot.config import load

    raise typer.Exit(asyncio.run(line_setup.run(load(os.environ), webhook=True, font=font)))


@app.command()
def richmenu(
    font: Font = None,
    to: Annotated[Path | None, typer.Option(help="only draw, into this PNG file")] = None,
) -> None:
    """Draw the rich menu of the published content and set it for everybody."""
    from admin import line_setup
    from bot.config import load

    settings = load(os.environ)
    if to is not None:
        to.write_bytes(asyncio.run(line_setup.picture(settings, font)))
        typer.echo(f"Drawn: {to}")
        return
    raise typer.Exit(asyncio.run(line_setup.run(settings, webhook=False, font=font)))
