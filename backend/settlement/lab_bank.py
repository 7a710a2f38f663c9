"""The laboratory's bank: another company with a book of its own, which may return what it is given.

An account's ending decides, as with sandboxes: 1116 does not exist, 1113 is closed, 2227 cannot be
paid, 4440 has another currency; every other one is paid. A reference is taken once, however often
it is sent. Knows nothing of payouts, merchants or the ledger.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from backend.runtime.store import Store
from backend.settlement.ports import BankRows, StatementLine, Transfer

Tx = TypeVar("Tx")
REFUSED_ENDINGS = {
    "1116": "no_account",
    "1113": "account_closed",
    "2227": "could_not_process",
    "4440": "invalid_currency",
}


class LabBank(Generic[Tx]):
    """Books transfers."""

    def __init__(self, store: Store[Tx], rows: BankRows[Tx]) -> None:
        self._store = store
        self._rows = rows

    async def send(self, transfer: Transfer) -> None:
        """Hand a transfer over; a repeat of a reference changes nothing.

        Raises:
            StorageError: the bank cannot write its book.
        """
        failure = REFUSED_ENDINGS.get(transfer.last4)
        await self._store.write(lambda tx: self._rows.add_transfer(tx, transfer, failure))

    def refusal(self, reference: str) -> str | None:
        """Why a transfer was returned; None when it was paid."""
        return self._store.read(lambda tx: self._rows.failure_of(tx, reference))

    def statement(self, from_us: int, to_us: int) -> list[StatementLine]:
        """What was booked on our account in a span: payouts, and those that were returned."""
        lines = []
        for transfer, failure in self._store.read(lambda tx: self._rows.booked(tx, from_us, to_us)):
            line = StatementLine(
                transfer.reference,
                "payout",
                -transfer.amount_minor,
                transfer.currency,
                transfer.arrives_at_us,
            )
            lines.append(line)
            if failure is not None:
                lines.append(
                    StatementLine(
                        line.reference, "return", -line.signed_minor, line.currency,
                        line.booked_at_us,
                    )
                )  # fmt: skip
        return lines
