"""The answer that a till gets for a payment, as bytes.

In an app the answer carries the transaction, and says a network's absence in a person's words.
A function of the payment alone, so that a replay, a recovery and the first answer cannot differ.
Its latencies end where the result goes to its commit: the bytes are part of that commit. Knows
nothing of HTTP beyond the status code.
"""

from __future__ import annotations

import orjson

from backend.payments.machine import State
from backend.payments.records import Channel, KeyState, Latency, Payment
from backend.runtime.clock import to_iso

STATUS_OK = 200
NO_ANSWER_IN_TIME = "no_answer_in_time"
_IN_WORDS = {
    "breaker_open": "Network temporarily unavailable",
    "network_unavailable": "Network unavailable",
}

_STATUS = {
    State.AUTHORIZING: "pending",
    State.UNKNOWN: "pending",
    State.REVERSING: "pending",
    State.APPROVED: "approved",
    State.DECLINED: "declined",
    State.REVERSED: "declined",
    State.NOT_SENT: "not_sent",
    State.CAPTURED: "approved",
}
_KEY_STATE = {
    State.AUTHORIZING: KeyState.IN_FLIGHT,
    State.UNKNOWN: KeyState.PENDING,
    State.REVERSING: KeyState.PENDING,
    State.APPROVED: KeyState.FINAL,
    State.DECLINED: KeyState.FINAL,
    State.REVERSED: KeyState.FINAL,
    State.NOT_SENT: KeyState.RELEASED,
    State.CAPTURED: KeyState.FINAL,
}


def key_state_of(state: State) -> KeyState:
    """What the payment's key does while the payment is in `state`."""
    return _KEY_STATE[state]


def body_of(payment: Payment) -> bytes:
    """The JSON body for a payment in its present state."""
    approved = payment.state in (State.APPROVED, State.CAPTURED)
    answered = approved or payment.state is State.DECLINED
    status = _STATUS[payment.state]
    in_app = _in_app(payment, status) if payment.channel is Channel.IN_APP else {}
    return orjson.dumps(
        {
            "approved": approved,
            "authCode": payment.auth_code if approved else None,
            "responseCode": payment.response_code if answered else None,
            "network": payment.network,
            "transactionId": payment.id,
            "reason": _reason(payment),
            "replayed": False,
            "status": status,
            "requiresFollowup": status == "pending",
            "steered": payment.steered if answered else None,
            "latencyMs": latency_ms(payment.latency),
            **in_app,
        }
    )


def _in_app(payment: Payment, status: str) -> dict[str, object]:
    word = _reason(payment) or ""
    return {
        "reason": _IN_WORDS.get(word, word or None),
        "reasonCode": word or None,
        "transaction": {
            "id": payment.id,
            "type": payment.channel.value,
            "status": status,
            "createdAt": to_iso(payment.created_at_us),
            "cardId": payment.card_id,
            "network": payment.network,
            "last4": payment.last4,
            "amount": payment.amount_minor,
            "currency": payment.currency,
            "merchantId": payment.merchant.id,
            "merchantName": payment.merchant.name,
        },
    }


def latency_ms(latency: Latency) -> dict[str, float]:
    """Durations in milliseconds, to the microsecond."""
    return {
        "engine": latency.engine / 1_000,
        "network": latency.network / 1_000,
        "issuer": latency.issuer / 1_000,
        "database": latency.database / 1_000,
    }


def _reason(payment: Payment) -> str | None:
    match payment.state:
        case State.APPROVED | State.CAPTURED:
            return None
        case State.DECLINED | State.NOT_SENT:
            return payment.reason
        case _:
            return NO_ANSWER_IN_TIME
