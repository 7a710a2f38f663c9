"""What the network hosts need of a database, as rows and questions; no SQL and no engine named.

A unit of work is a plain function of `HostRows`: it runs as a whole or not at all, and it cannot
wait for anything. Storage implements this port. References are (RRN, STAN, transmission time).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from backend.networks.access_log import AccessRows
from backend.networks.counters import CounterWindow
from backend.networks.life_ports import TokenLifeRows

T = TypeVar("T")
Reference = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One card account at its issuer.

    Attributes:
        number_fingerprint: keyed hash by which the card number is found.
        sealed_number: the card number, encrypted.
        account_reference: PAR, 29 characters.
    """

    account_id: str
    network: str
    number_fingerprint: bytes = field(repr=False)
    sealed_number: bytes = field(repr=False)
    last4: str
    account_reference: str
    card_type: str
    product: str
    created_at_us: int


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One device account number and what it stands for.

    Attributes:
        token_fingerprint: keyed hash by which the token is found.
        sealed_token: the token, encrypted.
        expiry: YYMM.
        status: "inactive" (to be verified), "active", "suspended" or "deactivated".
        atc_seen: the highest transaction counter that came with a valid cryptogram.
    """

    token_ref: str
    network: str
    account_id: str
    device_id: str
    wallet_id: str
    session_id: str
    token_fingerprint: bytes = field(repr=False)
    sealed_token: bytes = field(repr=False)
    token_last4: str
    expiry: str
    status: str
    atc_seen: int
    created_at_us: int


@dataclass(frozen=True, slots=True)
class AuthorizationRow:
    """What was answered to one 0100, so that a repeat hears the same.

    A row without `response_code` is the trace of a reversal that came before its original.
    """

    network: str
    reference: Reference
    token_ref: str | None
    amount_minor: int
    currency: str
    response_code: str | None
    auth_code: str | None
    reason: str
    steered: str | None
    cryptogram_valid: int | None
    issuer_us: int
    at_us: int
    reversed_at_us: int | None


@dataclass(frozen=True, slots=True)
class PresentmentRow:
    """Money that was booked because an acquirer advised it.

    Attributes:
        kind: "completion" or "refund".
        original: reference of the authorization.
        stan: the advice's own trace number; the authorization's for a completion.
        sent: the advice's own time (DE 7); the authorization's for a completion.
    """

    network: str
    kind: str
    original: Reference
    stan: str
    sent: str
    amount_minor: int
    currency: str
    at_us: int


@dataclass(frozen=True, slots=True)
class VerificationRow:
    """A token's cardholder is to be verified.

    Attributes:
        device_key: the device's public JWK, for which keys are sealed in the end.
        methods: offered ones, parted by blanks.
        stage: a `step_up.Stage`'s word.
        ended_at_us: when it passed or failed.
    """

    token_ref: str
    account_id: str
    device_key: str
    methods: str
    stage: str
    started_at_us: int
    ended_at_us: int | None


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One method of a verification, and the code that was sent last.

    Attributes:
        code_fingerprint: keyed hash of the code, bound to token and method.
        last_request: the wallet's name for the step that changed this row last.
        last_outcome: what that step heard, so that a repeat hears it again.
    """

    token_ref: str
    method: str
    code_fingerprint: bytes = field(repr=False)
    sends: int
    sent_at_us: int
    expires_at_us: int
    wrong_tries: int
    last_request: str
    last_outcome: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """What a bank sent to a cardholder; the code as ciphertext."""

    id: int
    network: str
    wallet_id: str
    device_id: str
    token_ref: str
    method: str
    destination: str
    last4: str
    sealed_code: bytes = field(repr=False)
    sent_at_us: int
    expires_at_us: int


