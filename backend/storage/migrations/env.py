"""Alembic's entry: runs revisions on the connection that `migrate` hands over."""

from __future__ import annotations

from alembic import context

from backend.storage.schema import engine_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=engine_metadata,
    render_as_batch=True,  # SQLite changes columns by rebuilding the table
)
with context.begin_transaction():
    context.run_migrations()
