"""What the engine says over HTTP, as frozen values.

Reads the JSON shapes of `/api` (camelCase) and `/lab` (snake_case); money stays integer minor
units with its currency, times stay microseconds of lab time. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.json_fields import (
    Json,
    flag,
    number,
    number_or_none,
    objects,
    section,
    text,
    text_or_none,
    texts,
    whole,
    whole_or_none,
)


@dataclass(frozen=True, slots=True)
class CardRecord:
    """A card in the wallet, as `/api/cards` lists it."""

    id: str
    device_id: str
    token_ref: str
    network: str
    last4: str
    token_last4: str
    product: str
    status: str
    is_default: bool
    suspended_by: tuple[str, ...] = ()
    pending_operation: str = ""
    design: str = ""

    @property
    def is_verified(self) -> bool:
        """Whether its bank has let it into the wallet; a suspended card was let in before."""
        return self.status not in {"pending", "rejected"}

    @staticmethod
    def from_json(body: Json) -> CardRecord:
        """Read one entry; raises ValueError when it is none."""
        return CardRecord(
            id=text(body, "id"),
            device_id=text(body, "deviceId"),
            token_ref=text(body, "tokenRef"),
            network=text(body, "network"),
            last4=text(body, "last4"),
            token_last4=text(body, "tokenLast4", ""),
            product=text(body, "product", ""),
            status=text(body, "status"),
            is_default=flag(body, "isDefault"),
            suspended_by=texts(body, "suspendedBy"),
            pending_operation=text(body, "pendingOperation", ""),
            design=text(body, "design", ""),
        )

    def to_json(self) -> dict[str, object]:
        """The same fields again, for the phone's cache."""
        return {
            "id": self.id,
            "deviceId": self.device_id,
            "tokenRef": self.token_ref,
            "network": self.network,
            "last4": self.last4,
            "tokenLast4": self.token_last4,
            "product": self.product,
            "status": self.status,
            "isDefault": self.is_default,
            "suspendedBy": list(self.suspended_by),
            "pendingOperation": self.pending_operation or None,
            "design": self.design,
        }


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """One device of a person, as `/api/devices` lists it; `kind` is "phone" or "watch"."""

    id: str
    kind: str
    name: str
    is_lost: bool

    @staticmethod
    def from_json(body: Json) -> DeviceRecord:
        """Read one entry; raises ValueError when it is none."""
        return DeviceRecord(
            text(body, "id"), text(body, "kind"), text(body, "name", ""), flag(body, "lost")
        )


@dataclass(frozen=True, slots=True)
class TermsRecord:
    """The terms in force, as `/api/terms` tells them; a card remembers the version."""

    version: str
    text: str

    @staticmethod
    def from_json(body: Json) -> TermsRecord:
        """Read the answer; raises ValueError when it is none."""
        return TermsRecord(text(body, "version"), text(body, "text"))


@dataclass(frozen=True, slots=True)
class NfcOrder:
    """What a till sends for one tap."""

    token: str = field(repr=False)
    cryptogram: str = field(repr=False)
    atc: int
    amount_minor: int
    currency: str
    merchant_id: str
    terminal_id: str
    emv_data: str = field(repr=False)
    expiry: str
    psn: str
    tap_id: str
    synthetic: bool = False
    track_2: str = field(default="", repr=False)
    """In mag-stripe mode, in place of cryptogram and chip data."""
    approved_offline: bool = False
    """Card and till have approved; the engine is told."""
    stored: bool = False
    """The till kept the cryptogram while it was offline; the issuer decides on upload."""

    def to_json(self) -> dict[str, object]:
        """The body of `POST /api/payments/nfc`."""
        if self.track_2:
            read: dict[str, object] = {"entryMode": "magstripe", "track2": self.track_2}
        else:
            read = {"cryptogram": self.cryptogram, "emvData": self.emv_data}
        if self.approved_offline or self.stored:
            read |= {"storeAndForward": True}
        return read | {
            "token": self.token,
            "atc": self.atc,
            "amount": self.amount_minor,
            "currency": self.currency,
            "merchantId": self.merchant_id,
            "terminalId": self.terminal_id,
            "expiry": self.expiry,
            "psn": self.psn,
            "tapId": self.tap_id,
            "synthetic": self.synthetic,
        }


