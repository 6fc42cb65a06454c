"""The `engawa` command (docs/contracts.md). Heavy modules are loaded by the commands that need them."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from admin import content_commands, line_commands, record_commands, staff_commands, vault_commands
from bot.errors import ConfigError, EngawaError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Engawa: an anonymous contact channel on LINE, Telegram and the web.",
)
risk_app = typer.Typer(no_args_is_help=True, help="The risk rules.")
telegram_app = typer.Typer(no_args_is_help=True, help="The Telegram bots.")
app.add_typer(record_commands.audit, name="audit")
app.command("report")(record_commands.report)
app.add_typer(staff_commands.app, name="staff")
app.add_typer(content_commands.app, name="content")
app.add_typer(line_commands.app, name="line")
app.add_typer(risk_app, name="risk")
app.add_typer(telegram_app, name="telegram")
vault_commands.add_to(app)


@app.command()
def serve(
    role: Annotated[str, typer.Option(help="all, or only web or worker (needs PostgreSQL)")] = "all",
    allow_http_console: Annotated[
        bool, typer.Option(help="open /admin over plain http beyond this machine: only on a closed network")
    ] = False,
    telegram_polling: Annotated[
        bool,
        typer.Option(help="fetch Telegram's updates instead of having them brought: needs no public address"),
    ] = False,
) -> None:
    """Serve webhooks, web chat and console, and do the work behind them."""
    from admin import serving
    from bot.config import load

    environ = {**os.environ, "ENGAWA_TELEGRAM_POLLING": "on"} if telegram_polling else os.environ
    settings = load(environ)
    if telegram_polling and not settings.telegram:
        raise ConfigError(
            ["ENGAWA_TELEGRAM_BOT_TOKEN is missing. Example: ENGAWA_TELEGRAM_BOT_TOKEN=123456:ABC…"]
        )
    serving.run(settings, role=role, allow_http_console=allow_http_console)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="where the demo keeps its database and key")] = Path("demo"),
    port: Annotated[int, typer.Option(help="the port to try first")] = 8080,
) -> None:
    """Start everything on this machine, without any account, and print where it is."""
    from admin import demonstration

    demonstration.run(folder, port)


@app.command()
def migrate() -> None:
    """Bring the database to the current schema and import the first content."""
    import asyncio

    from bot.app import Engawa
    from bot.config import load

    async def run() -> None:
        engawa = Engawa(load(os.environ))
        try:
            await engawa.prepare(alone=False)
        finally:
            await engawa.database.close()

    asyncio.run(run())
    typer.echo("The database is up to date.")


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="a folder of YAML files; the shipped content if left out")
    ] = None,
) -> None:
    """Look through content for everything that would go wrong for a person."""
    from bot.clock import SystemClock
    from bot.content import check as checking
    from bot.content import codec
    from bot.handoff.hours import TOKYO

    documents, issues = checking.read(codec.seed_folder() if folder is None else folder)
    issues += checking.check_documents(documents, SystemClock().now().astimezone(TOKYO).date())
    for issue in issues:
        typer.echo(f"{'blocks' if issue.blocks else 'look  '}  {issue.path}: {issue.message}")
    if any(issue.blocks for issue in issues):
        raise typer.Exit(1)
    typer.echo(f"{len(documents)} documents, nothing that blocks.")


@app.command()
def simulate(
    script: Annotated[
        Path | None, typer.Argument(help="a YAML script; a conversation in the terminal if left out")
    ] = None,
    repro: Annotated[bool, typer.Option(help="print the conversation as a script at the end")] = False,
) -> None:
    """Play a conversation with the real flows and rules; the same script gives the same answers."""
    from admin import simulation

    raise typer.Exit(simulation.run(script, repro=repro))


@app.command()
def doctor(
    security: Annotated[
        bool, typer.Option("--security", help="look at this machine's own safety instead")
    ] = False,
    unit: Annotated[str, typer.Option(help="the service to look at, with --security")] = "engawa.service",
) -> None:
    """Check database, keys, channels, webhooks and clock; each line says ok or what to do."""
    import asyncio

    from admin import doctoring, securing
    from bot.config import load

    if security:
        raise typer.Exit(securing.run(load(os.environ), os.environ, unit))
    raise typer.Exit(asyncio.run(doctoring.run(load(os.environ))))


@app.command()
def key() -> None:
    """Make a key for ENGAWA_KEYS. Keep it apart from the database and its backups."""
    typer.echo(f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}")


@risk_app.command("scan")
def risk_scan(file: Annotated[str, typer.Argument(help="lines of {id, text}; - for standard input")]) -> None:
    """Scan lines of JSON with the rules, and write id, level, category and rules of each."""
    from admin import scanning

    scanning.run(file)


@telegram_app.command("setup")
def telegram_setup() -> None:
    """Set webhook, menu and greeting of every bot; prints what it changed. Safe to repeat."""
    import asyncio

    from admin import telegram_setup as setting_up
    from bot.config import load

    asyncio.run(setting_up.run(load(os.environ)))


@risk_app.command("explain")
def risk_explain(text: Annotated[str, typer.Argument(help="a text; it is not stored")]) -> None:
    """Tell how a text is read: what each rule looked at, what took it back, what hit and where."""
    from admin import scanning

    scanning.explain(text)


@risk_app.command("score")
def risk_score(
    file: Annotated[str, typer.Argument(help="lines of {id, text, level, category}; - for standard input")],
    misses: Annotated[bool, typer.Option(help="list the lines it got wrong")] = True,
) -> None:
    """Score the rules on a labelled corpus: per level and category, confusion, misses."""
    from admin import scanning

    scanning.score(file, misses=misses)


@risk_app.command("try")
def risk_try(
    rules: Annotated[Path, typer.Argument(help="a YAML file or folder with changed risk documents")],
    corpus: Annotated[str, typer.Argument(help="lines of {id, text}; - for standard input")],
) -> None:
    """Dry run of changed rules: each line of a corpus whose level they would change."""
    from admin import scanning

    scanning.try_rules(rules, corpus)


def main() -> None:
    """Runs the command; a known problem is told in plain words, without a traceback."""
    try:
        app()
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(f"engawa: {problem}", err=True)
        sys.exit(2)
    except EngawaError as error:
        typer.echo(f"engawa: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
