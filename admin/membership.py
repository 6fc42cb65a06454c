"""Staff from the command line: one-time passwords, passwords, keys."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy import Connection

from bot.clock import SystemClock
from bot.config import Settings
from bot.errors import BadInput, NotFound
from bot.store import content, duties, migrate, staff
from bot.store.database import Database, transact
from bot.store.staff import Member

ONE_TIME_FOR = timedelta(hours=24)
MIN_PASSWORD = 12  # ASVS 6.2.1
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


def _offer(connection: Connection, staff_id: str, now: datetime) -> str:
    secret = new_secret()
    staff.offer_one_time_login(connection, staff_id, secret, now + ONE_TIME_FOR)
    return secret


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
    """Sets a password of at least 12 characters. Raises BadInput or NotFound."""
    if not MIN_PASSWORD <= len(password) <= 256:
        raise BadInput(f"A password needs {MIN_PASSWORD} to 256 characters.")
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
    return _offer(connection, staff_id, now)


def new_secret() -> str:
    """A password of 100 random bits that can be read aloud: no letters that look alike."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


def new_key() -> str:
    """A line for ENGAWA_KEYS."""
    return f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
