"""The rows of the payments side as values: payment, key, follow-up, merchant, known token.

What the rules hold in their hands between reading and writing. Knows no SQL; no field can hold a
card number or a device account number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from backend.domain.money import Money
from backend.ledger.journal import Promise
from backend.payments.machine import State
from backend.switch.answers import NetworkReference

MODE = "test"  # scope of keys besides the account: everything in a laboratory is test mode


class Channel(Enum):
    """How cardholder and merchant met; the column `transaction_type`."""

    NFC = "nfc"
    IN_APP = "in_app"
    WEB = "web"  # a card of the vault; no chip, no counter, nobody met


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who is paid.

    Attributes:
        name: as the cardholder reads it (DE 43).
        category: merchant category code, ISO 18245.
        terminal_id: its first till.
    """

    id: str
    name: str
    category: str
    terminal_id: str


# What a fresh data folder starts with: the corner shop of the window and of the commands.
DEFAULT_MERCHANT = Merchant("mer_corner_market", "Corner Market", "5411", "T0000001")


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that this wallet side provisioned.

    Attributes:
        status: "pending", "active" or "suspended".
        last4: of the card behind it, for people.
    """

    token_ref: str
    card_id: str
    user_id: str
    network: str
    status: str
    last4: str


@dataclass(frozen=True, slots=True)
class Latency:
    """Durations of one payment, microseconds.

    Attributes:
        engine: our own time until the result goes to its commit.
        network: the link to the network and back.
        issuer: inside the issuer.
        database: until the intent was durable.
    """

    engine: int = 0
    network: int = 0
    issuer: int = 0
    database: int = 0


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as stored.

    Attributes:
        account: whose idempotency keys these are; the till's or merchant's account.
        key: idempotency key, which is also the terminal's reference (terminal id and sequence).
        version: 1 at creation, one more with every event.
        network: None when the token was unknown and its digits belong to no network.
        token_ref: None when the token was unknown, or a card of the vault pays.
        card_id: the wallet's card behind the token, or the vault's card.
        atc: the card's transaction counter; 0 where no chip took part.
        reference: how the network knows it; None when it was refused before it could be sent.
        hold_open: whether the ledger carries the issuer's promise at this moment.
        captured_minor: what the merchant took of it; 0 before the capture.
        fee_minor: what of that is ours.
        refunded_minor: what went back, refunds under way included.
        fee_returned_minor: what of the fee went back with it.
        voided_at_us: when the merchant let an approval go; it was told "approved" all the same.
    """

    id: str
    tap_id: str | None
    account: str
    key: str
    created_at_us: int
    updated_at_us: int
    version: int
    state: State
    network: str | None
    token_ref: str | None
    card_id: str | None
    user_id: str | None
    last4: str | None
    atc: int
    amount_minor: int
    currency: str
    merchant: Merchant
    terminal_id: str
    reference: NetworkReference | None
    synthetic: bool
    response_code: str | None = None
    auth_code: str | None = None
    reason: str | None = None
    steered: str | None = None
    hold_open: bool = False
    latency: Latency = Latency()
    captured_minor: int = 0
    fee_minor: int = 0
    refunded_minor: int = 0
    fee_returned_minor: int = 0
    voided_at_us: int | None = None
    channel: Channel = Channel.NFC

    @property
    def network_name(self) -> str:
        """The network of a payment that was or will be sent."""
        assert self.network is not None, "a payment that is sent has a network"
        return self.network

    @property
    def network_reference(self) -> NetworkReference:
        """The reference of a payment that was or will be sent."""
        assert self.reference is not None, "a payment that is sent has a reference"
        return self.reference

    def promise(self) -> Promise:
        """What the ledger posts for it."""
        holder = self.token_ref or self.card_id
        assert holder is not None, "only known tokens and cards are approved"
        return Promise(
            payment_id=self.id,
            token_ref=holder,
            card=f"{self.network_name.capitalize()} ·{self.last4}",
            merchant_id=self.merchant.id,
            merchant_name=self.merchant.name,
            money=Money(self.amount_minor, self.currency),
        )


class KeyState(Enum):
    """What an idempotency key answers."""

    IN_FLIGHT = "in_flight"  # 409
    RELEASED = "released"  # nothing left the process: the next try may proceed
    PENDING = "pending"  # the stored answer, which a final one will replace
    FINAL = "final"  # the stored answer, byte-equal for ever


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An idempotency key as stored, unique by (account, mode, key).

    Attributes:
        request_hash: SHA-256 of the first request's body.
        status: HTTP status of the stored answer, when there is one.
        body: its bytes.
    """

    account: str
    key: str
    request_hash: bytes
    payment_id: str
    state: KeyState
    status: int | None
    body: bytes | None


class FollowUpKind(Enum):
    """What has to be asked of the network until it answers."""

    STATUS_QUERY = "status_query"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question to the network that is due at a time.

    Attributes:
        tries: how often it was asked and not answered.
    """

    id: int
    payment_id: str
    kind: FollowUpKind
    due_at_us: int
    tries: int
