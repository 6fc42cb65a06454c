"""Staff from the command line: one-time passwords, passwords, keys."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy import Connection

from admin import passwords
from admin.codes import new_code
from bot.app import Engawa
from bot.clock import SystemClock
from bot.config import Settings
from bot.errors import BadInput, NotFound
from bot.store import content, duties, factors, migrate, staff
from bot.store.database import Database, transact
from bot.store.staff import Member

ONE_TIME_FOR = timedelta(hours=24)
COMMAND_LINE = "command line"
"""Who did it, in the audit, when it was done from the machine itself."""
DEMO_NAME = "みずの"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a member takes part in: desks by their ids (none: all), as a peer or not, and how much at once."""

    desks: tuple[str, ...] = ()
    peer: bool = False
    most: int = staff.MOST


def add(settings: Settings, login: str, name: str, role: str, part: Part = Part()) -> str:
    """Adds a member and returns a one-time password. Raises Conflict for a taken login, BadInput for bad fields."""
    login, name = login.strip(), name.strip()
    if not 0 < len(login) <= 64 or not login.isprintable():
        raise BadInput("The login needs 1 to 64 printable characters. Example: engawa staff add mizuno")
    if not 0 < len(name) <= 64 or not name.isprintable():
        raise BadInput("The name needs 1 to 64 printable characters. Example: --name みずの")
    if role not in staff.ROLES:
        raise BadInput(f"The role is one of {', '.join(staff.ROLES)}. Example: --role counselor")
    if part.most < 1:
        raise BadInput("Somebody who answers carries at least 1. Example: --most 12")
    database = Database.open(settings.database_url)
    migrate.migrate(database.url)
    return str(transact(database.engine, _add, login, name, role, part, SystemClock().now()))


def _add(connection: Connection, login: str, name: str, role: str, part: Part, now: datetime) -> str:
    _check_desks(connection, part)
    staff_id = staff.add(
        connection,
        migrate.DEFAULT_OPERATOR,
        login,
        name,
        role,
        None,
        desks=" ".join(part.desks) or staff.EVERY_DESK,
        peer=part.peer,
        most=part.most,
    )
    return _offer(connection, staff_id, now)


def _offer(connection: Connection, staff_id: str, now: datetime, *, suffices: bool = False) -> str:
    secret = new_code()
    staff.offer_one_time_login(connection, staff_id, secret, now + ONE_TIME_FOR, suffices=suffices)
    return secret


def renew(settings: Settings, login: str) -> str:
    """A fresh one-time passphrase in place of the one that was forgotten; the second factor stays."""
    return str(transact(Database.open(settings.database_url).engine, _renew, login, SystemClock().now()))


def _renew(connection: Connection, login: str, now: datetime) -> str:
    member = _known(connection, login)
    staff.set_password(connection, member.staff_id, None)
    return _offer(connection, member.staff_id, now)


def reset_factor(settings: Settings, login: str) -> str:
    """Takes the second factor away that was lost, and the passphrase with it: one alone must not let anybody in."""
    return str(transact(Database.open(settings.database_url).engine, _reset, login, SystemClock().now()))


def _reset(connection: Connection, login: str, now: datetime) -> str:
    factors.reset(connection, _known(connection, login).staff_id)
    return _renew(connection, login, now)


async def disable(settings: Settings, login: str) -> None:
    """Lets a member go: who they had waits for others. Raises NotFound; Conflict while they owe anybody something."""
    engawa = Engawa(settings)
    try:
        await engawa.prepare(alone=False)
        member = await engawa.database.read(_known, login)
        await engawa.desk.leave(replace(member, role="lead", staff_id=COMMAND_LINE), member.staff_id)
    finally:
        await engawa.stop()


def members(settings: Settings) -> list[Member]:
    """Everybody who may sign in."""
    found: list[Member] = transact(
        Database.open(settings.database_url).engine, staff.members, migrate.DEFAULT_OPERATOR
    )
    return found


def _check_desks(connection: Connection, part: Part) -> None:
    """Raises BadInput for a desk that the content does not have: nobody would ever come to it."""
    number = content.latest_number(connection, migrate.DEFAULT_OPERATOR)
    known = {
        name
        for kind, name, _ in content.documents(connection, migrate.DEFAULT_OPERATOR, number)
        if kind == "desk"
    }
    for desk in part.desks:
        if desk not in known:
            raise BadInput(f"There is no desk {desk}. There are: {', '.join(sorted(known)) or 'none yet'}.")


def set_duty(settings: Settings, login: str, begins: datetime, ends: datetime, *, drop: bool) -> None:
    """One shift into the shift table, or out of it. Raises BadInput or NotFound."""
    database = Database.open(settings.database_url)
    transact(database.engine, _set_duty, login, begins, ends, drop)


def _set_duty(connection: Connection, login: str, begins: datetime, ends: datetime, drop: bool) -> None:
    member = _known(connection, login)
    if drop:
        duties.drop(connection, member.staff_id, begins)
    else:
        duties.add(connection, member.staff_id, begins, ends)


def _known(connection: Connection, login: str) -> Member:
    member = staff.by_login(connection, migrate.DEFAULT_OPERATOR, login)
    if member is None:
        raise NotFound("There is no such member of staff. `engawa staff add` makes one.")
    return member


def set_password(settings: Settings, login: str, password: str) -> None:
    """Sets a passphrase. Raises BadInput for a weak one (admin.passwords), or NotFound."""
    passwords.check(password, (login,))
    database = Database.open(settings.database_url)
    transact(database.engine, _set_password, login, PasswordHasher().hash(password))


def _set_password(connection: Connection, login: str, password_hash: str) -> None:
    staff.set_password(connection, _known(connection, login).staff_id, password_hash)


def demo_login(connection: Connection, operator_id: str, login: str, now: datetime) -> str:
    """A fresh one-time password for the demo's counselor, who is made when missing."""
    member = staff.by_login(connection, operator_id, login)
    staff_id = (
        member.staff_id if member else staff.add(connection, operator_id, login, DEMO_NAME, "lead", None)
    )
    return _offer(connection, staff_id, now, suffices=True)


def new_key() -> str:
    """A line for ENGAWA_KEYS."""
    return f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
