"""What the life of a token needs of a database: who holds it, what it was issued under, its story.

A part of `ports.HostRows`. No SQL, no rule. Numbers appear only as keyed fingerprints and as
ciphertext, as everywhere on the hosts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TokenTermsRow:
    """What a token was issued under: the domain in which it may be used, and how sure anyone is.

    Attributes:
        device_type: "phone" or "watch".
        device_key: the device's public JWK as JSON; keys of this token are sealed for it alone.
        assurance_method: token assurance method, two digits (EMVCo Payment Tokenisation).
        replaces: the token in whose place it came, if any.
        replaced_by: the token that came in its place, if any.
    """

    token_ref: str
    device_type: str
    device_key: str
    assurance_method: str
    replaces: str | None
    replaced_by: str | None


@dataclass(frozen=True, slots=True)
class TokenEventRow:
    """One thing that happened to a token, in the order in which it happened.

    Attributes:
        operation: "suspend", "resume", "delete", "refresh" or "replace-card".
        status: afterwards.
        suspended_by: who holds it afterwards, parted by blanks.
        actor: who asked for it, a `Suspender`'s word.
        last4: of the card behind it afterwards.
    """

    id: int
    network: str
    token_ref: str
    operation: str
    status: str
    suspended_by: str
    actor: str
    reason: str
    last4: str
    at_us: int


class TokenLifeRows(Protocol):
    """Suspensions, terms and stories of tokens."""

    def holders(self, token_ref: str) -> frozenset[str]:
        """Who holds the token suspended."""

    def hold_token(self, token_ref: str, by: str, reason: str, at_us: int) -> None:
        """Somebody suspends it; for the second time nothing changes."""

    def let_go(self, token_ref: str, by: str) -> None:
        """That party holds it no more."""

    def terms(self, token_ref: str) -> TokenTermsRow | None:
        """What it was issued under; None for a token that is older than this record."""

    def put_terms(self, row: TokenTermsRow) -> None:
        """Store terms, or what changed about them."""

    def add_token_event(self, row: TokenEventRow) -> None:
        """Add to the story, which numbers itself."""

    def token_events(self, network: str, after_id: int, limit: int) -> list[TokenEventRow]:
        """What happened to a network's tokens after that, the oldest first."""

    def story(self, token_ref: str) -> list[TokenEventRow]:
        """Everything that happened to one token, the oldest first."""

    def renumber_account(
        self, account_id: str, number_fingerprint: bytes, sealed_number: bytes, last4: str
    ) -> None:
        """The account has another card number from now on."""

    def retire_number(self, network: str, number_fingerprint: bytes, at_us: int) -> None:
        """A card number that was replaced: nothing is issued for it any more."""

    def is_retired(self, network: str, number_fingerprint: bytes) -> bool:
        """Whether this card number was replaced."""
