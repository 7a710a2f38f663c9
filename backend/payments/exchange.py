"""Between a payment and the switch: what is asked, and what each answer means.

Pure translations. The three ways of not being answered stay apart: only what never left this
process may be sent again. Knows no database and no waiting.
"""

from __future__ import annotations

from dataclasses import replace

from backend.payments.machine import Happening
from backend.payments.order import NfcOrder
from backend.payments.records import Channel, Latency, Payment
from backend.switch.answers import (
    Answered,
    AuthorizationAnswer,
    AuthorizationRequest,
    NetworkReference,
    NoAnswerYet,
    NotSent,
    Unknown,
)


def request_for(order: NfcOrder, payment: Payment) -> AuthorizationRequest:
    """What the switch is asked, token and chip data included."""
    reference: NetworkReference = payment.network_reference
    return AuthorizationRequest(
        payment_id=payment.id,
        tap_id=payment.tap_id,
        network=payment.network_name,
        reference=reference,
        token=order.token,
        expiry=order.expiry,
        psn=order.psn,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        merchant_id=payment.merchant.id,
        merchant_name=payment.merchant.name,
        merchant_category=payment.merchant.category,
        terminal_id=payment.terminal_id,
        emv_data=order.emv_data,
        approved_offline=order.is_advice,
        stored=order.store_and_forward and not order.is_advice,
        track_2=order.track_2,
        atc=order.atc,
        is_remote=order.channel is Channel.IN_APP,
        cryptogram_block=order.cryptogram_block,
        eci=order.eci,
    )


def happening_of(answer: AuthorizationAnswer) -> Happening:
    """What an answer means for the payment; any DE 39 is an answer."""
    match answer:
        case Answered():
            return Happening.APPROVED if answer.approved else Happening.DECLINED
        case NotSent():
            return Happening.NOT_SENT
        case NoAnswerYet() | Unknown():
            return Happening.NO_ANSWER


def with_answer(payment: Payment, answer: AuthorizationAnswer, latency: Latency) -> Payment:
    """The payment with the facts of an answer, still in its old state."""
    match answer:
        case Answered():
            return replace(
                payment,
                latency=latency,
                response_code=answer.response_code,
                auth_code=answer.auth_code if answer.approved else None,
                reason=None if answer.approved else answer.reason,
                steered=answer.steered,
            )
        case NotSent():
            missing = answer.reason == "no_connection"
            word = "network_unavailable" if missing else answer.reason
            return replace(payment, latency=latency, reason=word)
        case NoAnswerYet():
            return replace(payment, latency=latency, reason="channel_deadline")
        case Unknown():
            return replace(payment, latency=latency, reason=answer.reason)


def facts_of(payment: Payment, answer: AuthorizationAnswer) -> dict[str, object]:
    """What the event of an answer tells besides the payment; a card that was not there says more.

    `disputes_later` is the reason for which a test card's holder will dispute the payment.
    """
    facts: dict[str, object] = {
        "steered": payment.steered,
        "auth_code": payment.auth_code,
        "cryptogram_valid": answer.cryptogram_valid if isinstance(answer, Answered) else None,
        "hops": hops_of(payment),
    }
    if payment.channel is Channel.WEB and isinstance(answer, Answered):
        facts["code_matches"] = answer.code_matches
        facts["disputes_later"] = answer.disputes_later
    return facts


def actor_of(payment: Payment, answer: AuthorizationAnswer) -> str:
    """Who is to be named for it: the network that answered, or the switch that did not get one."""
    return payment.network_name if isinstance(answer, Answered) else "switch"


def hops_of(payment: Payment) -> list[dict[str, object]]:
    """Where the time went, in the order it went there; lab time."""
    latency = payment.latency
    network_at_us = payment.created_at_us + latency.database
    issuer_at_us = network_at_us + max(0, latency.network - latency.issuer) // 2
    return [
        {
            "name": "database",
            "started_at_us": payment.created_at_us,
            "duration_us": latency.database,
        },
        {"name": "network", "started_at_us": network_at_us, "duration_us": latency.network},
        {"name": "issuer", "started_at_us": issuer_at_us, "duration_us": latency.issuer},
    ]
