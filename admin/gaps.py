"""`engawa content gaps`: what was looked for and is missing, as a table for who makes places (R-118)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection

from bot.config import Settings
from bot.content import gaps
from bot.content.finding import ANY
from bot.content.gaps import Told
from bot.content.library import Library
from bot.handoff.hours import TOKYO
from bot.store import counts, migrate
from bot.store.database import Database, transact

HEADS = {"gap": "合うものを出せなかった回数", "no_match": "「合うものがない」がえらばれた回数"}


def table(settings: Settings, now: datetime) -> str:
    """The last quarter that is over, as it may be told."""
    database = Database.open(settings.database_url)
    migrate.migrate(database.url)
    return "\n".join(transact(database.engine, lambda connection: list(_lines(connection, now))))


def _lines(connection: Connection, now: datetime) -> Iterator[str]:
    first, last = gaps.quarter(now.astimezone(TOKYO).date())
    library = Library(migrate.DEFAULT_OPERATOR)
    library.import_seed(connection, now)
    texts = library.released(connection).latest.texts
    kinds = {key.removeprefix("kind_"): told[0] for key, told in texts.items() if key.startswith("kind_")}
    yield f"{first} から {last} まで。{gaps.THRESHOLD}より小さい数は出しません。"
    for kind, head in HEADS.items():
        found = gaps.gaps(counts.between(connection, migrate.DEFAULT_OPERATOR, first, last, kind))
        yield ""
        yield f"{head}：{'出せません' if found.total is None else found.total}"
        yield from _cells(found.by_area, {})
        yield from _cells(found.by_kind, {**kinds, ANY: "種類は言わない"})


def _cells(told: Told, words: Mapping[str, str]) -> Iterator[str]:
    yield from (f"  {words.get(name, name)}　{number}" for name, number in told.cells)
    if told.withheld:
        yield f"  ほか{told.withheld}つは、小さいので出しません"
