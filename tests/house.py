"""The rules of the house, as functions over one module's source: each yields what breaks it (docs: design).

Layers: 0 vocabulary, 1 pure core, 2 edges (store, channels), 3 services, 4 composition, 5 console.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_LINES = 300

LAYERS = {
    0: ("bot.messages", "bot.errors", "bot.clock", "bot.frozen", "bot.mac"),
    1: (
        *(
            "bot.talk",
            "bot.conversation",
            "bot.wakes",
            "bot.safety",
            "bot.flows",
            "bot.public.looking",
            "bot.channels.render",
            "bot.report",
            "bot.runtime.retry",
        ),
        *(f"bot.handoff.{name}" for name in ("risk", "ticket", "hours", "routing", "escalation")),
        *(f"bot.handoff.{name}" for name in ("waiting", "forecast", "notes", "outgoing", "flags")),
        *(
            f"bot.content.{name}"
            for name in ("model", "pack", "codec", "check", "cards", "calendar", "gaps", "reading")
        ),
        *(
            f"bot.content.{name}"
            for name in ("areas", "asking", "finding", "hotlines", "issues", "press", "search", "desks")
        ),
        *(f"bot.content.{name}" for name in ("check_flows", "check_places", "check_words", "words", "diff")),
        *(f"bot.content.{name}" for name in ("holidays", "schedule", "events", "agenda", "event_cards")),
        *(f"bot.content.{name}" for name in ("check_dates", "ics", "ics_import", "ics_item", "ics_lines")),
        *(
            f"bot.content.{name}"
            for name in ("csv_import", "importing", "open_data", "recurrence_words", "tables")
        ),
        *(f"bot.content.{name}" for name in ("editing", "flow_links", "flow_map", "step_templates")),
        *(
            f"bot.content.{name}"
            for name in (
                "archive",
                "export",
                "freshness",
                "recall",
                "next_days",
                "practice",
                "proposal",
                "rehearsal",
                "second_look",
                "slip",
            )
        ),
    ),
    2: ("bot.store", "bot.channels", "bot.handoff.dictionary", "bot.sharing"),
    3: (
        "bot.content.library",
        *(
            f"bot.handoff.{name}"
            for name in (
                *("desk", "access", "lines", "passing", "records", "relief", "board", "alerts"),
                *("follow_ups", "side_panel", "replies", "reading", "break_glass", "consulting", "hiding"),
            )
        ),
        "bot.runtime",
    ),
    4: (
        *(
            "bot.app",
            "bot.edge",
            "bot.calendar_feed",
            "bot.thread_view",
            "bot.accounts",
            "bot.config",
            "bot.connections",
        ),
        *("bot.fetching", "bot.logs", "bot.public", "bot.testing"),
        *(
            "bot.reporting",
            "bot.alerting",
            "bot.audit_heads",
            "bot.beside",
            "bot.releases",
            "bot.slips",
            "bot.studio",
            "bot.studio_files",
            "bot.publishing",
            "bot.drafting",
            "bot.freshness",
            "bot.recall",
        ),
        "bot.flow_editor",
    ),
    5: ("admin",),
}
FOLDERS = ("bot", "bot.handoff", "bot.content")  # they only hold modules of several layers

PACKAGES = {
    ".".join(path.parent.relative_to(ROOT).parts)
    for folder in ("bot", "admin")
    for path in (ROOT / folder).rglob("__init__.py")
}

LONGER: dict[str, tuple[int, str]] = {
    "bot/app.py": (360, "the composition root: all wiring in one view"),
    "bot/flows/engine.py": (330, "the one loop, and each way into it"),
    "bot/runtime/commit.py": (330, "the one path by which anything changes"),
    "bot/store/conversations.py": (330, "who is loaded, by id or by address, is locked in one order"),
    "bot/store/schema.py": (500, "all tables in one view"),
    "bot/store/migrations/versions/0001_first_schema.py": (820, "one migration, written by Alembic"),
}
"""Files that may be over the limit: by how much, and why."""

OWNED = {
    "linebot": "bot.channels.line",
    "PIL": "bot.channels.line",
    "telegram": "bot.channels.telegram",
    "apscheduler": "bot.runtime.clockwork",
    "aiosmtplib": "bot.channels.alerts",
    "alembic": "bot.store",
    "psycopg": "bot.store",
    "pyrage": "bot.store",
    "sudachipy": "bot.handoff.dictionary",
    "sqlite3": "bot.store",
    "sqlalchemy": "bot.store",
}
"""Libraries with one place each. Of SQLAlchemy, see `sql`."""

NOT_PURE = frozenset({
    "asyncio", "concurrent", "logging", "multiprocessing", "os", "random", "secrets", "socket", "structlog",
    "subprocess", "threading", "time", "aiohttp", "requests", "urllib",
})  # fmt: skip


@dataclass(frozen=True)
class Module:
    """A module by its dotted name, with its source."""

    name: str
    source: str
    path: str = ""

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def imports(self) -> list[tuple[int, str, str]]:
        """Every import, also inside functions: line, module, name (empty for a whole module)."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                package = self.name.split(".")[: -node.level] if node.level else []
                module = ".".join([*package, *([node.module] if node.module else [])])
                found += [(node.lineno, module, alias.name) for alias in node.names]
        return found

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but a docstring."""
        return all(
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in self.tree.body
        )


Rule = Callable[[Module], Iterator[str]]


def within(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}.")


def layer_of(name: str) -> int | None:
    """The layer of a module of ours: that of the longest name it lies within; None when nobody gave it one."""
    found = [
        (len(place), layer) for layer, places in LAYERS.items() for place in places if within(name, place)
    ]
    return max(found)[1] if found else None


def ours(module: Module) -> Iterator[tuple[int, str]]:
    """What a module imports of ours: line and dotted name, the module's where a package is asked for one."""
    for line, name, member in module.imports:
        if within(name, "bot") or within(name, "admin"):
            yield line, f"{name}.{member}" if member and name in PACKAGES else name


