"""What the gateway writes to its merchants: in the field an e-mail, here a mailbox to read.

A notice is written in the unit of work of what it tells of, so none is lost and none is sent for
what did not happen. Knows no SQL and no HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from backend.runtime.clock import Clock
from backend.runtime.store import Store

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
PAGE_MAX = 100


@dataclass(frozen=True, slots=True)
class MerchantNotice:
    """One letter.

    Attributes:
        id: in the order in which they were sent; 0 before it is stored.
        kind: one word for a program: "dispute_opened", "webhook_failed" …
        text: one or two sentences for a person.
        object_id: what it is about.
    """

    id: int
    merchant_id: str
    kind: str
    text: str
    object_id: str | None
    sent_at_us: int


class NoticeRows(Protocol[Tx_contra]):
    """The mailbox's rows."""

    def add_notice(self, tx: Tx_contra, notice: MerchantNotice) -> None:
        """Put a letter in."""

    def notices(
        self, tx: Tx_contra, merchant_id: str | None, after_id: int, limit: int
    ) -> list[MerchantNotice]:
        """Letters after that one, oldest first; everybody's where no merchant is named."""


class MerchantNotices(Generic[Tx]):
    """Writes to merchants, and shows what was written."""

    def __init__(self, store: Store[Tx], rows: NoticeRows[Tx], clock: Clock) -> None:
        self._store = store
        self._rows = rows
        self._clock = clock

    def send(
        self, tx: Tx, merchant_id: str, kind: str, text: str, object_id: str | None = None
    ) -> None:
        """Write to a merchant, in the caller's unit of work."""
        now_us = self._clock.now_us()
        self._rows.add_notice(tx, MerchantNotice(0, merchant_id, kind, text, object_id, now_us))

    def after(
        self, notice_id: int = 0, merchant_id: str | None = None, limit: int = PAGE_MAX
    ) -> list[MerchantNotice]:
        """Letters after that one, oldest first; everybody's where no merchant is named."""
        return self._store.read(
            lambda tx: self._rows.notices(tx, merchant_id, notice_id, min(limit, PAGE_MAX))
        )
