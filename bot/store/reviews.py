"""What counselors say of the risk rules: 誤検知 and 見のがし, by rule and level, sealed. No text, and of nobody."""

from __future__ import annotations

from datetime import date

import msgspec
from sqlalchemy import Connection, insert, select

from bot.clock import new_id
from bot.frozen import dataclass
from bot.store.schema import risk_reviews
from bot.store.sealed import Cell, Sealer

FALSE_ALARM, MISSED = "false_alarm", "missed"
VERDICTS = (FALSE_ALARM, MISSED)
MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One tap: `rules` are those that hit (none when something was missed); `level` and `category` what it is."""

    verdict: str
    rules: tuple[str, ...] = ()
    level: str = ""
    category: str = ""


_DECODER = msgspec.json.Decoder(Review)


def add(connection: Connection, sealer: Sealer, operator_id: str, day: date, review: Review) -> None:
    review_id = new_id()
    cell = Cell(operator_id, "risk_reviews", "sealed_review", review_id)
    connection.execute(
        insert(risk_reviews).values(
            review_id=review_id,
            operator_id=operator_id,
            day=day,
            sealed_review=sealer.seal(cell, msgspec.json.encode(review)),
        )
    )


def latest(connection: Connection, sealer: Sealer, operator_id: str) -> list[tuple[date, Review]]:
    """The review list, newest day first; at most `MOST`."""
    rows = connection.execute(
        select(risk_reviews)
        .where(risk_reviews.c.operator_id == operator_id)
        .order_by(risk_reviews.c.day.desc(), risk_reviews.c.review_id)
        .limit(MOST)
    )
    return [
        (
            row.day,
            _DECODER.decode(
                sealer.open(
                    Cell(operator_id, "risk_reviews", "sealed_review", row.review_id), row.sealed_review
                )
            ),
        )
        for row in rows
    ]
