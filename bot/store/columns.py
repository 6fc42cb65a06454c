"""What tables are made of: the names of keys, the common types, and the columns many of them begin with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

Id = String(32)
Name = String(64)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as milliseconds since 1970. One without a zone is an error, not local time."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else (value - _EPOCH) // _MILLISECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + value * _MILLISECOND


def contact_column() -> Column[str]:
    return Column("contact_id", Id, ForeignKey("contacts.contact_id"), primary_key=True)


def operator_column(*, primary_key: bool = False) -> Column[str]:
    return Column(
        "operator_id", Id, ForeignKey("operators.operator_id"), primary_key=primary_key, nullable=False
    )
