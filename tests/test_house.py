"""The house keeps its own rules; and each rule is held against something it must allow and something it must not."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests import house
from tests.house import Module, Rule


class Samples(NamedTuple):
    """(module, source) pairs a rule has nothing against, and others it must find."""

    good: list[tuple[str, str]]
    bad: list[tuple[str, str]]


DOC = '"""What it owns."""\n'
SAMPLES: dict[Rule, Samples] = {
    house.layers: Samples(
        good=[
            ("bot.flows.engine", "from bot.flows import model\nfrom bot.messages import Reply"),
            ("bot.handoff.ticket", "from bot.handoff.risk import Level"),
            ("bot.store.outbox", "from bot.talk import Mode"),
            ("bot.handoff.desk", "from bot.runtime import commit\nfrom bot.store import inbox"),
            ("admin.cli", "from bot.app import Engawa"),
            ("bot.handoff", DOC),
        ],
        bad=[
            ("bot.messages", "from bot.talk import Mode"),
            ("bot.flows.engine", "from bot.store import outbox"),
            ("bot.conversation", "def f():\n    import bot.runtime.turns"),
            ("bot.content.pack", "from bot.content import library"),
            ("bot.content.pack", "from bot.content.library import Library"),
            ("bot.handoff.risk", "from bot.handoff import desk"),
            ("bot.handoff.risk", "from . import desk"),
            ("bot.channels.render", "from bot.channels.base import Channel"),
            ("bot.store.outbox", "from bot.runtime import commit"),
            ("bot.runtime.turns", "from bot.app import Engawa"),
            ("bot.newcomer", DOC),
            ("bot.handoff", "from bot.handoff import risk"),
        ],
    ),
    house.edges: Samples(
        good=[
            ("bot.channels.line", "from bot.channels.base import Parsed\nfrom bot.errors import Rejected"),
            ("bot.channels.telegram", "from bot.channels import render"),
            ("bot.store.outbox", "from bot.messages import Purpose"),
            ("bot.runtime.delivery", "from bot.channels.base import Channel\nfrom bot.channels import base"),
            ("bot.runtime.turns", "from bot.channels.render import card_text"),
            ("bot.app", "from bot.channels.line import Line"),
        ],
        bad=[
            ("bot.channels.line", "from bot.store import inbox"),
            ("bot.channels.webchat.page", "from bot.conversation import take_turn"),
            ("bot.store.inbox", "from bot.channels.base import Parsed"),
            ("bot.store.inbox", "from bot.channels.render import render"),
            ("bot.runtime.delivery", "from bot.channels.line import Line"),
            ("bot.runtime.delivery", "from bot.channels import telegram"),
        ],
    ),
    house.console: Samples(
        good=[("bot.app", "from bot import edge"), ("admin.app", "from admin import auth")],
        bad=[("bot.app", "from admin import auth"), ("bot.app", "def f():\n    import admin.app")],
    ),
    house.libraries: Samples(
        good=[
            ("bot.channels.telegram", "from telegram.request import BaseRequest"),
            ("bot.channels.line", "import linebot.v3"),
            ("bot.runtime.clockwork", "from apscheduler.schedulers.asyncio import AsyncIOScheduler"),
            ("bot.store.database", "from sqlalchemy import create_engine, event"),
            ("bot.store.migrations.env", "from alembic import context"),
            ("bot.runtime.turns", "from sqlalchemy import Connection"),
            ("bot.app", "from sqlalchemy.exc import IntegrityError"),
            ("bot.app", "from bot.channels import telegram"),
        ],
        bad=[
            ("bot.channels.line", "import telegram"),
            ("bot.app", "from linebot.v3.messaging import ApiClient"),
            ("bot.runtime.turns", "import apscheduler"),
            ("bot.runtime.turns", "from sqlalchemy import Connection, select"),
            ("admin.membership", "import sqlalchemy as sa"),
            ("admin.membership", "from sqlalchemy.exc import NoSuchColumnError as E, dialects"),
            ("bot.runtime.live", "import psycopg"),
            ("bot.config", "from sqlalchemy.engine import URL"),
        ],
    ),
    house.sql: Samples(
        good=[
            (
                "bot.runtime.turns",
                "def f(connection: Connection) -> list[Connection]:\n    return g(connection)",
            ),
            ("bot.store.inbox", "def f(connection):\n    connection.execute(1)"),
        ],
        bad=[
            ("bot.runtime.turns", "def f(connection: Connection):\n    connection.execute(1)"),
            ("bot.handoff.desk", "def f(connection: Connection):\n    return connection.scalar"),
            ("admin.doctoring", "made = Connection()"),
        ],
    ),
    house.purity: Samples(
        good=[
            ("bot.flows.engine", "def f(now):\n    return now"),
            ("bot.handoff.ticket", "import uuid\nx = uuid.uuid5(a, b)"),
            ("bot.clock", "from datetime import datetime\nimport secrets\nx = datetime.now(UTC)"),
            ("bot.runtime.turns", "import structlog\nasync def f():\n    await g()"),
            ("bot.content.calendar", "from datetime import date, datetime, time, timedelta"),
        ],
        bad=[
            ("bot.flows.engine", "async def f(): ..."),
            ("bot.flows.engine", "from datetime import datetime\nx = datetime.now(UTC)"),
            ("bot.flows.engine", "import datetime\nx = datetime.datetime.utcnow()"),
            ("bot.content.calendar", "from datetime import date\nx = date.today()"),
            ("bot.conversation", "import time"),
            ("bot.conversation", "import random"),
            ("bot.handoff.risk", "from secrets import token_hex"),
            ("bot.handoff.ticket", "import uuid\nx = uuid.uuid4()"),
            ("bot.handoff.ticket", "from uuid import uuid4"),
            ("bot.channels.render", "import logging"),
            ("bot.runtime.retry", "import structlog"),
            ("bot.conversation", "from bot.clock import SystemClock"),
            ("bot.messages", "import os"),
            ("bot.content.codec", "def f():\n    print(1)"),
        ],
    ),
    house.aware: Samples(
        good=[
            ("bot.clock", "datetime.now(UTC)"),
            ("bot.clock", "datetime.fromtimestamp(1, tz=UTC)"),
            ("bot.clock", "clock.now()"),
        ],
        bad=[
            ("bot.clock", "datetime.now()"),
            ("bot.clock", "datetime.datetime.utcnow()"),
            ("admin.cli", "datetime.fromtimestamp(1)"),
            ("tests.x", "datetime.today()"),
        ],
    ),
    house.size: Samples(
        good=[("bot.x", "\n" * house.MAX_LINES), ("bot.app", "\n" * 340)],
        bad=[
            ("bot.x", "\n" * (house.MAX_LINES + 1)),
            ("bot.app", "\n" * 900),
            ("bot.app", "\n" * 299),
        ],
    ),
    house.head: Samples(
        good=[("bot.x", DOC), ("bot.x", f"{DOC}from __future__ import annotations\nx = 1")],
        bad=[("bot.x", ""), ("bot.x", "from __future__ import annotations\nx = 1"), ("bot.x", f"{DOC}x = 1")],
    ),
}


def sample(name: str, source: str) -> Module:
    return Module(name, source, f"{name.replace('.', '/')}.py")


@pytest.mark.parametrize("rule", house.OF_THE_PROGRAM, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    """No module of the program breaks this rule."""
    assert [problem for module in house.modules("bot", "admin") for problem in rule(module)] == []


@pytest.mark.parametrize("rule", house.OF_ALL, ids=lambda rule: rule.__name__)
def test_tests_and_benchmarks_keep_the_small_rules(rule: Rule) -> None:
    """Nor does any test or benchmark, where the rule is for them, too."""
    written = [module for module in house.modules("tests", "benchmarks") if module.source]
    assert [problem for module in written for problem in rule(module)] == []


@pytest.mark.parametrize("rule", house.OF_THE_PROGRAM, ids=lambda rule: rule.__name__)
def test_a_rule_finds_the_bad_and_leaves_the_good(rule: Rule) -> None:
    """A rule that finds nothing, or everything, proves nothing."""
    for name, source in SAMPLES[rule].good:
        assert list(rule(sample(name, source))) == [], source
    for name, source in SAMPLES[rule].bad:
        assert list(rule(sample(name, source))), source


def test_every_exception_is_of_a_file_there_is() -> None:
    """An exception outlives no file."""
    assert {module.path for module in house.modules("bot", "admin")} >= set(house.LONGER)
