"""What the payments engine asks of the switch, and every answer it can get.

Outcomes are values. The three ways of not getting an answer are kept apart because they need
different cures: `NotSent` needs none, `NoAnswerYet` may still be answered, `Unknown` needs a status
query or a reversal (a lost response looks exactly like a lost request from here).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

NO_AUTHENTICATION = "07"  # electronic commerce indicator: sealed, and no 3-D Secure


@dataclass(frozen=True, slots=True)
class NetworkReference:
    """What identifies one authorization at the network, stable under retries.

    Attributes:
        rrn: retrieval reference number, 12 digits (ISO 8583 DE 37).
        stan: system trace audit number, 6 digits (DE 11).
        sent_at_us: transmission date and time (DE 7), lab time.
    """

    rrn: str
    stan: str
    sent_at_us: int


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One payment on its way to a network.

    Attributes:
        network: "visa", "mastercard" or "amex".
        token: device account number (DPAN), digits; in memory only.
        expiry: YYMM.
        psn: PAN sequence number, 2 digits.
        amount_minor: in minor units of `currency` (ISO 4217 letters).
        emv_data: DE 55, BER-TLV as the till sent it; opaque here.
        track_2: DE 35 of a tap in mag-stripe mode, which has no DE 55; else empty.
        atc: the card's transaction counter, which such a message says apart.
        merchant_name: DE 43, as the cardholder will read it.
        approved_offline: card and till have approved already: the network is told, not asked.
        stored: the till kept the tap while it was offline; the network is asked all the same.
        is_remote: nobody met: an app's payment, made with the token's remote key.
        sealed_card: a card's number sealed for the network (JWE); then there is neither token nor
            chip data nor track.
        cryptogram_block: what a payment in an app brings when it has no chip data; else empty.
        eci: electronic commerce indicator where nobody met, two digits.
    """

    payment_id: str
    tap_id: str | None
    network: str
    reference: NetworkReference
    token: str = field(repr=False)
    expiry: str
    psn: str
    amount_minor: int
    currency: str
    merchant_id: str
    merchant_name: str
    merchant_category: str
    terminal_id: str
    emv_data: bytes = field(repr=False)
    approved_offline: bool = False
    stored: bool = False
    track_2: str = field(default="", repr=False)
    atc: int = 0
    is_remote: bool = False
    sealed_card: str = field(default="", repr=False)
    cryptogram_block: bytes = field(default=b"", repr=False)
    eci: str = NO_AUTHENTICATION


@dataclass(frozen=True, slots=True)
class Answered:
    """The network answered, whatever it said (any DE 39 is an answer).

    Attributes:
        response_code: DE 39: "00" approved, "51" insufficient funds …
        auth_code: DE 38, six characters, when approved.
        token_ref: the network's reference of the token, when it knew it.
        cryptogram_valid: the network's verdict on the ARQC; None when it did not look.
        reason: stable word behind the code ("insufficient_funds", "cryptogram_invalid" …).
        steered: "amount ends .51" when the amount chose the code, else None.
        code_matches: the issuer's verdict on a card's security code; None when there was none.
        disputes_later: the reason for which a test card's holder will dispute this payment.
        hops_us: duration of each hop: "network" (link there and back), "issuer".
    """

    response_code: str
    auth_code: str | None
    token_ref: str | None
    cryptogram_valid: bool | None
    reason: str
    steered: str | None
    hops_us: Mapping[str, int]
    code_matches: bool | None = None
    disputes_later: str | None = None

    @property
    def approved(self) -> bool:
        """Whether the issuer holds the money now."""
        return self.response_code == "00"


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing left this process: breaker open, or no connection.

    Attributes:
        reason: "breaker_open" or "no_connection"; "vault_unavailable" where a card did not open.
        retry_in_ms: when a breaker will next let a probe through, else None.
    """

    reason: str
    retry_in_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request left, and no usable answer came within the transport's patience.

    Attributes:
        reason: "timeout", "reset", "undecodable".
    """

    reason: str


@dataclass(frozen=True, slots=True)
class NoAnswerYet:
    """The channel's deadline passed; the exchange goes on until the transport's.

    Attributes:
        late: ends as `Answered` or `Unknown`.
    """

    late: asyncio.Future[Answered | Unknown] = field(repr=False)


AuthorizationAnswer = Answered | NotSent | NoAnswerYet | Unknown


@dataclass(frozen=True, slots=True)
class Reversed:
    """The network acknowledged a reversal (0410/DE 39 = 00): no hold is left."""


@dataclass(frozen=True, slots=True)
class AdvisedMoney:
    """What an advice tells about an authorization.

    Attributes:
        is_refund: money goes back; otherwise the hold is taken up.
        amount_minor: in minor units of `currency` (ISO 4217 letters).
    """

    is_refund: bool
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Advised:
    """The network took note of an advice (0230).

    Attributes:
        response_code: DE 39: "00" booked; anything else is a final refusal.
        reason: stable word behind the code.
    """

    response_code: str
    reason: str


@dataclass(frozen=True, slots=True)
class StatusKnown:
    """The network answered a status query.

    Attributes:
        found: whether the network ever saw the authorization.
        response_code: what it had answered, when found.
        auth_code: DE 38, when it had approved.
        reversed: whether a reversal has already released it.
    """

    found: bool
    response_code: str | None
    auth_code: str | None
    reversed: bool
