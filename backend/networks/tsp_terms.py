"""The words of token provisioning: what a wallet asks of a network, and what it may hear.

Plain values, used on both sides of the wire. Terms as in EMVCo's Payment Tokenisation framework:
wallet, network and issuer each say a colour; any red means no token, all green an active one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum


class Colour(Enum):
    """What one party says to a provisioning."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


def combine(colours: Iterable[Colour]) -> Colour:
    """Any red is red, all green is green, anything else is yellow (ask the cardholder)."""
    said = set(colours)
    if Colour.RED in said:
        return Colour.RED
    return Colour.GREEN if said <= {Colour.GREEN} else Colour.YELLOW


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A wallet asks for a token.

    Attributes:
        sealed_pan: JWE (ECDH-ES, A256GCM) for this network of `{"pan": …, "deviceKey": JWK}`.
        expiry: of the card: "MM/YY", or YYMM.
        cvv: card verification code; forgotten after the check.
        last4: of the card, as the wallet will show it.
        device_id: which device will hold the token.
        device_type: "phone" or "watch".
        wallet_id: which wallet account asks.
    """

    sealed_pan: str = field(repr=False)
    expiry: str
    cvv: str = field(repr=False)
    last4: str
    device_id: str
    device_type: str
    wallet_id: str


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """A network issues a token.

    Attributes:
        token_ref: the network's reference of the token.
        token: device account number, digits; the wallet keeps a keyed hash of it at most.
        expiry: of the token, YYMM.
        par: payment account reference.
        card_type: "credit" or "debit".
        product: the issuer's name for the card.
        session_id: the provisioning at the network.
        device_payload: JWE for the device, with the token and its keys.
        decision: "green": active at once.
    """

    token_ref: str
    token: str = field(repr=False)
    token_last4: str
    expiry: str
    par: str
    card_type: str
    product: str
    session_id: str
    device_payload: str = field(repr=False)
    decision: str = Colour.GREEN.value


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """No token.

    Attributes:
        code: stable word: not_sealed, bad_number, wrong_network, number_is_token, last4_differs,
            bad_expiry, expired_card, bad_code, bad_device_key.
        detail: one sentence for people; never the number.
    """

    code: str
    detail: str
