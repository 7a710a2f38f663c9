"""Event numbers that were set aside before use, so that no crash makes one be given twice."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from backend.storage.metadata import engine_metadata

event_numbers = Table(
    "event_numbers",
    engine_metadata,
    Column("source", Text, primary_key=True),
    Column("reserved_to", Integer, nullable=False),  # no higher number has been given
)
