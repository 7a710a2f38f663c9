"""Entries in a chain of hashes: one chain for each of 64 logical shards of merchants.

Each entry's hash covers the one before it, so a changed, removed or inserted entry breaks every
later hash of its shard. SHA-256 over a canonical text; it protects against mistakes and quiet
edits, not against someone who can rewrite a whole shard. Knows no database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from backend.ledger.journal import Posting, Transaction

SHARDS = 64
GENESIS = bytes(32)
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a shard.

    Attributes:
        seq: its number; 0 while the shard is empty.
        hash: its hash.
    """

    seq: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored line of the journal.

    Attributes:
        shard: 0 to 63, by merchant.
        seq: 1, 2, 3 … within the shard.
        previous_hash: hash of entry seq - 1.
        hash: over everything here.
    """

    shard: int
    seq: int
    transaction_id: str
    purpose: str
    payment_id: str
    at_us: int
    posting: Posting
    previous_hash: bytes
    hash: bytes


def shard_of(merchant_id: str) -> int:
    """The logical shard of a merchant; the same in every process and version."""
    return hashlib.sha256(merchant_id.encode()).digest()[0] % SHARDS


def chained(transaction: Transaction, head: Head) -> list[Entry]:
    """The transaction's postings as entries that continue the shard after `head`."""
    shard = shard_of(transaction.merchant_id)
    entries = []
    for posting in transaction.postings:
        seq = head.seq + 1
        digest = entry_hash(
            head.hash, shard, seq, transaction.id, transaction.purpose.value,
            transaction.payment_id, transaction.at_us, posting,
        )  # fmt: skip
        entries.append(
            Entry(
                shard,
                seq,
                transaction.id,
                transaction.purpose.value,
                transaction.payment_id,
                transaction.at_us,
                posting,
                head.hash,
                digest,
            )
        )
        head = Head(seq, digest)
    return entries


def entry_hash(
    previous: bytes,
    shard: int,
    seq: int,
    transaction_id: str,
    purpose: str,
    payment_id: str,
    at_us: int,
    posting: Posting,
) -> bytes:
    """SHA-256 of an entry after `previous`."""
    text = _SEPARATOR.join(
        (
            str(shard),
            str(seq),
            transaction_id,
            purpose,
            payment_id,
            str(at_us),
            posting.account,
            posting.direction.value,
            str(posting.money.amount_minor),
            posting.money.currency,
            posting.sentence,
        )
    )
    return hashlib.sha256(previous + text.encode()).digest()


def first_break(entries: Iterable[Entry]) -> Entry | None:
    """The first entry of one shard (given in order) that does not continue the chain."""
    head = Head()
    for entry in entries:
        expected = entry_hash(
            head.hash, entry.shard, head.seq + 1, entry.transaction_id, entry.purpose,
            entry.payment_id, entry.at_us, entry.posting,
        )  # fmt: skip
        if (entry.seq, entry.previous_hash, entry.hash) != (head.seq + 1, head.hash, expected):
            return entry
        head = Head(entry.seq, entry.hash)
    return None
