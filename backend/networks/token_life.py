"""The life of a token at its network, as a table (EMVCo's words for the states).

INACTIVE waits for its cardholder to be verified, ACTIVE and SUSPENDED change places, DEACTIVATED is
the end of each. Asking for the state that it is in changes nothing.
"""

from __future__ import annotations

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
