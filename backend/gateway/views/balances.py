"""A merchant's balance and its lines as the wire's objects `balance` and `balance_transaction`."""

from __future__ import annotations

from collections.abc import Sequence

from backend.gateway.balance_transactions import BalanceTransaction
from backend.gateway.views.moments import seconds
from backend.settlement.records import Balance


def balance_json(balances: Sequence[Balance], settles_in: str) -> dict[str, object]:
    """The balance; a merchant that never sold anything has nothing of its own currency."""
    shown = balances or [Balance(settles_in, 0, 0, 0)]
    return {
        "object": "balance",
        "available": [_amount(each.available_minor, each.currency) for each in shown],
        "livemode": False,
        "pending": [_amount(each.pending_minor, each.currency) for each in shown],
        "reserved": [_amount(each.reserved_minor, each.currency) for each in shown],
    }


def balance_transaction_json(line: BalanceTransaction) -> dict[str, object]:
    """A balance transaction."""
    currency = line.currency.lower()
    return {
        "id": line.id,
        "object": "balance_transaction",
        "amount": line.amount_minor,
        "available_on": seconds(line.available_us),
        "created": seconds(line.created_us),
        "currency": currency,
        "description": line.description,
        "exchange_rate": None if line.rate is None else float(line.rate),
        "fee": line.fee_minor,
        "fee_details": [
            {
                "amount": part.amount_minor,
                "application": None,
                "currency": currency,
                "description": part.description,
                "type": part.kind,
            }
            for part in line.fees
        ],
        "net": line.net_minor,
        "reporting_category": "dispute" if line.kind == "adjustment" else line.kind,
        "source": line.source_id,
        "status": "available" if line.is_available else "pending",
        "type": line.kind,
    }


def _amount(amount_minor: int, currency: str) -> dict[str, object]:
    return {
        "amount": amount_minor,
        "currency": currency.lower(),
        "source_types": {"card": amount_minor},
    }