class VerificationRows(Protocol):
    """Verifications, their codes, and the mailbox."""

    def verification(self, token_ref: str) -> VerificationRow | None:
        """The token's verification, if it needs or needed one."""

    def put_verification(self, row: VerificationRow) -> None:
        """Store a verification, or where it stands now."""

    def failed_since(self, account_id: str, since_us: int) -> bool:
        """Whether a verification of this account failed at that time or later."""

    def code(self, token_ref: str, method: str) -> CodeRow | None:
        """What was done with a method so far; None when nothing was."""

    def put_code(self, row: CodeRow) -> None:
        """Store what was done with a method."""

    def add_notice(self, row: NoticeRow) -> None:
        """Put a notice into the mailbox, which numbers it itself."""

    def notices(self, after_id: int, limit: int) -> list[NoticeRow]:
        """Notices after that one, the oldest first."""


class HostRows(VerificationRows, TokenLifeRows, AccessRows, Protocol):
    """Rows of one unit of work."""

    def secret(self, network: str, name: str) -> bytes | None:
        """A sealed key of the network."""

    def put_secret(self, network: str, name: str, sealed: bytes) -> None:
        """Keep a sealed key."""

    def account_of_number(self, network: str, fingerprint: bytes) -> AccountRow | None:
        """The account behind a card number."""

    def account(self, account_id: str) -> AccountRow | None:
        """An account by its identifier."""

    def add_account(self, account: AccountRow) -> None:
        """Open an account."""

    def token_of_number(self, network: str, fingerprint: bytes) -> TokenRow | None:
        """The token row behind a device account number."""

    def token_of_device(self, account_id: str, device_id: str) -> TokenRow | None:
        """The token of this account in this device that is not deactivated."""

    def token(self, token_ref: str) -> TokenRow | None:
        """A token by its reference."""

    def add_token(self, token: TokenRow) -> None:
        """Issue a token."""

    def set_token_status(self, token_ref: str, status: str) -> None:
        """Change a token's status."""

    def take_atc(self, token_ref: str, atc: int) -> bool:
        """Remember a transaction counter; False when the token is not active or saw a higher."""

    def counter_window(self, token_ref: str) -> CounterWindow | None:
        """The counters that a token has used; None before the first."""

    def put_counter_window(self, token_ref: str, window: CounterWindow) -> None:
        """Keep the counters that a token has used."""

    def authorization(self, network: str, reference: Reference) -> AuthorizationRow | None:
        """What was answered to the authorization with this reference."""

    def add_authorization(self, row: AuthorizationRow) -> None:
        """Keep an answer."""

    def mark_reversed(self, network: str, reference: Reference, at_us: int) -> None:
        """Remember that the authorization was reversed."""

    def held_minor(self, account_id: str, currency: str) -> int:
        """Sum of the account's open holds, minor units."""

    def add_hold(
        self, network: str, reference: Reference, account_id: str, amount_minor: int, currency: str
    ) -> None:
        """Hold money for an authorization (one hold a reference)."""

    def release_hold(self, network: str, reference: Reference) -> bool:
        """Give the held money back; whether there was an open hold."""

    def posted_minor(self, account_id: str, currency: str) -> int:
        """What the account owes: booked completions less refunds, minor units."""

    def presentment(self, row: PresentmentRow) -> PresentmentRow | None:
        """What was booked for the advice with this row's kind and own reference."""

    def presentments(self, network: str, original: Reference) -> list[PresentmentRow]:
        """Everything that was booked for an authorization."""

    def book(self, row: PresentmentRow, account_id: str) -> None:
        """Book a completion (adds to what the account owes) or a refund (takes from it)."""

    def account_of_hold(self, network: str, reference: Reference) -> str | None:
        """The account that an authorization held money of."""

    def next_approval(self, network: str) -> int:
        """Count one more approval of the network; 1 for the first ever."""

    def open_holds(self, network: str) -> list[tuple[Reference, int, str]]:
        """Every open hold of a network: reference, minor units, currency."""


class HostStore(Protocol):
    """Where the hosts' rows live."""

    async def write(self, work: Callable[[HostRows], T]) -> T:
        """Run a unit of work; durable against a killed process when this returns."""

    def read(self, work: Callable[[HostRows], T]) -> T:
        """Run a short read on the last committed state."""
