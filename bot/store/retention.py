"""For how long each kind of data is kept, and how it goes: every table has a rule here, or a test fails (R-074)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    type_coerce,
    update,
)

from bot.errors import ConfigError, Conflict, SealError
from bot.frozen import dataclass, replace
from bot.handoff.ticket import Status
from bot.store import alerts, break_glass, conversations, dedupe, erasures, moved, moving, practices, staff
from bot.store.erase import delete_contacts
from bot.store.outbox import IS_UNSENT, SENT
from bot.store.schema import (
    contacts,
    daily_counts,
    debriefs,
    duties,
    erased_emergencies,
    inbox,
    notes,
    outbox,
    receipts,
    risk_reviews,
    talks,
    tickets,
    timeline,
)
from bot.store.sealed import Sealer

MOST = 200
"""Contacts in one transaction: nobody's message waits for a long one."""
END = (1 << 31) - 1
EXACT_FOR = timedelta(days=1)
QUARTER = 15 * 60 * 1000  # milliseconds
EXAMPLE = "ENGAWA_KEEP_DAYS=words=7,handed=90"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Days by class of data.

    `words`: what is said in a talk that no staff has, with what was answered on the way. `handed`: the same
    and the ticket, after it came to rest, the person was last here, and we last wrote. `contacts`: a person who
    does not come back, with all there is of them. `sends`: what became of a message of ours. `counts`: daily counts.
    `reviews`: what counselors said of risk rules. `emergencies`: that somebody in danger had themselves erased.
    `erasures`: lines of the erasure journal in the database; longer than any backup is kept.
    """

    words: int = 7
    handed: int = 90
    contacts: int = 365
    sends: int = 30
    counts: int = 1095
    reviews: int = 365
    emergencies: int = 90
    erasures: int = 400


def keeping_from(text: str) -> Keeping:
    """Days from `name=days,…`; what is not named keeps its default. Raises ConfigError."""
    known, given, problems = [field.name for field in fields(Keeping)], dict[str, int](), []
    for item in filter(None, (item.strip() for item in text.split(","))):
        name, _, days = item.partition("=")
        if name not in known or name in given:
            problems.append(f"ENGAWA_KEEP_DAYS: each of {', '.join(known)} once at most. Example: {EXAMPLE}")
        elif not (days.isascii() and days.isdigit() and 1 <= len(days) <= 4 and 1 <= int(days) <= 3650):
            problems.append(f"ENGAWA_KEEP_DAYS: {name} needs 1 to 3650 days. Example: {EXAMPLE}")
        else:
            given[name] = int(days)
    keeping = Keeping(**given)
    if not keeping.words <= keeping.handed <= keeping.contacts:
        problems.append(f"ENGAWA_KEEP_DAYS: words <= handed <= contacts must hold. Example: {EXAMPLE}")
    if problems:
        raise ConfigError(problems)
    return keeping


RULES: dict[str, str] = {
    "operators": "kept: the installation itself",
    "contacts": "contacts",
    "talks": "contacts; answers in it go with words or handed",
    "passphrases": "contacts",
    "wakeups": "until due",
    "timeline": "words, handed",
    "inbox": "until handled",
    "outbox": "sends, and with its line",
    "tickets": "handed",
    "notes": "handed, with its ticket",
    "break_glass": "30 days; with its ticket",
    "duties": "counts: a shift tells who was on duty, nobody else",
    "debriefs": "reviews",
    "drafts": "until it is sent or handed back",
    "presences": "while a page is open, and half a minute after a process died",
    "scheduled_replies": "until it is sent, taken back or handed back",
    "reply_hints": "less than a minute",
    "receipts": "a minute",
    "move_links": "15 minutes",
    "moved_addresses": "30 days",
    "dedupe": "8 days",
    "daily_counts": "counts",
    "risk_reviews": "reviews",
    "erased_emergencies": "emergencies",
    "erasures": "erasures",
    "chores": "kept: one row for each of our jobs, and for each correction that was sent",
    "alerts": "30 days after they end",
    "alert_sends": "with their alert",
    "watch_rounds": "kept: one row for each operator",
    "audit": "kept: events of staff in a chain, which know no contact",
    "audit_refs": "contacts",
    "staff": "kept until removed: who answered must stay known",
    "staff_sessions": "12 hours, or half an hour unused",
    "one_time_logins": "24 hours",
    "staff_factors": "kept until its member removes it or leaves",
    "recovery_codes": "kept until used",
    "practices": "30 days after they were touched: simulated people, nobody's",
    "staff_targets": "kept until its member removes it or leaves",
    "staff_settings": "kept: how a member wants to see the console",
    "accounts": "kept: one row for each of our accounts",
    "revisions": "kept: published content, nobody's",
    "releases": "kept: published content, nobody's",
    "release_items": "kept: published content, nobody's",
    "document_drafts": "kept until published or put away, then the last one only: content, nobody's",
    "document_asides": "kept until its editor saves or puts it away: content, nobody's",
    "document_remarks": "kept; what was written goes when it is settled: nobody's",
    "planned_releases": "until published or called off",
}
"""By table: the class of `Keeping`, or a fixed time of the code that owns it, or `kept` with its reason."""


# --- talks ----------------------------------------------------------------------------------------------------

_NO_TICKET = talks.c.ticket_id.is_(None)


def old_words(connection: Connection, now: datetime, keeping: Keeping) -> list[tuple[str, int]]:
    """Talks that go on without staff, and up to where their lines are too old, by what we answered."""
    query = (
        select(outbox.c.contact_id, func.max(outbox.c.seq).label("seq"))
        .join(talks, talks.c.contact_id == outbox.c.contact_id)
        .where(_NO_TICKET, outbox.c.queued_at < now - timedelta(days=keeping.words), ~IS_UNSENT)
        .group_by(outbox.c.contact_id)
    )
    return [(row.contact_id, row.seq) for row in connection.execute(query)]


def drop_words(connection: Connection, found: Sequence[tuple[str, int]]) -> None:
    """Deletes lines up to these places, but those that are still to be handled or sent."""
    for contact_id, seq in found:
        here = and_(outbox.c.contact_id == contact_id, outbox.c.seq <= seq)
        connection.execute(delete(outbox).where(here, ~IS_UNSENT, exists(_still_alone(contact_id))))
        _drop_lines(connection, contact_id, seq)


def _still_alone(contact_id: str) -> Select[tuple[str]]:
    return select(talks.c.contact_id).where(talks.c.contact_id == contact_id, _NO_TICKET)


def _drop_lines(connection: Connection, contact_id: str, seq: int) -> None:
    waits = [
        exists().where(table.c.contact_id == timeline.c.contact_id, table.c.seq == timeline.c.seq)
        for table in (outbox, inbox)
    ]
    here = and_(timeline.c.contact_id == contact_id, timeline.c.seq <= seq)
    connection.execute(delete(timeline).where(here, ~or_(*waits)))


def rested(connection: Connection, now: datetime, keeping: Keeping) -> list[str]:
    """Talks whose words are to go as a whole: nobody was there for long enough."""
    today = now.date()
    alone = and_(_NO_TICKET, talks.c.active_on < today - timedelta(days=keeping.words))
    old = now - timedelta(days=keeping.handed)
    handed = and_(
        tickets.c.status == Status.RESTING,
        talks.c.active_on < old.date(),
        ~exists().where(outbox.c.contact_id == talks.c.contact_id, outbox.c.queued_at >= old),
    )
    lines = exists().where(timeline.c.contact_id == talks.c.contact_id)
    query = (
        select(talks.c.contact_id)
        .outerjoin(tickets, tickets.c.ticket_id == talks.c.ticket_id)
        .where(or_(and_(alone, lines), handed))
        .order_by(talks.c.contact_id)
    )
    return list(connection.scalars(query))


def empty(
    connection: Connection, sealer: Sealer, now: datetime, keeping: Keeping, contact_ids: Sequence[str]
) -> None:
    """Forgets what was said in these talks, what was answered on the way, and a ticket at rest.

    What the person keeps for themselves (`mine`) and their settings stay as long as they do.
    """
    still = set(rested(connection, now, keeping)) & set(contact_ids)
    for contact_id in sorted(still):
        try:
            loaded = conversations.load(connection, sealer, [contact_id])[contact_id]
            talk = replace(loaded.talk, session=None, recent=(), concerns=(), ticket=None)
            conversations.save(connection, [(loaded, conversations.bumped(loaded, talk), loaded.last_seq)])
            last = loaded.last_seq
        except (SealError, Conflict):  # a damaged one cannot be told apart; its lines go all the same
            connection.execute(update(talks).where(talks.c.contact_id == contact_id).values(ticket_id=None))
            last = END
        connection.execute(delete(notes).where(notes.c.contact_id == contact_id))
        break_glass.forget(connection, contact_id)
        connection.execute(delete(tickets).where(tickets.c.contact_id == contact_id))
        connection.execute(delete(outbox).where(outbox.c.contact_id == contact_id, ~IS_UNSENT))
        _drop_lines(connection, contact_id, last)


def gone(connection: Connection, now: datetime, keeping: Keeping) -> list[str]:
    """People who did not come back."""
    day = now.date() - timedelta(days=keeping.contacts)
    query = select(talks.c.contact_id).where(_NO_TICKET, talks.c.active_on < day)
    return list(connection.scalars(query.order_by(talks.c.contact_id)))


def drop_gone(connection: Connection, now: datetime, keeping: Keeping, contact_ids: Sequence[str]) -> None:
    still = set(gone(connection, now, keeping)) & set(contact_ids)
    delete_contacts(connection, sorted(still))


# --- everything else ------------------------------------------------------------------------------------------


def tidy(connection: Connection, now: datetime, keeping: Keeping) -> None:
    """What goes by its own time, whoever it was of."""
    today = now.date()
    day: Callable[[int], object] = lambda days: today - timedelta(days=days)  # noqa: E731
    dedupe.forget_old(connection, now)
    moved.forget_old(connection, now)
    moving.drop_old_links(connection, now)
    staff.drop_ended_sessions(connection, now)
    staff.drop_ended_logins(connection, now)
    alerts.forget_old(connection, now)
    break_glass.forget_old(connection, now)
    practices.drop_old(connection, now)
    erasures.forget_old(connection, today - timedelta(days=keeping.erasures))
    connection.execute(delete(receipts).where(receipts.c.expires_at < now - timedelta(hours=1)))
    connection.execute(delete(daily_counts).where(daily_counts.c.day < day(keeping.counts)))
    connection.execute(delete(duties).where(duties.c.ends_at < now - timedelta(days=keeping.counts)))
    connection.execute(delete(debriefs).where(debriefs.c.asked_at < now - timedelta(days=keeping.reviews)))
    connection.execute(delete(risk_reviews).where(risk_reviews.c.day < day(keeping.reviews)))
    old = now - timedelta(days=keeping.emergencies)
    connection.execute(delete(erased_emergencies).where(erased_emergencies.c.erased_at < old))
    old = now - timedelta(days=keeping.sends)
    connection.execute(delete(outbox).where(outbox.c.state == SENT, outbox.c.queued_at < old))
    connection.execute(
        update(outbox).where(outbox.c.sealed_hint.is_not(None), ~IS_UNSENT).values(sealed_hint=None)
    )


def blur(connection: Connection, now: datetime) -> None:
    """Rounds times that nobody needs exactly any more to a quarter of an hour: sends of before, tickets at rest."""
    old, ended = now - EXACT_FOR, ~IS_UNSENT
    sent = [outbox.c.queued_at, outbox.c.due_at, outbox.c.sending_at]
    exact = type_coerce(outbox.c.queued_at, BigInteger) % QUARTER != 0
    connection.execute(update(outbox).where(ended, outbox.c.queued_at < old, exact).values(_rounded(sent)))
    times = [tickets.c.opened_at, tickets.c.claimed_at]
    exact = type_coerce(tickets.c.opened_at, BigInteger) % QUARTER != 0
    at_rest = and_(tickets.c.status == Status.RESTING, tickets.c.opened_at < old)
    connection.execute(update(tickets).where(at_rest, exact).values(_rounded(times)))


def _rounded(columns: Sequence[object]) -> dict[object, object]:
    return {
        column: type_coerce(column, BigInteger) - type_coerce(column, BigInteger) % QUARTER
        for column in columns
    }


def counted(connection: Connection) -> int:
    """How many people there are; for doctor."""
    return connection.scalar(select(func.count()).select_from(contacts)) or 0
