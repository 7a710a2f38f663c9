"""Values of payments in apps: a shop's session, and what a token was when the merchant took it.

Knows no SQL and no HTTP. Field names of `to_json` are those of `/api` (camelCase); amounts are
minor units.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from backend.payments.machine import State
from backend.payments.records import Merchant
from backend.paytoken.content import KIND_CRYPTOGRAM, KIND_EMV
from backend.runtime.clock import to_iso

VERSION = 3


@dataclass(frozen=True, slots=True)
class LineItem:
    """One line above the total."""

    label: str
    amount_minor: int

    def to_json(self) -> dict[str, object]:
        """As it stands in a session."""
        return {"label": self.label, "amount": self.amount_minor}


@dataclass(frozen=True, slots=True)
class SessionOrder:
    """What a shop wants paid.

    Attributes:
        device_id: whose owner is asked.
        amount_minor: the total.
        country: ISO 3166 letters, where the shop is.
        networks: whose cards it takes.
        capabilities: how a card may prove itself: "supports3DS", "supportsEMV".
    """

    merchant_id: str
    device_id: str
    amount_minor: int
    currency: str
    country: str
    line_items: tuple[LineItem, ...]
    networks: tuple[str, ...]
    capabilities: tuple[str, ...]

    @property
    def data_type(self) -> str:
        """What its token carries: chip data for a shop that takes them, else a cryptogram."""
        return KIND_EMV if "supportsEMV" in self.capabilities else KIND_CRYPTOGRAM


@dataclass(frozen=True, slots=True)
class TakenToken:
    """A payment token that its merchant opened and took."""

    transaction_id: str
    merchant_id: str
    payment_id: str
    version: str
    signed_at_us: int

    def to_json(self) -> dict[str, object]:
        """What the merchant may tell of it."""
        return {
            "version": self.version,
            "transactionId": self.transaction_id,
            "signedAt": to_iso(self.signed_at_us),
        }


@dataclass(frozen=True, slots=True)
class Session:
    """A shop's session with a device, as stored.

    Attributes:
        unpredictable_number: what the device signs, so that its cryptogram is for this session;
            told to the device alone.
        payment_id: the last attempt to pay, if there was one.
        state: of that attempt.
        token: what the merchant took for it.
    """

    id: str
    order: SessionOrder
    merchant: Merchant
    unpredictable_number: bytes = field(repr=False)
    created_at_us: int
    expires_at_us: int
    cancelled_at_us: int | None = None
    payment_id: str | None = None
    state: State | None = None
    token: TakenToken | None = None

    def status(self, now_us: int) -> str:
        """One word: waiting, pending, approved, declined, cancelled or expired."""
        match self.state:
            case State.APPROVED | State.CAPTURED:
                return "approved"
            case State.AUTHORIZING | State.UNKNOWN | State.REVERSING:
                return "pending"
            case _ if self.cancelled_at_us is not None:
                return "cancelled"
            case State.DECLINED | State.REVERSED:
                return "declined"
            case _ if now_us >= self.expires_at_us:
                return "expired"
            case _:
                return "waiting"

    def of(self, state: State | None, token: TakenToken | None) -> Session:
        """The same with what became of it."""
        return replace(self, state=state, token=token)

    def to_json(self, now_us: int) -> dict[str, object]:
        """As its shop sees it."""
        order = self.order
        return {
            "id": self.id,
            "version": VERSION,
            "status": self.status(now_us),
            "merchantId": self.merchant.id,
            "merchantName": self.merchant.name,
            "countryCode": order.country,
            "currencyCode": order.currency,
            "supportedNetworks": list(order.networks),
            "merchantCapabilities": list(order.capabilities),
            "lineItems": [item.to_json() for item in order.line_items],
            "total": {"label": self.merchant.name, "amount": order.amount_minor},
            "createdAt": to_iso(self.created_at_us),
            "expiresAt": to_iso(self.expires_at_us),
            "transactionId": self.payment_id,
            "token": None if self.token is None else self.token.to_json(),
        }

    def for_device(self, now_us: int) -> dict[str, object]:
        """As the device is asked: with what it has to sign."""
        return self.to_json(now_us) | {
            "unpredictableNumber": self.unpredictable_number.hex().upper(),
            "expiresAtUs": self.expires_at_us,
        }