@dataclass(frozen=True, slots=True)
class PaymentAnswer:
    """The engine's answer to a tap.

    Attributes:
        status: approved, declined, pending (no answer in time; a later one replaces it), not_sent.
        latency_ms: engine, network, issuer, database.
        replayed: this is the stored answer of an earlier request with the same key.
    """

    status: str
    auth_code: str | None
    response_code: str | None
    network: str
    payment_id: str
    reason: str
    steered: str | None
    latency_ms: Mapping[str, float]
    replayed: bool

    @staticmethod
    def from_json(body: Json, *, replayed: bool = False) -> PaymentAnswer:
        """Read the answer; raises ValueError when it is none."""
        latency = section(body, "latencyMs")
        return PaymentAnswer(
            status=text(body, "status"),
            auth_code=text_or_none(body, "authCode"),
            response_code=text_or_none(body, "responseCode"),
            network=text(body, "network", ""),
            payment_id=text(body, "transactionId", ""),
            reason=text(body, "reason", ""),
            steered=text_or_none(body, "steered"),
            latency_ms={name: number(latency, name, 0.0) for name in latency},
            replayed=replayed,
        )


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """One row of `/lab/payments`: what happened, and what phone, till and bank believe."""

    id: str
    tap_id: str
    created_at_us: int
    network: str
    last4: str
    token_ref: str
    card_id: str
    amount_minor: int
    currency: str
    state: str
    response_code: str
    auth_code: str
    reason: str
    steered: str
    merchant_id: str
    merchant_name: str
    terminal_id: str
    atc: int
    phone: str
    till: str
    bank: str
    latency_us: Mapping[str, int]
    synthetic: bool
    captured_minor: int = 0
    refunded_minor: int = 0

    @property
    def told(self) -> str:
        """Its state as its customer hears it: to them a captured sale is as good as approved."""
        if self.refunded_minor:
            return "refunded"
        return "approved" if self.state == "captured" else self.state

    @property
    def shown(self) -> str:
        """Its state as lists show it: a capture from which something went back says so."""
        return shown_state(self.state, self.captured_minor, self.refunded_minor)

    @staticmethod
    def from_json(body: Json) -> PaymentRecord:
        """Read one row; raises ValueError when it is none."""
        latency = section(body, "latency_us")
        return PaymentRecord(
            id=text(body, "id"),
            tap_id=text(body, "tap_id", ""),
            created_at_us=whole(body, "created_at_us"),
            network=text(body, "network", ""),
            last4=text(body, "last4", ""),
            token_ref=text(body, "token_ref", ""),
            card_id=text(body, "card_id", ""),
            amount_minor=whole(body, "amount_minor"),
            currency=text(body, "currency"),
            state=text(body, "state"),
            response_code=text(body, "response_code", ""),
            auth_code=text(body, "auth_code", ""),
            reason=text(body, "reason", ""),
            steered=text(body, "steered", ""),
            merchant_id=text(body, "merchant_id", ""),
            merchant_name=text(body, "merchant_name", ""),
            terminal_id=text(body, "terminal_id", ""),
            atc=whole(body, "atc", 0),
            phone=text(body, "phone", ""),
            till=text(body, "till", ""),
            bank=text(body, "bank", ""),
            latency_us={n: whole(latency, n) for n in latency if latency[n] is not None},
            synthetic=flag(body, "synthetic"),
            captured_minor=whole(body, "captured_minor", 0),
            refunded_minor=whole(body, "refunded_minor", 0),
        )


def shown_state(state: str, captured_minor: int, refunded_minor: int) -> str:
    """A payment's state for people: refunds are sums on a captured payment, not states."""
    if not refunded_minor:
        return state
    return "refunded" if refunded_minor >= captured_minor else "part_refunded"


@dataclass(frozen=True, slots=True)
class BreakerRecord:
    """One breaker, as `/lab/state` lists it."""

    name: str
    state: str
    failures: int
    retry_in_ms: int | None
    rejected: int
    forced: bool

    @staticmethod
    def from_json(body: Json) -> BreakerRecord:
        """Read one entry; raises ValueError when it is none."""
        forced = body.get("forced")
        retry = number_or_none(body, "retry_in_ms")
        return BreakerRecord(
            name=text(body, "name"),
            state=text(body, "state"),
            failures=whole(body, "failures", 0),
            retry_in_ms=None if retry is None else round(retry),
            rejected=whole(body, "rejected", 0),
            forced=forced not in (None, False, "", "auto"),
        )


@dataclass(frozen=True, slots=True)
class SuspendedCard:
    """A card that cannot pay until somebody reactivates it."""

    card_id: str
    last4: str
    network: str


@dataclass(frozen=True, slots=True)
class LabState:
    """`GET /lab/state`: what strip, time bar and tiles need, in one answer."""

    world: str
    seed: int
    now_us: int
    rate: float
    clock_moved: bool
    next_due_us: int | None
    faults: tuple[Json, ...]
    breakers: tuple[BreakerRecord, ...]
    suspended: tuple[SuspendedCard, ...]
    unprotected_keys: bool

    @staticmethod
    def from_json(body: Json) -> LabState:
        """Read the answer; raises ValueError when it is none."""
        return LabState(
            world=text(body, "world", "live"),
            seed=whole(body, "seed", 0),
            now_us=whole(body, "now_us"),
            rate=number(body, "rate", 1.0),
            clock_moved=flag(body, "clock_moved"),
            next_due_us=whole_or_none(body, "next_due_us"),
            faults=objects(body, "faults"),
            breakers=tuple(BreakerRecord.from_json(item) for item in objects(body, "breakers")),
            suspended=tuple(
                SuspendedCard(text(c, "card_id"), text(c, "last4", ""), text(c, "network", ""))
                for c in objects(body, "suspended")
            ),
            unprotected_keys=flag(body, "unprotected_keys"),
        )
