"""What an expectation can be about: every subject with the words or numbers it takes.

The loader checks a file against this table, the report words it, and the runner observes by it;
nothing else knows which subjects there are. Words are the engine's and the till's own states.
"""

from __future__ import annotations

from lab.pos.state import PosPhase

LATENCY_PARTS = ("total", "reader", "engine", "network", "issuer", "database")
PAYMENT_STATES = (
    "authorizing",
    "approved",
    "declined",
    "not_sent",
    "unknown",
    "reversing",
    "reversed",
    "captured",
)
NONE = "none"

# subject → the words it takes; an empty tuple takes any text
TAP_WORDS: dict[str, tuple[str, ...]] = {
    "outcome": (
        "approved",
        "declined",
        "unknown",
        "try_again",
        "other_card",
        "stored",
        "error",
        "not_armed",
        "under_way",
    ),
    "response_code": (),
    "reason": (),
    "payment": (*PAYMENT_STATES, NONE),
    "phone": ("read", "approved", "declined", "not_sent", "reversed", "refunded", NONE),
    "till": (*(phase.value for phase in PosPhase), NONE),
    "bank": ("held", "booked", "declined", "released", "unknown", NONE),
    "captured": (),
    "refunded": (),
}
TAP_BOUNDS: dict[str, tuple[str, ...]] = {"latency_ms": LATENCY_PARTS}

WORLD_WORDS: dict[str, tuple[str, ...]] = {"ledger": ("balanced",)}
WORLD_COUNTS = ("holds", "open_outcomes")
# section → (words that each of its keys takes; none: it takes counts)
BREAKER_STATES = ("closed", "open", "half_open")
CARD_STATES = ("active", "pending", "suspended", NONE)

MEANINGS = {
    "outcome": "outcome of the tap",
    "response_code": "response code",
    "reason": "reason",
    "payment": "state of the payment",
    "phone": "what the phone believed",
    "till": "what the till believed",
    "bank": "what the bank believed",
    "captured": "captured amount",
    "refunded": "refunded amount",
    "latency_ms": "milliseconds",
    "ledger": "the ledger",
    "holds": "holds that stand",
    "open_outcomes": "payments whose outcome is open",
    "breakers": "breaker",
    "rejected": "calls that the breaker refused",
    "payments": "payments",
    "balances": "balance of",
    "fired": "firings of",
    "cards": "card",
}


def title(subject: str) -> str:
    """A subject as a report calls it: "breaker visa", "payments approved"."""
    head, _, rest = subject.partition(".")
    return f"{MEANINGS[head]} {rest}".strip()
