"""What the payment rules ask of the world outside: rows, tokens, the switch, a cache.

Storage, the switch and the cache implement these; `backend.assembly` wires them. `Tx` is whatever
the store hands to a unit of work: the rules pass it on and never look inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from backend.ledger.chain import Entry, Head
from backend.payments.machine import State
from backend.payments.records import (
    FollowUp,
    FollowUpKind,
    KeyRecord,
    KeyState,
    KnownToken,
    Merchant,
    Payment,
)
from backend.switch.answers import (
    AuthorizationAnswer,
    AuthorizationRequest,
    NetworkReference,
    NotSent,
    Reversed,
    StatusKnown,
    Unknown,
)

Tx_contra = TypeVar("Tx_contra", contravariant=True)


class PaymentRows(Protocol[Tx_contra]):
    """Payments, keys, reservations, follow-ups, merchants."""

    def claim_key(
        self,
        tx: Tx_contra,
        *,
        account: str,
        key: str,
        request_hash: bytes,
        payment_id: str,
        at_us: int,
    ) -> bool:
        """Insert the key in flight; False when it is already there."""

    def find_key(self, tx: Tx_contra, account: str, key: str) -> KeyRecord | None:
        """The key as stored."""

    def set_key(
        self,
        tx: Tx_contra,
        *,
        account: str,
        key: str,
        state: KeyState,
        status: int | None,
        body: bytes | None,
        at_us: int,
    ) -> None:
        """Change what the key answers; a final answer stays for ever, whatever is asked."""

    def reserve_atc(self, tx: Tx_contra, payment: Payment, *, below_watermark: bool) -> bool:
        """Reserve (token, ATC) for a payment; False when used, or not above the watermark.

        A reservation whose cryptogram turned out to be forged gives way. `below_watermark` is for
        declared store-and-forward: only uniqueness counts then.
        """

    def mark_forged(self, tx: Tx_contra, payment: Payment) -> None:
        """Note that the cryptogram behind this reservation was not the card's."""

    def raise_watermark(self, tx: Tx_contra, token_ref: str, atc: int, at_us: int) -> None:
        """Move the token's last ATC up, never down."""

    def add_payment(self, tx: Tx_contra, payment: Payment) -> None:
        """Insert a payment."""

    def update_payment(self, tx: Tx_contra, payment: Payment, *, was_version: int) -> bool:
        """Store the changeable columns; False when somebody else changed it meanwhile."""

    def find_payment(self, tx: Tx_contra, payment_id: str) -> Payment | None:
        """One payment."""

    def unsettled(self, tx: Tx_contra) -> list[tuple[str, State]]:
        """Payments that are authorizing, unknown or reversing."""

    def add_follow_up(
        self, tx: Tx_contra, payment_id: str, kind: FollowUpKind, due_at_us: int
    ) -> None:
        """Ask the network at `due_at_us`."""

    def open_follow_ups(self, tx: Tx_contra, payment_id: str) -> list[FollowUp]:
        """What is still to be asked about a payment."""

    def due_follow_ups(self, tx: Tx_contra, at_us: int, limit: int) -> list[FollowUp]:
        """Open follow-ups due at or before `at_us`, oldest first."""

    def next_due_us(self, tx: Tx_contra, after_us: int) -> int | None:
        """When the first open follow-up after `after_us` is due."""

    def postpone_follow_up(
        self, tx: Tx_contra, follow_up_id: int, *, due_at_us: int, tries: int
    ) -> None:
        """Ask again later."""

    def close_follow_ups(self, tx: Tx_contra, payment_id: str, *, result: str, at_us: int) -> None:
        """Nothing more is to be asked about a payment."""

    def find_merchant(self, tx: Tx_contra, merchant_id: str) -> Merchant | None:
        """One merchant."""

    def take_numbers(self, tx: Tx_contra, count: int) -> int:
        """Take `count` network reference numbers for good; the first of them."""


class LedgerRows(Protocol[Tx_contra]):
    """The journal's rows: read the end of a shard, append."""

    def head(self, tx: Tx_contra, shard: int) -> Head:
        """The last entry of a shard."""

    def append(self, tx: Tx_contra, entries: Sequence[Entry]) -> None:
        """Add entries; nothing ever changes or removes them."""


class TokenDirectory(Protocol[Tx_contra]):
    """Tokens that the wallet side provisioned, by keyed fingerprint of their digits."""

    def find(self, tx: Tx_contra, fingerprint: bytes) -> KnownToken | None:
        """The token, whatever its status."""

    def may_pay(self, tx: Tx_contra, card_id: str) -> bool:
        """Whether the card is active in this unit of work; one that was removed is not."""


class Switch(Protocol):
    """The way to the networks (see `backend.switch.answers`)."""

    async def authorize(
        self, request: AuthorizationRequest, *, channel_deadline_s: float
    ) -> AuthorizationAnswer:
        """Ask for an authorization; after the deadline the answer is `NoAnswerYet`."""

    async def reverse(
        self,
        network: str,
        reference: NetworkReference,
        *,
        payment_id: str,
        amount_minor: int,
        currency: str,
        tap_id: str | None = None,
    ) -> Reversed | NotSent | Unknown:
        """Release whatever the reference holds; idempotent at the host."""

    async def query_status(
        self,
        network: str,
        reference: NetworkReference,
        *,
        payment_id: str,
        tap_id: str | None = None,
    ) -> StatusKnown | NotSent | Unknown:
        """Ask what became of an authorization."""


@dataclass(frozen=True, slots=True)
class CachedReply:
    """A final answer as a cache keeps it.

    Attributes:
        request_hash: of the request that was answered.
        status: HTTP status.
        body: the answer's bytes.
        proof: keyed-by-content digest; a value that does not match it is a miss.
    """

    request_hash: bytes
    status: int
    body: bytes
    proof: bytes


class IdempotencyCache(Protocol):
    """An accelerator for replays. Lost, slow or wrong, it changes no outcome: SQL decides.

    Implementations never raise for a broken cache: `get` answers None and `put` does nothing.
    """

    async def get(self, scope: str) -> CachedReply | None:
        """The final answer kept under a scope, if any."""

    async def put(self, scope: str, reply: CachedReply, *, ttl_s: int) -> None:
        """Keep a final answer for `ttl_s` seconds."""


class MerchantCache(Protocol):
    """Merchants that were read lately; empty when the cache behind it is broken."""

    def changes(self, owner: str) -> int:
        """How often this merchant changed; taken before the database is read."""

    async def get(self, owner: str) -> Merchant | None:
        """The merchant as it was last read, or None."""

    async def put(self, owner: str, value: Merchant, *, changes: int) -> None:
        """Keep a merchant, unless it changed meanwhile."""


class CounterCache(Protocol):
    """Used up counters. What it says is confirmed by SQL, or it counts for nothing."""

    async def token_of(self, fingerprint: bytes) -> str | None:
        """The token with that keyed digest of its digits, which never changes, or None."""

    async def keep_token(self, fingerprint: bytes, token_ref: str) -> None:
        """Keep whose digits these are."""

    async def highest(self, token_ref: str) -> int | None:
        """The highest counter that is known to be used up, or None."""

    async def raise_to(self, token_ref: str, atc: int) -> None:
        """A counter was used up, and that is committed."""


class CounterRows(Protocol[Tx_contra]):
    """Where watermarks are looked up."""

    def watermark(self, tx: Tx_contra, token_ref: str) -> int:
        """The highest counter proven by the card; 0 before the first."""
