"""Sentences that belong to the window's own furniture: key → (plain, field)."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "place.console": ("Console", "Console"),
}
