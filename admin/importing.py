"""`engawa content import`: a group's calendar or table, looked at first, then published as a new release."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import typer
import yaml

from bot.app import Engawa
from bot.config import Settings
from bot.content.csv_import import read_file
from bot.content.importing import Defaults, Imported
from bot.errors import BadInput
from bot.handoff.hours import TOKYO


def read(file: Path, defaults: Defaults) -> Imported:
    """What the file gives. Raises BadInput when it is of no kind that can be read, or cannot be."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file.name}: cannot be read ({error.strerror})") from error
    try:
        return read_file(file.name, data, defaults, datetime.now(UTC).astimezone(TOKYO).date())
    except BadInput as error:
        raise BadInput(f"{file.name}: {error}") from error


def show(found: Imported) -> None:
    """Problems on the standard error; on the standard output the documents, as a folder of content has them."""
    for problem in found.problems:
        typer.echo(f"{problem.line}行目: {problem.message}", err=True)
    for kind in ("event_series", "event"):
        items = [document.body for document in found.documents() if document.kind == kind]
        if items:
            body = {"kind": kind, "items": items}
            typer.echo(
                "---\n" + yaml.safe_dump(body, allow_unicode=True, sort_keys=False, width=110), nl=False
            )
    counts = f"{len(found.series)} series, {len(found.events)} events"
    typer.echo(f"{counts}; {found.past} in the past left out, {len(found.problems)} problems", err=True)


def publish(settings: Settings, found: Imported, note: str) -> int:
    """Publishes the documents in a new release; returns its number. Raises ContentError when something blocks it."""

    async def run() -> int:
        engawa = Engawa(settings)
        try:
            await engawa.prepare(alone=False)
            return await engawa.database.write(
                engawa.library.merge, found.documents(), note, engawa.clock.now()
            )
        finally:
            await engawa.database.close()

    return asyncio.run(run())
