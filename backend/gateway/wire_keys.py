"""An idempotency key of the merchants' wire as a value, and where it lies; knows no SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

Tx_contra = TypeVar("Tx_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class WireKey:
    """A key as stored.

    Attributes:
        request_hash: of method, path and parameters.
        object_id: where a long piece of work is taken up.
        status: of the kept answer; None while in flight.
        body: the kept answer's bytes.
        request_id: of the request that was answered first.
    """

    merchant_id: str
    key: str
    request_hash: bytes
    object_id: str | None
    status: int | None
    body: bytes | None
    request_id: str
    created_at_us: int


class WireKeyRows(Protocol[Tx_contra]):
    """Where keys lie."""

    def find_key(self, tx: Tx_contra, merchant_id: str, key: str) -> WireKey | None:
        """A key as stored."""

    def add_key(self, tx: Tx_contra, key: WireKey) -> None:
        """Insert a key."""

    def answer_key(
        self, tx: Tx_contra, merchant_id: str, key: str, status: int, body: bytes
    ) -> None:
        """Keep the answer of a key that has none."""