# --- the rules ------------------------------------------------------------------------------------------------


def layers(module: Module) -> Iterator[str]:
    """A module imports only from its own layer and those below; each module has a layer."""
    here = layer_of(module.name)
    if here is None:
        if module.name not in FOLDERS or any(ours(module)):
            yield f"{module.name} has no layer; give it one in tests/house.py"
        return
    for line, name in ours(module):
        there = layer_of(name)
        if there is not None and there > here:
            yield f"{module.name}:{line} is of layer {here} and imports {name} of layer {there}"


def edges(module: Module) -> Iterator[str]:
    """Channels know the vocabulary and each other; the store knows no channel; services know only their base."""
    here = layer_of(module.name)
    for line, name in ours(module):
        channel = within(name, "bot.channels")
        if within(module.name, "bot.channels") and here == 2 and not channel and layer_of(name) != 0:
            yield f"{module.name}:{line} is a channel and imports {name}"
        if within(module.name, "bot.store") and channel:
            yield f"{module.name}:{line} is the store and imports {name}"
        if here == 3 and channel and not (within(name, "bot.channels.base") or layer_of(name) == 1):
            yield f"{module.name}:{line} is a service and imports {name} instead of its base"


def console(module: Module) -> Iterator[str]:
    """`bot` never imports `admin`."""
    if within(module.name, "bot"):
        yield from (
            f"{module.name}:{line} imports {name}" for line, name in ours(module) if within(name, "admin")
        )


def libraries(module: Module) -> Iterator[str]:
    """A platform's library is imported in its channel only, the scheduler in clockwork, SQL in the store."""
    for line, name, member in module.imports:
        owner = OWNED.get(name.partition(".")[0])
        if owner is None or within(module.name, owner):
            continue
        if name == "sqlalchemy" and member == "Connection":
            continue
        if name == "sqlalchemy.exc" and member.endswith("Error"):
            continue
        yield f"{module.name}:{line} imports {name} {member}, which belongs to {owner}"


def sql(module: Module) -> Iterator[str]:
    """Outside the store a `Connection` is only named as a type and handed on: nothing is asked of it there."""
    if within(module.name, "bot.store"):
        return
    typed = {
        id(name)
        for node in ast.walk(module.tree)
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if annotation is not None
        for name in ast.walk(annotation)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and node.id == "Connection" and id(node) not in typed:
            yield f"{module.name}:{node.lineno} uses Connection as more than a type"
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "connection"
        ):
            yield f"{module.name}:{node.lineno} asks the connection for {node.attr}"


def purity(module: Module) -> Iterator[str]:
    """The core has no coroutine, no clock, no chance, no log and no way out: `now` is an argument."""
    if layer_of(module.name) not in (0, 1) or module.name == "bot.clock":
        return
    for line, name, member in module.imports:
        if name.partition(".")[0] in NOT_PURE or within(name, "bot.clock"):
            yield f"{module.name}:{line} imports {name}"
        if (name, member) in {("uuid", "uuid4"), ("uuid", "uuid1")}:
            yield f"{module.name}:{line} imports {member}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield f"{module.name}:{node.lineno} is a coroutine"
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "uuid4", "uuid1"):
            owner = (
                node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            )
            if owner in ("datetime", "date", "uuid"):
                yield f"{module.name}:{node.lineno} asks for {owner}.{node.attr}"
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("open", "print", "input")
        ):
            yield f"{module.name}:{node.lineno} calls {node.func.id}"


def aware(module: Module) -> Iterator[str]:
    """An instant knows its zone."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = (
            node.func.value.attr
            if isinstance(node.func.value, ast.Attribute)
            else getattr(node.func.value, "id", "")
        )
        if owner != "datetime":
            continue
        given = len(node.args) + len(node.keywords)
        least = {"now": 1, "fromtimestamp": 2}.get(node.func.attr, 0)
        if node.func.attr in ("utcnow", "utcfromtimestamp", "today") or given < least:
            yield f"{module.name}:{node.lineno} makes a time without a zone"


def size(module: Module) -> Iterator[str]:
    """At most 300 lines, or the reason stands in `LONGER`; a reason that is not needed any more goes."""
    lines = module.source.count("\n")
    most, why = LONGER.get(module.path, (MAX_LINES, ""))
    if lines > most:
        yield f"{module.path} has {lines} lines; {most} are allowed"
    if why and lines <= MAX_LINES:
        yield f"{module.path} has {lines} lines and needs no exception any more"


def head(module: Module) -> Iterator[str]:
    """A module says in its first lines what it owns, and evaluates no annotations."""
    if ast.get_docstring(module.tree) is None:
        yield f"{module.name} has no docstring"
    elif not module.is_empty and (1, "__future__", "annotations") not in (
        (1, *rest) for _, *rest in module.imports
    ):
        yield f"{module.name} lacks `from __future__ import annotations`"


OF_THE_PROGRAM: tuple[Rule, ...] = (layers, edges, console, libraries, sql, purity, aware, size, head)
OF_ALL: tuple[Rule, ...] = (aware, head)


@cache
def modules(*folders: str) -> list[Module]:
    """Every module below these folders of the repository."""
    found = []
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        relative = path.relative_to(ROOT)
        name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
        found.append(Module(name, path.read_text("utf-8"), relative.as_posix()))
    return found
