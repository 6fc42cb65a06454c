"""The tables of content: documents as they were published, and what editors are writing. Nothing of any person.

Drafts lie apart from `revisions`, which releases point at: what a channel reads never joins them.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, Table, Text

from bot.store.columns import Id, Instant, Name, metadata, operator_column


def _document() -> tuple[Column[str], Column[str], Column[str]]:
    return (
        operator_column(primary_key=True),
        Column("kind", Name, primary_key=True),
        Column("name", Name, primary_key=True),
    )


revisions = Table(
    "revisions",
    metadata,
    *_document(),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("staff_id", Id),
    Column("approved_by", Id),
)

releases = Table(
    "releases",
    metadata,
    operator_column(primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("staff_id", Id),
    Column("digest", LargeBinary(32), nullable=False),
)

release_items = Table(
    "release_items",
    metadata,
    operator_column(primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Name, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("revision", Integer, nullable=False),
)

document_drafts = Table(
    "document_drafts",
    metadata,
    *_document(),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("removes", Boolean, nullable=False),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), nullable=False),
    Column("saved_at", Instant, nullable=False),
    Column("proposed_by", Id, ForeignKey("staff.staff_id")),
    Column("approved_by", Id, ForeignKey("staff.staff_id")),
    Column("closed", Boolean, nullable=False),
)

document_asides = Table(
    "document_asides",
    metadata,
    *_document(),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("saved_at", Instant, nullable=False),
)

planned_releases = Table(
    "planned_releases",
    metadata,
    operator_column(primary_key=True),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("note", Text, nullable=False),
    Column("items", Text, nullable=False),
    Column("problem", Text, nullable=False),
)

document_remarks = Table(
    "document_remarks",
    metadata,
    *_document(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("part", Name, nullable=False),
    Column("staff_id", Id, ForeignKey("staff.staff_id"), nullable=False),
    Column("body", Text, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("settled", Boolean, nullable=False),
)
