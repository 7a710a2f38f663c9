"""Rows that are written with the change they tell of: events (the outbox) and the audit trail."""
