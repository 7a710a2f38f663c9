"""What the wallet needs from outside: rows, a cache for lists, and the networks' token service.

A unit of work is a function of `WalletRows`; it cannot await, so nothing that travels can happen
inside it. Storage implements the rows, the cache package the lists, the switch the token service.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from backend.networks.tsp_terms import (
    CardOffer,
    TokenEvent,
    TokenGrant,
    TokenRefused,
    TokenRequest,
    TokenState,
    Verification,
)
from backend.runtime.events import Event
from backend.wallet.model import (
    AuditEntry,
    Card,
    Device,
    DeviceMessage,
    Session,
    TokenOrder,
    User,
)

T = TypeVar("T")


class UserRows(Protocol):
    """People and their sessions."""

    def user_by_email(self, email: str) -> User | None:
        """The person with that address."""

    def user_by_id(self, user_id: str) -> User | None:
        """The person with that identifier."""

    def add_user(self, user: User) -> bool:
        """Store a new person; False when the address is taken."""

    def session(self, id_hash: bytes) -> Session | None:
        """The session with that hash, expired or not."""

    def add_session(self, session: Session) -> None:
        """Store a session."""

    def bind_session(self, id_hash: bytes, device_id: str) -> None:
        """Remember which device this session speaks for; it has yet to prove itself."""

    def verify_session(self, id_hash: bytes, at_us: int, *, face_enrolled: bool) -> None:
        """Remember that the session's device proved itself."""

    def end_session(self, id_hash: bytes) -> int:
        """Delete it; how many there were."""

    def end_sessions_of_device(self, device_id: str) -> list[bytes]:
        """Delete every session of a device; the hashes of those that there were."""

    def end_sessions_of(self, user_id: str) -> list[bytes]:
        """Delete every session of a person; the hashes of those that there were."""


class DeviceRows(Protocol):
    """Devices and what they still have to be told."""

    def device(self, device_id: str) -> Device | None:
        """The device with that identifier, whoever's it is."""

    def devices_of(self, user_id: str) -> list[Device]:
        """A person's devices, oldest first."""

    def put_device(self, device: Device) -> None:
        """Store a device, or its new kind and name."""

    def mark_lost(self, device_id: str, lost_at_us: int | None) -> None:
        """Lost at that time, or found again (None)."""

    def add_message(
        self, device_id: str, kind: str, body: Mapping[str, object], created_at_us: int
    ) -> None:
        """Queue a message for a device."""

    def waiting_messages(self, device_id: str, after_id: int) -> list[DeviceMessage]:
        """Messages that the device has not acknowledged, oldest first."""

    def acknowledge(self, device_id: str, message_id: int, at_us: int) -> int:
        """Mark one as heard; 0 when there is no such message waiting."""


class CardRows(Protocol):
    """Cards."""

    def cards_of(self, user_id: str) -> list[Card]:
        """A person's cards that a network knows: the default first, then the oldest."""

    def cards_on(self, device_id: str) -> list[Card]:
        """Every card on a device that a network knows."""

    def suspended_cards(self) -> list[Card]:
        """Everybody's suspended cards."""

    def card(self, card_id: str) -> Card | None:
        """The card with that identifier, whoever's it is."""

    def card_of_token(self, token_ref: str) -> Card | None:
        """The card with that token now, whoever's it is."""

    def all_cards(self) -> list[Card]:
        """Everybody's cards that a network knows."""

    def is_paying(self, card_id: str) -> bool:
        """Whether a payment with this card is being authorized at this moment."""

    def same_card(self, user_id: str, device_id: str, last4: str, network: str) -> Card | None:
        """The card that would be the same one on that device, whatever its status."""

    def add_card(self, card: Card) -> bool:
        """Store a card; False when the same card is on that device already."""

    def put_card(self, card: Card) -> bool:
        """Store what changed about a card; False when its token is another card's already."""

    def clear_default(self, user_id: str, device_id: str) -> None:
        """No card of this device is the default any more."""

    def remove_card(self, card_id: str) -> None:
        """Delete a card."""


class RequestRows(Protocol):
    """Idempotency keys of requests that are no payments."""

    def claim_request(
        self, user_id: str, key: str, request_hash: bytes, at_us: int
    ) -> tuple[bytes, bytes | None, int] | None:
        """None when the key is now ours; else (hash, stored answer if any, when it was claimed)."""

    def finish_request(self, user_id: str, key: str, answer: bytes) -> None:
        """Store the answer for replays."""

    def release_request(self, user_id: str, key: str) -> None:
        """Nothing came of it: the key may be used again."""


