"""`engawa content gaps`: the last whole quarter, for who makes places, without small numbers."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from typer.testing import CliRunner

from admin import gaps
from admin.cli import app
from bot.config import Settings, load
from bot.handoff.hours import TOKYO
from bot.store import counts, migrate
from bot.store.database import Database, transact
from bot.testing import A_KEY

NOW = datetime(2026, 11, 21, 12, tzinfo=TOKYO)
COUNTED = {"gap/27/ibasho": 7, "gap/33/ibasho": 6, "gap/13/any": 2, "no_match/27/any": 3, "no_match": 3}


def settings(folder: Path) -> Settings:
    return load({"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": f"sqlite:///{folder / 'engawa.db'}"})


def test_small_numbers_are_not_told(tmp_path: Path) -> None:
    """R-118, R-124: 2 is withheld, and with it the next one, else the total would tell it; of 3 not even the sum."""
    known = settings(tmp_path)
    database = Database.open(known.database_url)
    migrate.migrate(database.url)
    for day in (date(2026, 9, 30), date(2026, 10, 1)):  # the second is of a quarter that is not over
        transact(database.engine, counts.add, migrate.DEFAULT_OPERATOR, day, COUNTED)
    assert gaps.table(known, NOW).splitlines() == [
        "2026-07-01 から 2026-09-30 まで。5より小さい数は出しません。",
        "",
        "合うものを出せなかった回数：15",
        "  大阪府　7",
        "  ほか2つは、小さいので出しません",
        "  ほか2つは、小さいので出しません",
        "",
        "「合うものがない」がえらばれた回数：出せません",
        "  ほか1つは、小さいので出しません",
        "  ほか1つは、小さいので出しません",
    ]


def test_an_empty_house_tells_so(tmp_path: Path) -> None:
    """The command runs on a new installation, too."""
    environ = {"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": f"sqlite:///{tmp_path / 'engawa.db'}"}
    ran = CliRunner().invoke(app, ["content", "gaps"], env=environ)
    assert ran.exit_code == 0, ran.output
    assert "回数：0" in ran.output
