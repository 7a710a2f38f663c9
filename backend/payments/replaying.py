"""What a known idempotency key answers. Values and pure functions; knows no store."""

from __future__ import annotations

from backend.payments.idempotency import KeyInFlight, KeyMismatch, Reply
from backend.payments.records import KeyRecord, KeyState


def replay_of(known: KeyRecord, request_hash: bytes) -> Reply | None:
    """What a known key answers; None where nothing left this process and it may be tried again."""
    if known.request_hash != request_hash:
        raise KeyMismatch
    match known.state:
        case KeyState.IN_FLIGHT:
            raise KeyInFlight
        case KeyState.PENDING | KeyState.FINAL:
            return reply_of(known)
        case KeyState.RELEASED:
            return None


def reply_of(known: KeyRecord) -> Reply:
    """The answer that a key has, as a replay."""
    assert known.status is not None, "an answered key has its answer"
    assert known.body is not None, "an answered key has its answer"
    return Reply(known.status, known.body, replayed=True)
