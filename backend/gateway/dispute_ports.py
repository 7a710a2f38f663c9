"""What disputes ask of the world outside: their rows, and the networks' desks."""

from __future__ import annotations

from typing import Protocol, TypeVar

from backend.gateway.dispute_records import Dispute
from backend.gateway.pages import Page
from backend.networks.dispute_terms import Case, Submission, Verdict
from backend.switch.answers import NetworkReference

Tx_contra = TypeVar("Tx_contra", contravariant=True)


class DisputeRows(Protocol[Tx_contra]):
    """Disputes, and what their opening depends on."""

    def add_dispute(self, tx: Tx_contra, dispute: Dispute) -> None:
        """Insert a dispute."""

    def update_dispute(self, tx: Tx_contra, dispute: Dispute, *, was_version: int) -> bool:
        """Store what changed; False when somebody else changed it meanwhile."""

    def find_dispute(self, tx: Tx_contra, dispute_id: str) -> Dispute | None:
        """One dispute."""

    def dispute_of_payment(self, tx: Tx_contra, payment_id: str) -> Dispute | None:
        """The dispute over a payment, whatever became of it."""

    def disputes(
        self, tx: Tx_contra, merchant_id: str | None, page: Page, payment_id: str | None = None
    ) -> list[Dispute]:
        """At most `page.rows`, newest first; oldest first where `page.is_backwards`."""

    def due_disputes(self, tx: Tx_contra, at_us: int, limit: int) -> list[Dispute]:
        """Disputes with something to be done at or before `at_us`."""

    def next_dispute_us(self, tx: Tx_contra, after_us: int) -> int | None:
        """When the first one after `after_us` is due."""

    def postpone_dispute(
        self, tx: Tx_contra, dispute_id: str, was_version: int, due_at_us: int, tries: int
    ) -> None:
        """Look at it again later."""

    def announced_reason(self, tx: Tx_contra, payment_id: str) -> str | None:
        """The reason for which the network said, approving, that this will be disputed."""

    def shift_liability(self, tx: Tx_contra, payment_id: str, at_us: int) -> None:
        """The issuer bears fraud disputes over this payment: its cardholder was authenticated."""

    def is_liability_shifted(self, tx: Tx_contra, payment_id: str) -> bool:
        """Whether it does."""

    def disputes_since(self, tx: Tx_contra, merchant_id: str, since_us: int) -> int:
        """How many disputes a merchant has had."""

    def captures_since(self, tx: Tx_contra, merchant_id: str, since_us: int, most: int) -> int:
        """How many captured payments a merchant has had; counts no further than `most`."""

    def was_warned_since(self, tx: Tx_contra, merchant_id: str, kind: str, since_us: int) -> bool:
        """Whether a notice of that kind was written to a merchant."""


class DisputeNetwork(Protocol):
    """The way to the networks' desks (see `backend.switch.dispute_client`)."""

    async def raise_case(
        self,
        network: str,
        reference: NetworkReference,
        *,
        amount_minor: int,
        currency: str,
        reason: str,
    ) -> Case:
        """Have a cardholder's bank dispute a sale."""

    async def judge(self, network: str, case_id: str, submission: Submission) -> Verdict:
        """What the network says now of the evidence."""
