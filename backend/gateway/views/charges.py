"""A payment as a `charge`: of a typed card, of a till, of an app. One charge for each payment.

The identifier is the payment's with another prefix. What the merchant noted about a charge lies
beside it (`Kind.CHARGE`); what it did not, the intent says.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.gateway.declines import decline_of
from backend.gateway.intents import intent_of
from backend.gateway.objects import Kept, Kind
from backend.gateway.views.moments import seconds
from backend.gateway.views.payment_methods import details_json
from backend.payments.machine import State
from backend.payments.records import Payment

PAID = frozenset({State.APPROVED, State.CAPTURED})
PENDING = frozenset({State.AUTHORIZING, State.UNKNOWN})
_NOBODY = {"name": None, "email": None, "phone": None, "address": None}


@dataclass(frozen=True, slots=True)
class ChargeParts:
    """Everything that a charge is shown from.

    Attributes:
        intent: of a typed card's payment.
        method: the payment method that was used, where it is known.
        note: what the merchant noted about this charge.
        disputed: whether its cardholder disputed it.
        balance_transaction: of its capture.
    """

    payment: Payment
    intent: Kept | None = None
    method: Kept | None = None
    note: Kept | None = None
    disputed: bool = False
    balance_transaction: str | None = None


def charge_id(payment_id: str) -> str:
    """A payment's charge."""
    return "ch_" + payment_id.removeprefix("pay_")


def payment_id_of(identifier: str) -> str:
    """The payment of a charge (`ch_…`), or of the intent (`pi_…`) that a till's payment is."""
    return "pay_" + identifier.partition("_")[2]


def intent_id_of(payment: Payment) -> str:
    """The intent of a payment; one of a till or an app is an intent of its own."""
    return intent_of(payment) or "pi_" + payment.id.removeprefix("pay_")


def charge_json(parts: ChargeParts) -> dict[str, object]:
    """A charge."""
    payment, intent = parts.payment, parts.intent
    told = {**(intent.data if intent else {}), **(parts.note.data if parts.note else {})}
    voided = payment.voided_at_us is not None
    decline = decline_of(payment)
    refunded_minor = payment.amount_minor if voided else payment.refunded_minor
    legacy = intent is not None and intent.kind is Kind.LEGACY_INTENT
    method = parts.method
    return {
        "id": charge_id(payment.id),
        "object": "charge",
        "amount": payment.amount_minor,
        "amount_captured": payment.captured_minor,
        "amount_refunded": refunded_minor,
        "application": None,
        "application_fee_amount": None,
        "balance_transaction": parts.balance_transaction,
        "billing_details": method.data["billing_details"] if method else _NOBODY,
        "calculated_statement_descriptor": told.get("statement_descriptor")
        or payment.merchant.name[:22],
        "captured": payment.state is State.CAPTURED,
        "created": seconds(payment.created_at_us),
        "currency": payment.currency.lower(),
        "customer": intent.customer_id if intent else None,
        "description": told.get("description"),
        "disputed": parts.disputed,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": told.get("fraud_details") or {},
        "livemode": False,
        "metadata": told.get("metadata") or {},
        "on_behalf_of": None,
        "outcome": _outcome(payment),
        "paid": payment.state in PAID or voided,
        "payment_intent": None if legacy else intent_id_of(payment),
        "payment_method": method.id if method else None,
        "payment_method_details": details_json(payment, method),
        "receipt_email": told.get("receipt_email"),
        "receipt_number": None,
        "receipt_url": None,
        "refunded": voided or 0 < payment.captured_minor == payment.refunded_minor,
        "review": None,
        "shipping": told.get("shipping"),
        "source": None,
        "statement_descriptor": told.get("statement_descriptor"),
        "statement_descriptor_suffix": told.get("statement_descriptor_suffix"),
        "status": _status(payment),
        "transfer_group": None,
    }


def _status(payment: Payment) -> str:
    if payment.state in PAID or payment.voided_at_us is not None:
        return "succeeded"
    return "pending" if payment.state in PENDING else "failed"


def _outcome(payment: Payment) -> dict[str, object] | None:
    if payment.state in PENDING:
        return None
    decline = decline_of(payment)
    if decline is None:
        return {
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    asked = payment.response_code is not None
    return {
        "network_decline_code": payment.response_code,
        "network_status": "declined_by_network" if asked else "not_sent_to_network",
        "reason": decline.decline_code,
        "risk_level": "normal",
        "seller_message": decline.message,
        "type": "issuer_declined" if asked else "invalid",
    }
