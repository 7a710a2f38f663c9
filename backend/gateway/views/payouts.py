"""A payout as the wire's object."""

from __future__ import annotations

from backend.gateway.views.moments import seconds
from backend.settlement.records import Payout

_FAILURES = {
    "no_account": "The bank knows no such account.",
    "account_closed": "The account is closed.",
    "could_not_process": "The bank could not process this payout.",
    "invalid_currency": "The account has another currency.",
}


def payout_json(
    payout: Payout, transaction_id: str | None, failure_transaction_id: str | None
) -> dict[str, object]:
    """A payout with the balance transactions that took its money and, if so, brought it back."""
    return {
        "id": payout.id,
        "object": "payout",
        "amount": payout.amount_minor,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": seconds(payout.arrival_at_us),
        "automatic": payout.automatic_day is not None,
        "balance_transaction": transaction_id,
        "created": seconds(payout.created_at_us),
        "currency": payout.currency.lower(),
        "description": payout.description,
        "destination": payout.destination,
        "failure_balance_transaction": failure_transaction_id,
        "failure_code": payout.failure,
        "failure_message": _FAILURES.get(payout.failure or ""),
        "livemode": False,
        "metadata": dict(payout.metadata),
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "completed" if payout.automatic_day else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": payout.state.value,
        "type": "bank_account",
    }
