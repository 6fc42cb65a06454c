"""What reviewers and editors tell each other about a part of a document, such as a step of a flow."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.errors import Conflict
from bot.frozen import dataclass
from bot.store.schema import document_remarks, staff

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One remark. `by` is a name; `part` is the id of what it is about."""

    number: int
    part: str
    by: str
    body: str = field(repr=False)
    at: datetime


def add(
    connection: Connection,
    operator_id: str,
    kind: str,
    name: str,
    part: str,
    staff_id: str,
    body: str,
    now: datetime,
) -> int:
    """Writes a remark; returns its number. Raises Conflict when somebody wrote one at the same moment."""
    table = document_remarks
    number = select(func.coalesce(func.max(table.c.number), 0) + 1).where(
        table.c.operator_id == operator_id, table.c.kind == kind, table.c.name == name
    )
    row = {
        "operator_id": operator_id,
        "kind": kind,
        "name": name,
        "number": (fresh := int(connection.scalar(number) or 1)),
        "part": part,
        "staff_id": staff_id,
        "body": body,
        "written_at": now,
        "settled": False,
    }
    try:
        connection.execute(insert(table).values(**row))
    except IntegrityError as error:
        raise Conflict("Somebody saved this at the same moment.") from error
    return fresh


def unsettled(connection: Connection, operator_id: str, kind: str, name: str) -> list[Remark]:
    """The remarks on a document that are not settled, the oldest first."""
    table = document_remarks
    query = (
        select(table, staff.c.display_name)
        .join(staff, staff.c.staff_id == table.c.staff_id)
        .where(
            table.c.operator_id == operator_id,
            table.c.kind == kind,
            table.c.name == name,
            table.c.settled.is_(False),
        )
        .order_by(table.c.number)
        .limit(MOST_SHOWN)
    )
    return [
        Remark(number=row.number, part=row.part, by=row.display_name, body=row.body, at=row.written_at)
        for row in connection.execute(query)
    ]


def settle(connection: Connection, operator_id: str, kind: str, name: str, number: int) -> bool:
    """A remark is done with: it is not shown any more. Whether there was one."""
    table = document_remarks.c
    here = and_(table.operator_id == operator_id, table.kind == kind, table.name == name)
    done = connection.execute(
        update(document_remarks).where(here, table.number == number).values(settled=True, body="")
    )
    return done.rowcount == 1
