"""One statement over many rows. SQLAlchemy writes it once for a database; after that only the values are prepared.

Its own way of running a statement over a list costs more a row than the row itself (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from bot.frozen import dataclass

WIDEST = 64
"""Rows of one statement. By powers of two, so that a database sees few texts and keeps them all prepared."""

Row = Mapping[str, Any]
Reader = Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """The text for one dialect, and what reads its parameters, in order, from a row as the driver wants them."""

    text: str
    names: tuple[str, ...]
    readers: tuple[Reader, ...]
    positional: bool
    wide: Callable[[int], str] | None = None
    """The text for so many rows at once, where each row would cost a hand-over of the interpreter's lock."""

    def values(self, row: Row) -> Any:
        if self.positional:
            return tuple([read(row) for read in self.readers])
        return {name: read(row) for name, read in zip(self.names, self.readers, strict=True)}


class Batch:
    """An INSERT, UPDATE or DELETE whose rows all name the same parameters; no two rows are for the same row of a table.

    A statement that is another in each dialect is given as what makes it for one.
    """

    def __init__(self, statement: UpdateBase | Callable[[Dialect], UpdateBase]) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Runs it for every row, if there is any; the number of rows it changed. Errors are SQLAlchemy's."""
        if not rows:
            return 0
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            made = self._statement
            statement = made if isinstance(made, UpdateBase) else made(dialect)
            compiled = self._compiled[dialect.name] = _compile(statement, dialect, rows[0])
        values = [compiled.values(row) for row in rows]
        if compiled.wide is None:
            return connection.exec_driver_sql(compiled.text, values).rowcount
        changed = at = 0
        while left := len(values) - at:
            size = min(1 << left.bit_length() - 1, WIDEST)
            group = tuple(chain.from_iterable(values[at : at + size]))
            changed += connection.exec_driver_sql(compiled.wide(size), group).rowcount
            at += size
        return changed


def _compile(statement: UpdateBase, dialect: Dialect, row: Row) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=list(row))
    assert isinstance(compiled, SQLCompiler)
    names = tuple((compiled.positiontup if compiled.positional else compiled.binds) or ())
    readers = tuple(_reader(compiled, name, dialect, given=name in row) for name in names)
    wide = _widened(compiled.string, len(names)) if compiled.positional else None
    return _Compiled(compiled.string, names, readers, bool(compiled.positional), wide)


def _widened(text: str, values: int) -> Callable[[int], str] | None:
    """The statement for one row as one for many, where its database knows how (SQLite 3.33)."""
    row = f"({', '.join('?' * values)})"
    if text.startswith("INSERT") and f"VALUES {row}" in text:
        head, tail = text.split(row, 1)
    elif text.startswith("UPDATE"):
        names = [*(f"given.column{place}" for place in range(1, values + 1)), ""]
        said = "".join(chain.from_iterable(zip(text.split("?"), names, strict=True)))
        setting, where = said.split(" WHERE ", 1)
        head, tail = f"{setting} FROM (VALUES ", f") AS given WHERE {where}"
    else:
        return None
    return cache(lambda size: head + ", ".join([row] * size) + tail)


def _reader(compiled: SQLCompiler, name: str, dialect: Dialect, *, given: bool) -> Reader:
    bind = compiled.binds[name]
    process = bind.type.dialect_impl(dialect).bind_processor(dialect)
    if not given:  # a constant of the statement itself
        constant = process(bind.effective_value) if process else bind.effective_value
        return lambda _row: constant
    return (lambda row: process(row[name])) if process else itemgetter(name)
