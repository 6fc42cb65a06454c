"""Alembic's entry: always on the connection that `bot.store.migrate` holds."""

from __future__ import annotations

from alembic import context

from bot.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
    user_module_prefix="",
)
context.run_migrations()
