"""Revisions of the engine's database, run by alembic through `backend.storage.migrate` only."""
