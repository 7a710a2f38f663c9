"""What a client sends to put a card on a device, and what can be said about it beforehand.

A card is named by a sealed number, or by the same card on another of the person's devices. No
message here repeats what was sent. Knows no store and no network.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import orjson

from backend.runtime.errors import BadRequest
from backend.wallet.model import NETWORKS
from backend.wallet.terms import TERMS_VERSION

KEY_LENGTH_MAX = 255
SEALED_LENGTH_MAX = 8_192
_COMPACT_JWE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){4}")
_EXPIRY = re.compile(r"(0[1-9]|1[0-2])/?([0-9]{2})")


@dataclass(frozen=True, slots=True)
class CardOrder:
    """What a client sends to put a card on a device.

    Attributes:
        encrypted_pan: JWE (RFC 7516) of number and device key, for the network's key; of the
            device key alone where another of the person's cards says which card is meant.
        expiry: MM/YY as printed; empty with `source_card_id`.
        cvv: in memory only, for the network; empty with `source_card_id`.
        terms_version: of the terms that the person accepted; None when the client does not say.
        source_card_id: the same card on another of the person's devices; None: it is typed anew.
        design: the face that the person chose; empty for the product's first one.
    """

    network: str
    encrypted_pan: str
    expiry: str
    cvv: str
    last4: str
    device_id: str
    terms_version: str | None = None
    source_card_id: str | None = None
    design: str = ""

    @property
    def expiry_yymm(self) -> str:
        """The expiry as networks write it; empty where the order goes by another card."""
        return f"{self.expiry[-2:]}{self.expiry[:2]}"

    @property
    def card_terms(self) -> str:
        """The version of the card's own terms, its network's to judge; empty for the wallet's."""
        return "" if self.terms_version in {None, TERMS_VERSION} else str(self.terms_version)

    def request_hash(self) -> bytes:
        """What "the same body" means for the idempotency key."""
        parts = (
            self.network,
            self.encrypted_pan,
            self.expiry,
            self.cvv,
            self.last4,
            self.device_id,
            *(() if self.terms_version is None else (self.terms_version,)),
            *(() if self.source_card_id is None else ("from", self.source_card_id)),
            *(("design", self.design) if self.design else ()),
        )
        return hashlib.sha256(orjson.dumps(parts)).digest()


def check_key(key: str) -> None:
    """Raise BadRequest for a text that can be no idempotency key."""
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isprintable():
        raise BadRequest(
            "idempotency_key_invalid", f"a key is 1 to {KEY_LENGTH_MAX} printable characters"
        )


def check_network(network: str) -> None:
    """Raise BadRequest for a network that the laboratory does not have."""
    if network not in NETWORKS:
        raise BadRequest(
            "network_unknown", f"network is one of {', '.join(NETWORKS)}", field="network"
        )


def check_sealed(sealed: str) -> None:
    """Raise BadRequest for a text that is no compact JWE."""
    if len(sealed) > SEALED_LENGTH_MAX or not _COMPACT_JWE.fullmatch(sealed):
        raise BadRequest(
            "card_not_sealed",
            "encryptedPan is a compact JWE for the key of GET /api/networks/{n}/key",
            field="encryptedPan",
        )


def check_order(order: CardOrder) -> None:
    """Everything that can be said about an order without the network.

    Raises:
        BadRequest: with the field to blame. No message repeats what was sent.
    """
    check_network(order.network)
    check_sealed(order.encrypted_pan)
    if not (len(order.last4) == 4 and order.last4.isascii() and order.last4.isdigit()):
        raise BadRequest("last4_invalid", "last4 is four digits", field="last4")
    if order.source_card_id is not None:
        if order.expiry or order.cvv:
            raise BadRequest(
                "card_named_twice",
                "with fromCardId, expiry and cvv stay empty: its network knows the card",
                field="fromCardId",
            )
        return
    if not _EXPIRY.fullmatch(order.expiry):
        raise BadRequest("expiry_invalid", "expiry is MM/YY", field="expiry")
    cvv_length = 4 if order.network == "amex" else 3
    if not (len(order.cvv) == cvv_length and order.cvv.isascii() and order.cvv.isdigit()):
        raise BadRequest("cvv_invalid", f"cvv is {cvv_length} digits here", field="cvv")
