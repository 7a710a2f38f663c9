"""What the gateway asks of the world outside, besides the ports of `backend.payments`."""

from __future__ import annotations

from typing import Protocol, TypeVar

from backend.gateway.records import Advice, Refund
from backend.switch.answers import Advised, AdvisedMoney, NetworkReference, NotSent, Unknown

Tx_contra = TypeVar("Tx_contra", contravariant=True)


class GatewayRows(Protocol[Tx_contra]):
    """Refunds and advices."""

    def add_refund(self, tx: Tx_contra, refund: Refund) -> None:
        """Insert a refund."""

    def end_refund(self, tx: Tx_contra, refund: Refund) -> None:
        """Store how a refund ended."""

    def find_refund(self, tx: Tx_contra, refund_id: str) -> Refund | None:
        """One refund."""

    def refunds_of(self, tx: Tx_contra, payment_id: str) -> list[Refund]:
        """A payment's refunds, oldest first."""

    def approved_payments(self, tx: Tx_contra, merchant_id: str, limit: int) -> list[str]:
        """Payments of a merchant that wait for their capture, oldest first."""

    def add_advice(self, tx: Tx_contra, advice: Advice) -> None:
        """Have a network told."""

    def due_advices(self, tx: Tx_contra, at_us: int, limit: int) -> list[Advice]:
        """Open advices due at or before `at_us` that no earlier one of their payment holds up."""

    def next_advice_us(self, tx: Tx_contra, after_us: int) -> int | None:
        """When the first open advice after `after_us` is due."""

    def postpone_advice(self, tx: Tx_contra, advice_id: int, due_at_us: int, tries: int) -> None:
        """Tell it again later."""

    def close_advice(self, tx: Tx_contra, advice_id: int, response_code: str, at_us: int) -> bool:
        """The network took note; False when that was known already."""


class Adviser(Protocol):
    """The way to the networks (see `backend.switch.switch`)."""

    async def advise(
        self,
        network: str,
        original: NetworkReference,
        advised: AdvisedMoney,
        own: NetworkReference,
        *,
        payment_id: str,
        tap_id: str | None = None,
    ) -> Advised | NotSent | Unknown:
        """Tell about a completion or a refund; idempotent at the host."""
