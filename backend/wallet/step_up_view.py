"""How a verification is shown: to the client as JSON, to the event log as facts. No code in either.

Knows the network's words and the wallet's card; decides nothing.
"""

from __future__ import annotations

from backend.networks.tsp_terms import StepUpMethod
from backend.wallet.model import Card


def method_json(method: StepUpMethod) -> dict[str, object]:
    """A method as `/api` shows it (camelCase)."""
    return {
        "method": method.method,
        "term": method.term,
        "destination": method.destination,
        "codeDigits": method.code_digits,
        "state": method.state,
        "triesLeft": method.tries_left,
        "sendsLeft": method.sends_left,
        "resendInMs": method.resend_in_ms,
        "expiresInMs": method.expires_in_ms,
    }


def event_facts(card: Card) -> dict[str, object]:
    """What an event says of the card that it is about."""
    return {
        "card_id": card.id,
        "token_ref": card.token_ref,
        "network": card.network,
        "last4": card.last4,
        "device_id": card.device_id,
    }
