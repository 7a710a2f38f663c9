"""The wallet's values: a person, a session, a device, a card, a message for a device.

No value here can hold a card number or a device account number: a card is its network's token
reference, last digits and a keyed fingerprint. JSON shapes are those of `/api` (camelCase).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from backend.runtime.clock import to_iso
from backend.wallet.card_faces import address

NETWORKS = ("visa", "mastercard", "amex")
DEVICE_KINDS = ("phone", "watch")
PERMISSIONS = ("cards", "devices", "history")
"""Of every session; see `Session.permissions`."""
PAY_IN_APP = "payments:in_app"
PARTIES = ("wallet", "network", "issuer")
"""Who decides about a provisioning, in the order of `Card.decisions`."""


@dataclass(frozen=True, slots=True)
class User:
    """A person with a wallet.

    Attributes:
        password_hash: argon2id in PHC form; None for the demo user, who enters with the token.
        erased_at_us: since then this is a number without a person: nobody signs in.
    """

    id: str
    email: str
    password_hash: str | None = field(repr=False)
    created_at_us: int
    erased_at_us: int | None = None

    @property
    def is_demo(self) -> bool:
        """Whether this is the laboratory's own user."""
        return self.password_hash is None

    def to_json(self) -> dict[str, object]:
        """As `/api/auth/me` shows it."""
        return {"id": self.id, "email": self.email, "demo": self.is_demo}


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in client; ended by deleting its row.

    Attributes:
        device_verified_at_us: when its device proved that it holds its key; None before.
        face_enrolled: whether that device says that its person enrolled a face.
    """

    id_hash: bytes = field(repr=False)
    user_id: str
    device_id: str | None
    created_at_us: int
    expires_at_us: int
    device_verified_at_us: int | None = None
    face_enrolled: bool = False

    @property
    def is_device_verified(self) -> bool:
        """Whether its device proved that it holds its key."""
        return self.device_verified_at_us is not None

    @property
    def permissions(self) -> tuple[str, ...]:
        """What it may do; to pay in an app the device and a face on it have to be known."""
        if self.is_device_verified and self.face_enrolled:
            return (*PERMISSIONS, PAY_IN_APP)
        return PERMISSIONS


@dataclass(frozen=True, slots=True)
class Device:
    """A phone or a watch.

    Attributes:
        public_key: JWK (P-256) as JSON, with which it proves itself; None until it showed one.
    """

    id: str
    user_id: str
    kind: str
    name: str
    lost_at_us: int | None
    created_at_us: int
    public_key: str | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, object]:
        """As `/api/devices` shows it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "lost": self.lost_at_us is not None,
            "createdAt": to_iso(self.created_at_us),
        }


@dataclass(frozen=True, slots=True)
class Card:
    """A card on one device.

    Attributes:
        status: "requested" (its network is being asked; shown to nobody), "pending" (its
            cardholder is to be verified), "active", "suspended" or "rejected" (not verified: its
            bank has to be called).
        decisions: the colours that wallet, network and issuer said, parted by blanks; empty for a
            card that is older than the record of them.
        terms_version: of the terms that were accepted; None when the client did not say.
        suspended_by: everybody who holds it suspended, a `Suspender`'s words parted by blanks.
        pending_operation: "reactivate" or "refresh": ordered and not done yet.
        design: which face of its product it has; empty for a card that is older than the choice.
    """

    id: str
    user_id: str
    device_id: str
    token_ref: str
    token_fingerprint: bytes = field(repr=False)
    network: str
    last4: str
    token_last4: str
    card_type: str
    product: str
    card_art_url: str
    status: str
    is_default: bool
    suspended_at_us: int | None
    suspend_reason: str | None
    provisioned_at_us: int
    updated_at_us: int
    decisions: str = ""
    terms_version: str | None = None
    terms_accepted_at_us: int | None = None
    suspended_by: str = ""
    pending_operation: str | None = None
    design: str = ""

    @property
    def holders(self) -> frozenset[str]:
        """Everybody who holds it suspended."""
        return frozenset(self.suspended_by.split())

    def to_json(self) -> dict[str, object]:
        """As `/api/cards` shows it."""
        return {
            "id": self.id,
            "userId": self.user_id,
            "deviceId": self.device_id,
            "tokenRef": self.token_ref,
            "network": self.network,
            "last4": self.last4,
            "tokenLast4": self.token_last4,
            "cardType": self.card_type,
            "product": self.product,
            "design": self.design,
            "cardArtUrl": address(self.card_art_url, self.design, self.product),
            "status": self.status,
            "isDefault": self.is_default,
            "suspendReason": self.suspend_reason,
            "suspendedBy": self.suspended_by.split(),
            "pendingOperation": self.pending_operation,
            "provisionedAt": to_iso(self.provisioned_at_us),
            "decisions": dict(zip(PARTIES, self.decisions.split(), strict=False)),
            "termsVersion": self.terms_version,
        }


REFUSED = "refused: "


class Operation(Enum):
    """What is ordered for a token."""

    SUSPEND = "suspend"
    RESUME = "resume"
    DELETE = "delete"
    REFRESH = "refresh"
    ADMIT = "admit"  # somebody else let it go at its network: only here is something to do


@dataclass(frozen=True, slots=True)
class TokenOrder:
    """Something that a network has to be told about a token, until it heard it.

    Attributes:
        id: orders of one card are carried out in this order; 0 before it is stored.
        token_ref: when it was ordered; its network knows what came in its place.
        actor: on whose behalf, `Suspender`'s words parted by blanks.
        reason: the network's word for why.
        tries: how often the network could not be told.
        is_done: whether nothing is to be done any more.
        result: what became of it, once it is done.
    """

    id: int
    card_id: str
    user_id: str
    device_id: str
    network: str
    token_ref: str
    operation: Operation
    actor: str
    reason: str
    ip_address: str | None
    created_at_us: int
    due_at_us: int
    tries: int = 0
    is_done: bool = False
    result: str | None = None

    @property
    def is_refused(self) -> bool:
        """Whether its network said no."""
        return self.result is not None and self.result.startswith(REFUSED)


@dataclass(frozen=True, slots=True)
class DeviceMessage:
    """Something a device has to be told, until it says that it heard.

    Attributes:
        kind: "provision_token", "token_status_change" or "message".
        body: JSON-ready; token keys inside only as ciphertext for the device.
    """

    id: int
    device_id: str
    kind: str
    body: Mapping[str, object] = field(repr=False)
    created_at_us: int

    def to_json(self) -> dict[str, object]:
        """As it travels to the device."""
        return {"id": self.id, "kind": self.kind, "body": dict(self.body)}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: for the audit log, and to find only what is theirs."""

    user_id: str
    ip_address: str | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log.

    Attributes:
        action: dotted verb in the past, "card.suspended".
        result: "done" or "refused".
    """

    at_us: int
    user_id: str | None
    action: str
    resource_type: str
    resource_id: str | None
    result: str
    ip_address: str | None
    facts: Mapping[str, object] = field(default_factory=dict)
