"""Sentences that the flows (wallet, POS, console, command line) cause: key → (plain, field)."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "pos.idle": ("Enter an amount", "Enter an amount"),
    "pos.present": ("Present card or phone", "Present card (15)"),
}
