"""Payment methods and tokens as their objects: a card without its number."""

from __future__ import annotations

from backend.gateway.objects import Kept
from backend.gateway.views.moments import seconds
from backend.payments.records import Payment

BRANDS = {"visa": "visa", "mastercard": "mastercard", "amex": "amex"}
ATTACHED = "attached"


def payment_method_json(kept: Kept) -> dict[str, object]:
    """A payment method."""
    return {
        "id": kept.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": kept.data["billing_details"],
        "card": {
            **card_json(kept),
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": kept.data["cvc_check"],
            },
            "display_brand": card_json(kept)["brand"],
            "generated_from": None,
            "networks": {"available": [card_json(kept)["brand"]], "preferred": None},
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": seconds(kept.created_at_us),
        "customer": kept.customer_id,
        "livemode": False,
        "metadata": kept.metadata(),
        "type": "card",
    }


def token_json(kept: Kept) -> dict[str, object]:
    """A token: a card that may be used once."""
    return {
        "id": kept.id,
        "object": "token",
        "card": {
            "id": kept.data["card_id"],
            "object": "card",
            **card_json(kept),
            "cvc_check": kept.data["cvc_check"],
            "metadata": {},
            "name": None,
        },
        "client_ip": None,
        "created": seconds(kept.created_at_us),
        "livemode": False,
        "type": "card",
        "used": kept.state == "used",
    }


def card_json(kept: Kept) -> dict[str, object]:
    """What everyone may know of a card."""
    card = kept.data["card"]
    assert isinstance(card, dict), "a card's facts are a group"
    return {
        "brand": BRANDS[str(card["network"])],
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "fingerprint": card["fingerprint"],
        "funding": "credit",
        "last4": card["last4"],
        "regulated_status": "unregulated",
    }


def details_json(payment: Payment, method: Kept | None) -> dict[str, object]:
    """How a payment was made: a card that was typed, or one that was held to a till."""
    reference = payment.reference.rrn if payment.reference is not None else None
    if method is not None:
        facts = {
            **card_json(method),
            "authorization_code": payment.auth_code,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": method.data["cvc_check"],
            },
            "network": payment.network,
            "network_transaction_id": reference,
            "three_d_secure": None,
            "wallet": None,
        }
        return {"type": "card", "card": facts}
    facts = {
        "brand": payment.network,
        "last4": payment.last4,
        "network": payment.network,
        "network_transaction_id": reference,
        "read_method": "contactless_emv",
        "receipt": {"authorization_code": payment.auth_code},
        "wallet": None,
    }
    return {"type": "card_present", "card_present": facts}
