"""How networks and states are written: in plain type, never by mark. Knows nothing of Qt."""

from __future__ import annotations

from lab.words import ENGLISH, tr

NETWORKS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "Amex"}
TAKEN = ("approved", "captured", "part_refunded", "refunded")
"""States of a payment that its bank approved, whatever the merchant did with it afterwards."""
STATE_TONES = {
    "approved": "good",
    "approved offline": "good",
    "authorized": "good",
    "captured": "good",
    "stored offline": "waiting",
    "expired": "bad",
    "booked": "good",
    "refunded": "neutral",
    "part_refunded": "neutral",
    "declined": "bad",
    "failed": "bad",
    "not_sent": "bad",
    "unknown": "waiting",
    "reversing": "waiting",
    "not_completed": "waiting",
}


def network_name(name: str) -> str:
    """A network's name as people write it; an unknown one as it is."""
    return NETWORKS.get(name, name)


def state_word(state: str) -> str:
    """A payment's state, or what a party believes of it, in words."""
    key = f"state.{state.replace(' ', '_')}"
    return tr(key) if key in ENGLISH else state.replace("_", " ").capitalize()