class OrderRows(Protocol):
    """Orders to the networks, and how far their events were heard."""

    def add_order(self, order: TokenOrder) -> int:
        """Store an order; its number."""

    def order(self, order_id: int) -> TokenOrder | None:
        """That order."""

    def next_orders(self) -> list[TokenOrder]:
        """Of every card the oldest order that is not done."""

    def open_orders(self, card_id: str) -> list[TokenOrder]:
        """A card's orders that are not done, the oldest first."""

    def open_deletions(self, device_id: str, network: str) -> list[TokenOrder]:
        """Tokens of a device that their network has yet to delete."""

    def postpone_order(self, order_id: int, *, due_at_us: int, tries: int) -> None:
        """Try again later."""

    def finish_order(self, order_id: int, *, at_us: int, result: str) -> None:
        """Nothing more is to be done."""

    def heard_until(self, network: str) -> int:
        """The last event of a network that was taken in; 0 for none."""

    def hear_until(self, network: str, event_id: int) -> None:
        """Everything up to this event was taken in."""


class PrivacyRows(Protocol):
    """What is stored of one person, to be handed out and to be forgotten."""

    def is_being_given_a_card(self, user_id: str) -> bool:
        """Whether a network is being asked for a card of theirs at this moment."""

    def sessions_of(self, user_id: str) -> list[dict[str, object]]:
        """A person's sessions as they see them."""

    def payments_of(self, user_id: str) -> list[dict[str, object]]:
        """Every payment of a person, newest first."""

    def audit_of(self, user_id: str) -> list[dict[str, object]]:
        """Every line of the audit trail that names a person, oldest first."""

    def forget_messages(self, user_id: str) -> None:
        """Delete what waits for a person's devices."""

    def forget_person(self, user_id: str, at_us: int) -> None:
        """Take everything that tells who it was."""


class WalletRows(UserRows, DeviceRows, CardRows, RequestRows, OrderRows, PrivacyRows, Protocol):
    """Everything one unit of work of the wallet may touch."""

    def audit(self, entry: AuditEntry) -> None:
        """Add to the audit log."""

    def record(self, event: Event) -> None:
        """Store an event with the change it tells of."""


class WalletStore(Protocol):
    """Runs units of work."""

    async def write(self, work: Callable[[WalletRows], T]) -> T:
        """Run and commit; durable when this returns."""

    def read(self, work: Callable[[WalletRows], T]) -> T:
        """Run a short read."""


class CardListCache(Protocol):
    """Card lists that were read lately; may forget at any moment."""

    def changes(self, user_id: str) -> int:
        """How often this person's cards changed; take it before reading the database."""

    async def get(self, user_id: str) -> list[dict[str, object]] | None:
        """The list, or None."""

    async def put(self, user_id: str, cards: list[dict[str, object]], *, changes: int) -> None:
        """Keep a list, unless a card changed meanwhile."""

    async def forget(self, user_id: str, *token_refs: str) -> None:
        """A card of this person changed."""


class SessionCache(Protocol):
    """Sessions that were read lately; may forget at any moment."""

    def changes(self, id_hash: bytes) -> int:
        """How often this session changed; take it before reading the database."""

    async def get(self, id_hash: bytes) -> Session | None:
        """The session, or None."""

    async def put(self, session: Session, *, changes: int) -> None:
        """Keep a session, unless it changed meanwhile."""

    async def forget(self, *id_hashes: bytes) -> None:
        """These sessions changed or ended."""


class TokenService(Protocol):
    """The networks' token service providers."""

    async def public_key(self, network: str) -> Mapping[str, object]:
        """The JWK that seals a card for a network."""

    async def offer(self, network: str, sealed_pan: str) -> CardOffer | TokenRefused:
        """What a sealed card is: product, designs, terms."""

    async def request_token(self, network: str, request: TokenRequest) -> TokenGrant | TokenRefused:
        """Ask for a token."""

    async def verification(self, network: str, token_ref: str) -> Verification:
        """How a token's verification stands."""

    async def send_code(
        self, network: str, token_ref: str, method: str, request_id: str
    ) -> Verification:
        """Have the bank send a code; repeated under one name it sends one."""

    async def check_code(
        self, network: str, token_ref: str, method: str, code: str, request_id: str
    ) -> Verification:
        """Have a code checked; repeated under one name it costs one try."""

    async def change_token(
        self, network: str, token_ref: str, operation: str, *, by: str, reason: str
    ) -> TokenState:
        """Suspend, resume, delete, or replace the card behind a token; its state afterwards."""

    async def refresh_token(self, network: str, token_ref: str) -> TokenGrant:
        """A new token in the place of this one; asked for again, the same one."""

    async def token(self, network: str, token_ref: str) -> TokenState:
        """A token as its network sees it."""

    async def token_events(self, network: str, after_id: int) -> list[TokenEvent]:
        """What happened to a network's tokens after that event."""


class Offload(Protocol):
    """Runs long computation beside the event loop (live) or inline (simulated)."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]: ...  # noqa: D102
