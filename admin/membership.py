"""Staff from the command line: one-time passwords, passwords, keys."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy import Connection

from bot.clock import SystemClock
from bot.config import Settings
from bot.errors import BadInput, NotFound
from bot.store import migrate, staff
from bot.store.database import Database, transact

ONE_TIME_FOR = timedelta(hours=24)
MIN_PASSWORD = 12  # ASVS 6.2.1
DEMO_NAME = "みずの"


def add(settings: Settings, login: str, name: str, role: str) -> str:
    """Adds a member and returns a one-time password. Raises Conflict for a taken login, BadInput for bad fields."""
    login, name = login.strip(), name.strip()
    if not 0 < len(login) <= 64 or not login.isprintable():
        raise BadInput("The login needs 1 to 64 printable characters. Example: engawa staff add mizuno")
    if not 0 < len(name) <= 64 or not name.isprintable():
        raise BadInput("The name needs 1 to 64 printable characters. Example: --name みずの")
    if role not in staff.ROLES:
        raise BadInput(f"The role is one of {', '.join(staff.ROLES)}. Example: --role counselor")
    database = Database.open(settings.database_url)
    migrate.migrate(database.url)
    return str(transact(database.engine, _add, login, name, role, SystemClock().now()))


def _add(connection: Connection, login: str, name: str, role: str, now: datetime) -> str:
    staff_id = staff.add(connection, migrate.DEFAULT_OPERATOR, login, name, role, None)
    return _offer(connection, staff_id, now)


def _offer(connection: Connection, staff_id: str, now: datetime) -> str:
    secret = new_secret()
    staff.offer_one_time_login(connection, staff_id, secret, now + ONE_TIME_FOR)
    return secret


def set_password(settings: Settings, login: str, password: str) -> None:
    """Sets a password of at least 12 characters. Raises BadInput or NotFound."""
    if not MIN_PASSWORD <= len(password) <= 256:
        raise BadInput(f"A password needs {MIN_PASSWORD} to 256 characters.")
    database = Database.open(settings.database_url)
    transact(database.engine, _set_password, login, PasswordHasher().hash(password))


def _set_password(connection: Connection, login: str, password_hash: str) -> None:
    member = staff.by_login(connection, migrate.DEFAULT_OPERATOR, login)
    if member is None:
        raise NotFound("There is no such member of staff. `engawa staff add` makes one.")
    staff.set_password(connection, member.staff_id, password_hash)


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
