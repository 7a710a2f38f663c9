"""The life of a token at its network, as a table (EMVCo's words for the states).

INACTIVE waits for its cardholder to be verified, ACTIVE and SUSPENDED change places, DEACTIVATED is
the end of each. Several parties may hold a token suspended at once: it pays again when the last of
them has let it go. Asking for the state that it is in changes nothing. Knows no storage.
"""

from __future__ import annotations

from enum import Enum

INACTIVE_LIFE_US = 30 * 86_400 * 1_000_000
"""A token that was never activated goes back after thirty days."""


class Suspender(Enum):
    """Who may hold a token suspended."""

    ISSUER = "ISSUER"
    TOKEN_REQUESTOR = "TOKEN_REQUESTOR"  # noqa: S105 - a word: the wallet, its device is lost
    CARDHOLDER = "CARDHOLDER"
    MOBILE_PIN_LOCKED = "MOBILE_PIN_LOCKED"


REASONS = {
    "suspend": ("LOST", "STOLEN", "FRAUDULENT", "OTHER"),
    "resume": ("FOUND", "FRAUDULENT", "OTHER"),
    "delete": ("LOST", "STOLEN", "FRAUDULENT", "ACCOUNT_CLOSED", "CONSUMER_DELETED", "OTHER"),
    "replace-card": ("LOST", "STOLEN", "EXPIRED", "OTHER"),
}
"""Why an operation may be asked for."""

LIFECYCLE = {
    ("inactive", "activate"): "active",
    ("active", "activate"): "active",
    ("inactive", "delete"): "deactivated",
    ("active", "suspend"): "suspended",
    ("suspended", "suspend"): "suspended",
    ("suspended", "resume"): "active",
    ("active", "resume"): "active",
    ("active", "delete"): "deactivated",
    ("suspended", "delete"): "deactivated",
    ("deactivated", "delete"): "deactivated",
}


def advance(status: str, operation: str) -> str | None:
    """The status after an operation; None where it is not possible."""
    return LIFECYCLE.get((status, operation))


def advance_held(
    status: str, held_by: frozenset[str], operation: str, by: str
) -> tuple[str, frozenset[str]] | None:
    """Status and holders after one party's operation; None where it is not possible.

    A token that others still hold stays suspended, whoever lets it go.
    """
    after = advance(status, operation)
    match operation:
        case _ if after is None:
            return None
        case "suspend":
            return after, held_by | {by}
        case "resume":
            left = held_by - {by}
            return ("suspended" if left else after), left
        case _:
            return after, frozenset()
