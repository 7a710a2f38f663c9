"""Payment intents as their objects; a till's payment is shown as one too."""

from __future__ import annotations

from backend.gateway.intents import AUTOMATIC, MANUAL
from backend.gateway.objects import Kept
from backend.gateway.views.charges import PENDING, charge_id
from backend.gateway.views.moments import seconds
from backend.payments.machine import State
from backend.payments.records import Channel, Payment


def intent_json(intent: Kept, payment: Payment | None) -> dict[str, object]:
    """An intent; `payment` is that of its latest try that was answered."""
    data = intent.data
    amount_minor = data["amount_minor"]
    capturable = amount_minor if intent.state == "requires_capture" else 0
    canceled_at_us = data.get("canceled_at_us")
    error = data.get("error")
    return {
        **_frame(),
        "id": intent.id,
        "amount": amount_minor,
        "amount_capturable": capturable,
        "amount_received": payment.captured_minor if payment else 0,
        "canceled_at": seconds(canceled_at_us) if isinstance(canceled_at_us, int) else None,
        "cancellation_reason": data.get("cancellation_reason"),
        "capture_method": data["capture_method"],
        "client_secret": f"{intent.id}_secret_{data['secret']}",
        "created": seconds(intent.created_at_us),
        "currency": str(data["currency"]).lower(),
        "customer": intent.customer_id,
        "description": data.get("description"),
        "last_payment_error": {**error, "payment_method": data.get("failed_method")}
        if isinstance(error, dict)
        else None,
        "latest_charge": charge_id(intent.payment_id) if intent.payment_id else None,
        "metadata": intent.metadata(),
        "payment_method": data.get("payment_method"),
        "payment_method_types": ["card"],
        "receipt_email": data.get("receipt_email"),
        "setup_future_usage": data.get("setup_future_usage"),
        "shipping": data.get("shipping"),
        "statement_descriptor": data.get("statement_descriptor"),
        "statement_descriptor_suffix": data.get("statement_descriptor_suffix"),
        "status": intent.state,
    }


def till_intent_json(payment: Payment, note: Kept | None) -> dict[str, object]:
    """The payment of a till or an app as the intent that it never had."""
    own = payment.id.removeprefix("pay_")
    voided_us = payment.voided_at_us
    return {
        **_frame(),
        "id": f"pi_{own}",
        "amount": payment.amount_minor,
        "amount_capturable": payment.amount_minor if payment.state is State.APPROVED else 0,
        "amount_received": payment.captured_minor,
        "canceled_at": None if voided_us is None else seconds(voided_us),
        "capture_method": MANUAL,
        "created": seconds(payment.created_at_us),
        "currency": payment.currency.lower(),
        "description": note.text("description") if note else None,
        "latest_charge": charge_id(payment.id),
        "metadata": note.metadata() if note else {},
        "payment_method_types": ["card_present" if payment.channel is Channel.NFC else "card"],
        "status": _till_status(payment),
    }


def _frame() -> dict[str, object]:
    return {
        "object": "payment_intent",
        "amount_details": {"tip": {}},
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": AUTOMATIC,
        "client_secret": None,
        "confirmation_method": AUTOMATIC,
        "customer": None,
        "last_payment_error": None,
        "livemode": False,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "transfer_data": None,
        "transfer_group": None,
    }


def _till_status(payment: Payment) -> str:
    match payment.state:
        case State.APPROVED:
            return "requires_capture"
        case State.CAPTURED:
            return "succeeded"
        case state if state in PENDING:
            return "processing"
        case _:
            return "canceled" if payment.voided_at_us else "requires_payment_method"
