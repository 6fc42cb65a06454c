"""All tables. Rows that grow begin with the contact, so that they can be partitioned without a rewrite.

Columns are plain only when routing or order needs them: `tests/store/unsealed_columns.txt` lists every one.
Whatever a person or a counselor wrote, and every platform address, is in a `sealed_*` column.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from bot.store.columns import Id, Instant, Name, contact_column, metadata, operator_column
from bot.store.schema_content import (
    document_asides,
    document_drafts,
    document_remarks,
    planned_releases,
    release_items,
    releases,
    revisions,
)

__all__ = [
    "Instant",
    "document_asides",
    "document_drafts",
    "document_remarks",
    "metadata",
    "planned_releases",
    "release_items",
    "releases",
    "revisions",
]
"""What lies elsewhere, and belongs to the one view of all tables."""

operators = Table("operators", metadata, Column("operator_id", Id, primary_key=True))

contacts = Table(
    "contacts",
    metadata,
    Column("contact_id", Id, primary_key=True),
    operator_column(),
    Column("account_id", Name, nullable=False),
    Column("address_key", LargeBinary(32), nullable=False, unique=True),
    Column("sealed_address", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("nickname", Name, nullable=False),
    Column("reachable", Boolean, nullable=False),
)

passphrases = Table(
    "passphrases",
    metadata,
    contact_column(),
    Column("lookup", LargeBinary(32), nullable=False, unique=True),
    Column("verifier", String(255), nullable=False),
)

move_links = Table(
    "move_links",
    metadata,
    contact_column(),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("expires_at", Instant, nullable=False),
)

moved_addresses = Table(
    "moved_addresses",
    metadata,
    Column("address_key", LargeBinary(32), primary_key=True),
    Column("moved_on", Date, nullable=False, index=True),
)

talks = Table(
    "talks",
    metadata,
    contact_column(),
    Column("mode", Name, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("ticket_id", Id),
    Column("active_on", Date, index=True),
    Column("sealed_state", LargeBinary, nullable=False),
)

dedupe = Table(
    "dedupe",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("seen_on", Date, nullable=False, index=True),
)

inbox = Table(
    "inbox",
    metadata,
    contact_column(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("wake_reason", Name),
    Column("sealed_hint", LargeBinary),
    Column("received_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked", Boolean, nullable=False),
)

timeline = Table(
    "timeline",
    metadata,
    contact_column(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("author", Name, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    contact_column(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("rank", Integer, nullable=False),
    Column("purpose", Name, nullable=False),
    Column("cause", Name, nullable=False),
    Column("state", Name, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("via", Name),
    Column("sending_at", Instant),
    Column("may_have_arrived", Boolean, nullable=False),
    Column("error_code", Name),
    Column("sealed_hint", LargeBinary),
    Index(
        "ix_outbox_unsent",
        "contact_id",
        "rank",
        "seq",
        sqlite_where=text("state IN ('queued', 'sending')"),
        postgresql_where=text("state IN ('queued', 'sending')"),
    ),
    Index(
        "ix_outbox_lost",
        "queued_at",
        sqlite_where=text("state IN ('failed', 'uncertain')"),
        postgresql_where=text("state IN ('failed', 'uncertain')"),
    ),
)

reply_hints = Table(
    "reply_hints",
    metadata,
    contact_column(),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("sealed_hint", LargeBinary, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("ticket_id", Id, primary_key=True),
    operator_column(),
    Column("contact_id", Id, ForeignKey("contacts.contact_id"), nullable=False),
    Column("desk_id", Name, nullable=False),
    Column("status", Name, nullable=False),
    Column("reason", Name, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("assignee", Id, ForeignKey("staff.staff_id")),
    Column("opened_at", Instant, nullable=False),
    Column("opened_seq", Integer, nullable=False),
    Column("claimed_at", Instant),
    Column("promised_at", Instant),
    Column("stand_in", Id, ForeignKey("staff.staff_id")),
    Column("sealed_detail", LargeBinary, nullable=False),
    Index("ix_tickets_contact_id", "contact_id", unique=True),
    Index("ix_tickets_queue", "operator_id", "status", "priority", "opened_at"),
)

notes = Table(
    "notes",
    metadata,
    contact_column(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Name, nullable=False),
    Column("owner", Id, ForeignKey("staff.staff_id"), index=True),
    Column("open", Boolean, nullable=False),
    Column("sealed_note", LargeBinary, nullable=False),
)

wakeups = Table(
    "wakeups",
    metadata,
    contact_column(),
    Column("reason", Name, primary_key=True),
    Column("due_at", Instant, nullable=False, index=True),
)

daily_counts = Table(
    "daily_counts",
    metadata,
    operator_column(primary_key=True),
    Column("day", Date, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("count", Integer, nullable=False),
)

staff = Table(
    "staff",
    metadata,
    Column("staff_id", Id, primary_key=True),
    operator_column(),
    Column("login", Name, nullable=False),
    Column("display_name", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("password_hash", String(255)),
    Column("desks", String(255), nullable=False),
    Column("peer", Boolean, nullable=False),
    Column("most", Integer, nullable=False),
    Column("paused_until", Instant),
    Column("disabled_at", Instant),
    UniqueConstraint("operator_id", "login"),
)

duties = Table(
    "duties",
    metadata,
    Column("staff_id", Id, ForeignKey("staff.staff_id"), primary_key=True),
    Column("begins_at", Instant, primary_key=True),
    Column("ends_at", Instant, nullable=False, index=True),
)

debriefs = Table(
    "debriefs",
    metadata,
    Column("debrief_id", Id, primary_key=True),
    operator_column(),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("done_at", Instant),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("session_id", Id, nullable=False),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), nullable=False, index=True),
    Column("stage", Name, nullable=False),
    Column("way", Name, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("proved_at", Instant, nullable=False),
    Column("sealed_pending", LargeBinary),
)

staff_factors = Table(
    "staff_factors",
    metadata,
    Column("factor_id", Id, primary_key=True),
    operator_column(),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), nullable=False, index=True),
    Column("kind", Name, nullable=False),
    Column("handle", LargeBinary(32), unique=True),
    Column("counter", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("sealed_factor", LargeBinary, nullable=False),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), nullable=False, index=True),
)

staff_settings = Table(
    "staff_settings",
    metadata,
    Column("staff_id", Id, ForeignKey("staff.staff_id"), primary_key=True),
    Column("covers", Boolean, nullable=False),
    Column("undo_seconds", Integer, nullable=False),
)

staff_targets = Table(
    "staff_targets",
    metadata,
    Column("staff_id", Id, ForeignKey("staff.staff_id"), primary_key=True),
    operator_column(),
    Column("sealed_target", LargeBinary, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    contact_column(),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), primary_key=True),
    Column("saved_at", Instant, nullable=False),
    Column("sealed_draft", LargeBinary, nullable=False),
)

presences = Table(
    "presences",
    metadata,
    contact_column(),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), primary_key=True),
    Column("until", Instant, nullable=False),
)

scheduled_replies = Table(
    "scheduled_replies",
    metadata,
    contact_column(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), nullable=False, index=True),
    Column("due_at", Instant, nullable=False, index=True),
    Column("stopped", Boolean, nullable=False),
    Column("sealed_words", LargeBinary, nullable=False),
)

break_glass = Table(
    "break_glass",
    metadata,
    Column("access_id", Id, primary_key=True),
    operator_column(),
    Column("contact_id", Id, ForeignKey("contacts.contact_id"), nullable=False, index=True),
    Column("ticket_id", Id, nullable=False),
    Column("asked_by", Id, ForeignKey("staff.staff_id"), nullable=False),
    Column("asked_at", Instant, nullable=False, index=True),
    Column("state", Name, nullable=False),
    Column("decided_by", Id, ForeignKey("staff.staff_id")),
    Column("until", Instant, nullable=False),
    Column("sealed_reason", LargeBinary, nullable=False),
)

one_time_logins = Table(
    "one_time_logins",
    metadata,
    Column("secret_hash", LargeBinary(32), primary_key=True),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), nullable=False),
    Column("suffices", Boolean, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("receipt_id", Id, primary_key=True),
    operator_column(),
    Column("account_id", Name, nullable=False),
    Column("sealed_receipt", LargeBinary, nullable=False),
    Column("sending_at", Instant),
    Column("expires_at", Instant, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    operator_column(primary_key=True),
    Column("account_id", Name, primary_key=True),
    Column("received_at", Instant),
    Column("sent_at", Instant),
    Column("failed_at", Instant),
    Column("failure_code", Name),
    Column("webhook", Name),
    Column("problem", Name),
    Column("ailment", Name),
    Column("pending", Integer),
    Column("quota_left", Integer),
    Column("clock_skew_ms", Integer),
    Column("checked_at", Instant),
    Column("check_due_at", Instant),
    Column("ails_since", Instant),
)

risk_reviews = Table(
    "risk_reviews",
    metadata,
    Column("review_id", Id, primary_key=True),
    operator_column(),
    Column("day", Date, nullable=False),
    Column("sealed_review", LargeBinary, nullable=False),
)

practices = Table(
    "practices",
    metadata,
    Column("practice_id", Id, primary_key=True),
    operator_column(),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), nullable=False, index=True),
    Column("touched_at", Instant, nullable=False),
    Column("sealed_practice", LargeBinary, nullable=False),
)

erased_emergencies = Table(
    "erased_emergencies",
    metadata,
    Column("stub_id", Id, primary_key=True),
    operator_column(),
    Column("desk_id", Name, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("erased_at", Instant, nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("erased_on", Date, nullable=False, index=True),
    Column("journalled", Boolean, nullable=False),
)

chores = Table(
    "chores",
    metadata,
    Column("name", Name, primary_key=True),
    Column("done_at", Instant, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Id, primary_key=True),
    operator_column(),
    Column("subject", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("level", Integer, nullable=False),
    Column("ticket_id", Id),
    Column("raised_at", Instant, nullable=False),
    Column("told", Integer, nullable=False),
    Column("told_at", Instant),
    Column("acknowledged_by", Name),
    Column("acknowledged_at", Instant),
    Column("ended_at", Instant, index=True),
    UniqueConstraint("operator_id", "subject"),
)

alert_sends = Table(
    "alert_sends",
    metadata,
    Column("alert_id", Id, ForeignKey("alerts.alert_id"), primary_key=True),
    Column("target", Name, primary_key=True),
    Column("told", Integer, primary_key=True, autoincrement=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant),
    Column("sent_at", Instant),
    Column("failed_at", Instant),
    Column("error_code", Name),
    Index("ix_alert_sends_due_at", "due_at"),
)

watch_rounds = Table(
    "watch_rounds",
    metadata,
    operator_column(primary_key=True),
    Column("due_at", Instant, nullable=False),
    Column("passed_at", Instant),
    Column("failed_at", Instant),
    Column("failure_code", Name),
    Column("pinged_at", Instant),
    Column("ping_code", Name),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False, index=True),
    Column("operator_id", Id, nullable=False),
    Column("staff_id", Name, nullable=False),
    Column("action", Name, nullable=False),
    Column("purpose", Name, nullable=False),
    Column("ref", Id, nullable=False),
    Column("key_id", Name, nullable=False),
    Column("mac", LargeBinary(32), nullable=False),
)

audit_refs = Table(
    "audit_refs",
    metadata,
    Column("ref", Id, primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.contact_id"), nullable=False, index=True),
    Column("ticket_id", Id, nullable=False),
)
