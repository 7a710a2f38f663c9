"""What the card vault asks of the world outside: rows, and a key that wraps keys.

Storage implements the rows; a key home implements the wrapping. Rows hold ciphertext only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from backend.vault.card_entry import StoredCard

Tx_contra = TypeVar("Tx_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One data key, wrapped.

    Attributes:
        version: which; records name it.
        kek: version of the key-encryption key that wraps it now.
        home: where that key lives ("file", "keyring", "passphrase", "pkcs11").
        wrapped: the data key's ciphertext.
    """

    version: int
    kek: int
    home: str
    wrapped: bytes = field(repr=False)
    created_at_us: int
    wrapped_at_us: int


@dataclass(frozen=True, slots=True)
class CardRow:
    """One card of the vault.

    Attributes:
        key_version: the data key that seals its number, for as long as the record lives.
    """

    card: StoredCard
    key_version: int
    sealed_number: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A security code that waits for its card's first authorization."""

    card_id: str
    key_version: int
    sealed_code: bytes = field(repr=False)
    kept_at_us: int


@dataclass(frozen=True, slots=True)
class Access:
    """A line of the audit trail: what was done to a card or a key, why and for whom.

    Attributes:
        action: "card.kept", "card.opened", "vault.rotated".
        resource_id: the card, or the key.
        purpose: in one word; never a number.
    """

    at_us: int
    action: str
    resource_id: str
    purpose: str
    facts: dict[str, object] = field(default_factory=dict)


class VaultRows(Protocol[Tx_contra]):
    """Keys, cards, codes, and the audit trail, inside the caller's unit of work."""

    def keys(self, tx: Tx_contra) -> list[KeyRow]:
        """Every data key, the oldest first."""

    def newest_key(self, tx: Tx_contra) -> KeyRow | None:
        """The data key that seals new records."""

    def key(self, tx: Tx_contra, version: int) -> KeyRow | None:
        """One data key."""

    def add_key(self, tx: Tx_contra, row: KeyRow) -> None:
        """Store a new data key."""

    def rewrap_key(self, tx: Tx_contra, row: KeyRow) -> None:
        """Store how a data key is wrapped now."""

    def add_card(self, tx: Tx_contra, row: CardRow) -> None:
        """Store a card."""

    def card(self, tx: Tx_contra, card_id: str) -> CardRow | None:
        """One card."""

    def same_card(self, tx: Tx_contra, like: StoredCard) -> CardRow | None:
        """The merchant's card with this fingerprint and expiry."""

    def put_code(self, tx: Tx_contra, row: CodeRow) -> None:
        """Keep a card's security code until its authorization; replaces an earlier one."""

    def code(self, tx: Tx_contra, card_id: str) -> CodeRow | None:
        """The code that waits."""

    def forget_codes(self, tx: Tx_contra, before_us: int) -> int:
        """Drop codes kept before a time; how many."""

    def first_code_us(self, tx: Tx_contra) -> int | None:
        """When the oldest waiting code was kept."""

    def note(self, tx: Tx_contra, access: Access) -> None:
        """Add a line to the audit trail."""


class KeyWrapper(Protocol):
    """The key-encryption keys, by version, wherever they live."""

    @property
    def home(self) -> str:
        """Where they live."""

    def wrap(self, kek: int, plain: bytes, place: bytes) -> bytes:
        """A key's ciphertext under that version, bound to its place.

        Raises:
            StorageError: the home does not answer.
        """

    def unwrap(self, kek: int, wrapped: bytes, place: bytes) -> bytes:
        """The key again.

        Raises:
            StorageError: the home does not answer, or this is no ciphertext of that version.
        """
