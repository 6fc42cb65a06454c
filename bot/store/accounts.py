"""How each of our accounts is: what it last received and sent, and what its platform told of it. Of no person."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from bot.frozen import dataclass
from bot.store.dialect import among, upsert
from bot.store.schema import accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What happened on an account since this was last written; None: nothing of that kind."""

    received_at: datetime | None = None
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    failure_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a platform told when it was asked. `ailment`: our code for what is wrong, empty when nothing is.

    `clock_skew` in seconds; `pending`: events the platform still holds; `quota_left`: pushes left this month.
    """

    webhook: str
    problem: str = ""
    ailment: str = ""
    pending: int | None = None
    quota_left: int | None = None
    clock_skew: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account as it is known. `checked` is None until its platform was asked; `ails_since` while it ails."""

    account_id: str
    marks: Marks
    checked: Checked | None = None
    checked_at: datetime | None = None
    ails_since: datetime | None = None

    @property
    def ailment(self) -> str:
        return self.checked.ailment if self.checked is not None else ""


def note(connection: Connection, operator_id: str, marks: Mapping[str, Marks]) -> None:
    """Writes the newest marks of accounts. A kind of mark that is None stays as it was."""
    statement = upsert(connection.dialect, accounts)
    for account_id, found in sorted(marks.items()):
        fresh = {
            "received_at": found.received_at,
            "sent_at": found.sent_at,
            "failed_at": found.failed_at,
            "failure_code": found.failure_code,
        }
        values = {name: value for name, value in fresh.items() if value is not None}
        row = {"operator_id": operator_id, "account_id": account_id, **values}
        known = ["operator_id", "account_id"]
        made = statement.values(row)
        connection.execute(
            made.on_conflict_do_update(index_elements=known, set_=values)
            if values
            else made.on_conflict_do_nothing(index_elements=known)
        )


def claim_checks(
    connection: Connection, operator_id: str, account_ids: Collection[str], now: datetime, every: timedelta
) -> list[Account]:
    """The accounts whose platforms are to be asked now, as they were; no other process asks them before `every`."""
    note(connection, operator_id, dict.fromkeys(account_ids, Marks()))
    due = or_(accounts.c.check_due_at.is_(None), accounts.c.check_due_at <= now)
    claimed = connection.execute(
        update(accounts)
        .where(accounts.c.operator_id == operator_id, among(accounts.c.account_id, "account_ids"), due)
        .values(check_due_at=now + every)
        .returning(accounts.c.account_id),
        {"account_ids": list(account_ids)},
    )
    mine = set(claimed.scalars())
    return [account for account in known(connection, operator_id) if account.account_id in mine]


def record(connection: Connection, operator_id: str, checked: Mapping[str, Checked], now: datetime) -> None:
    """Keeps what platforms told. Since when an account ails is kept as long as it does."""
    before = {account.account_id: account for account in known(connection, operator_id)}
    for account_id, told in sorted(checked.items()):
        earlier = before.get(account_id)
        since = (earlier.ails_since if earlier is not None else None) or now
        skew = None if told.clock_skew is None else round(told.clock_skew * 1000)
        connection.execute(
            update(accounts)
            .where(accounts.c.operator_id == operator_id, accounts.c.account_id == account_id)
            .values(
                webhook=told.webhook,
                problem=told.problem,
                ailment=told.ailment,
                pending=told.pending,
                quota_left=told.quota_left,
                clock_skew_ms=skew,
                checked_at=now,
                ails_since=since if told.ailment else None,
            )
        )


def known(connection: Connection, operator_id: str) -> Sequence[Account]:
    """All accounts that were ever served, by name."""
    query = select(accounts).where(accounts.c.operator_id == operator_id).order_by(accounts.c.account_id)
    return [
        Account(
            account_id=row.account_id,
            marks=Marks(
                received_at=row.received_at,
                sent_at=row.sent_at,
                failed_at=row.failed_at,
                failure_code=row.failure_code,
            ),
            checked=None
            if row.checked_at is None
            else Checked(
                webhook=row.webhook or "",
                problem=row.problem or "",
                ailment=row.ailment or "",
                pending=row.pending,
                quota_left=row.quota_left,
                clock_skew=None if row.clock_skew_ms is None else row.clock_skew_ms / 1000,
            ),
            checked_at=row.checked_at,
            ails_since=row.ails_since,
        )
        for row in connection.execute(query)
    ]
