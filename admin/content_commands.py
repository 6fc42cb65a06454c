"""`engawa content`: what people are told, as files that can be reviewed in git, and back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from bot.app import Engawa
    from bot.content.codec import Document
    from bot.content.diff import Change
    from bot.content.issues import Issue

R = TypeVar("R")
app = typer.Typer(no_args_is_help=True, help="What people are told.")

Source = Annotated[Path, typer.Argument(help="a folder of YAML files, a .zip of one, or one .yaml file")]
Whole = Annotated[bool, typer.Option(help="documents that are not among these files go")]


def _with(call: Callable[[Engawa], Awaitable[R]]) -> R:
    """Runs something with the installation's database at hand."""
    from bot.app import Engawa
    from bot.config import load

    async def run() -> R:
        engawa = Engawa(load(os.environ))
        try:
            await engawa.prepare(alone=False)
            return await call(engawa)
        finally:
            await engawa.database.close()

    return asyncio.run(run())


@app.command("export")
def export(
    target: Annotated[Path, typer.Argument(help="a new folder, or a file ending in .zip")],
    release: Annotated[int, typer.Option(help="which release; the latest if left out")] = 0,
) -> None:
    """Write a release as YAML files."""
    from admin import content_files
    from bot.errors import NotFound
    from bot.store import content

    async def read(engawa: Engawa) -> list[Document]:
        number = release or await engawa.database.read(content.latest_number, engawa.operator_id)
        found = await engawa.database.read(engawa.studio.public, number)
        if not found:
            raise NotFound(f"There is no release {number}.")
        return found

    documents = _with(read)
    count = content_files.write(target, documents)
    typer.echo(f"{len(documents)} documents in {count} files.", err=True)


@app.command("diff")
def diff(source: Source, whole: Whole = False) -> None:
    """Tell in plain words what these files would change, and what is wrong with them."""
    from admin import content_files
    from bot.studio_files import StudioFiles

    fresh = content_files.read(source)
    changes, issues = _with(lambda engawa: StudioFiles(engawa.studio).compared(fresh, whole=whole))
    _show(changes, issues)
    raise typer.Exit(1 if any(issue.blocks for issue in issues) else 0)


@app.command("publish")
def publish(
    source: Source,
    note: Annotated[str, typer.Option(help="a word for who reads the history later")] = "",
    whole: Whole = False,
    by: Annotated[str, typer.Option(help="the login of who stands for it")] = "",
    second: Annotated[
        str, typer.Option(help="the login of who looked at it, too: for hotlines, risk rules, safety texts")
    ] = "",
) -> None:
    """Publish these files as a new release, at once."""
    from admin import content_files
    from bot.studio_files import StudioFiles

    fresh = content_files.read(source)
    number = _with(lambda engawa: StudioFiles(engawa.studio).publish(fresh, note, by, second, whole=whole))
    typer.echo(f"Published as release {number}." if number else "Nothing changes.", err=True)


def _show(changes: Sequence[tuple[str, Sequence[Change]]], issues: Sequence[Issue]) -> None:
    for title, found in changes:
        typer.echo(title)
        for change in found:
            typer.echo(f"  {change.title}")
            for mark, text in (("前", change.before), ("後", change.after)):
                for line in text.splitlines():
                    typer.echo(f"    {mark} {line}")
    for issue in issues:
        typer.echo(f"{'blocks' if issue.blocks else 'look  '}  {issue.path}: {issue.message}", err=True)
    typer.echo(f"{len(changes)} documents change.", err=True)


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(help="a calendar (.ics), a table (.csv), or content as YAML; see docs/importing.md"),
    ],
    prefecture: Annotated[str, typer.Option(help="where it takes place, if the file does not say")] = "",
    municipality: Annotated[str, typer.Option(help="the city, town or village")] = "",
    kind: Annotated[str, typer.Option(help="such as family_group or ibasho")] = "event",
    source: Annotated[
        str, typer.Option(help="where the dates were seen, such as the group's own calendar")
    ] = "",
    held_on_holidays: Annotated[
        bool, typer.Option(help="the group meets on public holidays, too; else such days are not told")
    ] = False,
    release: Annotated[bool, typer.Option("--publish", help="publish it; else it is only shown")] = False,
    skip_problems: Annotated[
        bool, typer.Option(help="publish although something could not be taken")
    ] = False,
    by: Annotated[
        str, typer.Option(help="YAML: the editor in whose name it goes to review in the console")
    ] = "",
) -> None:
    """Read series and events from a group's own calendar or table, or YAML into drafts for review."""
    from datetime import UTC, datetime

    from admin import content_files, importing
    from bot.config import load
    from bot.content.importing import Defaults
    from bot.content.model import Source
    from bot.errors import BadInput
    from bot.handoff.hours import TOKYO
    from bot.studio_files import StudioFiles

    if file.is_dir() or file.suffix.lower() in (".zip", ".yaml", ".yml"):
        if not by:
            raise BadInput("Say --by LOGIN for drafts to review, or use `engawa content diff` and `publish`.")
        fresh = content_files.read(file)
        count = _with(lambda engawa: StudioFiles(engawa.studio).draft(fresh, by))
        typer.echo(f"{count} drafts were sent to review.", err=True)
        return
    seen = datetime.now(UTC).astimezone(TOKYO).date().isoformat()
    defaults = Defaults(
        kind=kind,
        prefecture=prefecture or None,
        municipality=municipality or None,
        on_holiday="held" if held_on_holidays else None,
        source=Source(title=source, seen_in_source=seen) if source else None,
    )
    found = importing.read(file, defaults)
    importing.show(found)
    if not release:
        raise typer.Exit(1 if found.problems else 0)
    if found.problems and not skip_problems:
        typer.echo("Nothing was published. Mend the lines above, or say --skip-problems.", err=True)
        raise typer.Exit(1)
    number = importing.publish(load(os.environ), found, f"{file.name} から")
    typer.echo(f"Published as release {number}.", err=True)


@app.command("gaps")
def gaps() -> None:
    """Tell what was looked for and not found in the last quarter that is over, by prefecture and by kind."""
    from admin import gaps as board
    from bot.clock import SystemClock
    from bot.config import load

    typer.echo(board.table(load(os.environ), SystemClock().now()))
