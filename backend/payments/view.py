"""Payments as people and programs look at them: the list, and the whole life of one.

Shapes data for `GET /lab/payments` and for a card's history; changes nothing and knows no SQL.
What the bank believes is told from the payment's state, what phone and till believe from what they
reported themselves.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import orjson

from backend.domain.identifiers import first_identifier_at
from backend.payments.machine import State
from backend.runtime.errors import NotFound
from backend.runtime.events import Event
from backend.runtime.store import Store

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
Row = Mapping[str, str | int | None]

LIMIT_MAX = 500
_COPIED = (
    "id", "tap_id", "created_at_us", "network", "last4", "token_ref", "card_id", "amount_minor",
    "currency", "state", "response_code", "auth_code", "reason", "steered", "merchant_id",
    "merchant_name", "terminal_id", "atc", "phone", "till", "captured_minor", "refunded_minor",
    "transaction_type",
)  # fmt: skip


_BELIEFS = {
    State.APPROVED: "held",
    State.CAPTURED: "booked",
    State.NOT_SENT: "none",
    State.REVERSED: "released",
}


class ViewRows(Protocol[Tx_contra]):
    """Reading for the view; every row has the columns of its table by name."""

    def recent(self, tx: Tx_contra, limit: int, before_id: str) -> list[Row]:
        """Payments with their beliefs, newest first, identifiers below `before_id`."""

    def of_token(self, tx: Tx_contra, token_ref: str, limit: int, before_us: int) -> list[Row]:
        """Payments of one token with their beliefs, newest first, before a time."""

    def one(self, tx: Tx_contra, payment_id: str) -> Row | None:
        """One payment with its beliefs."""

    def events(self, tx: Tx_contra, payment_id: str, tap_id: str | None) -> list[Row]:
        """What happened to a payment and its tap, in order of lab time."""

    def entries(self, tx: Tx_contra, payment_id: str) -> list[Row]:
        """Its ledger entries."""

    def follow_ups(self, tx: Tx_contra, payment_id: str) -> list[Row]:
        """What was and will be asked about it."""


class PaymentView(Generic[Tx]):
    """Read-only pictures of payments, ready for JSON."""

    def __init__(self, store: Store[Tx], rows: ViewRows[Tx], *, world: str = "live") -> None:
        self._store = store
        self._rows = rows
        self._world = world

    def recent(self, limit: int, before_us: int | None = None) -> list[dict[str, object]]:
        """The newest payments, newest first.

        Args:
            limit: at most this many, 500 at most.
            before_us: only payments created before this lab time.
        """
        before_id = "pay_g" if before_us is None else first_identifier_at("pay", before_us)
        rows = self._store.read(lambda tx: self._rows.recent(tx, _capped(limit), before_id))
        return [_summary(row) for row in rows]

    def of_tokens(
        self, token_refs: Sequence[str], limit: int, before_us: int | None = None
    ) -> list[dict[str, object]]:
        """The newest payments of some tokens, newest first: a person's history."""
        end_us = 1 << 62 if before_us is None else before_us
        pages = self._store.read(
            lambda tx: [self._rows.of_token(tx, ref, _capped(limit), end_us) for ref in token_refs]
        )
        merged = heapq.merge(*pages, key=lambda row: str(row["id"]), reverse=True)
        return [_summary(row) for row, _ in zip(merged, range(_capped(limit)), strict=False)]

    def detail(self, payment_id: str) -> dict[str, object]:
        """The life of one payment.

        Raises:
            NotFound: `payment_not_found`.
        """
        return self._store.read(lambda tx: self._detail(tx, payment_id))

    def _detail(self, tx: Tx, payment_id: str) -> dict[str, object]:
        row = self._rows.one(tx, payment_id)
        if row is None:
            raise NotFound("payment_not_found", "no such payment")
        tap_id = row["tap_id"]
        rows = self._rows.events(tx, payment_id, None if tap_id is None else str(tap_id))
        events = [_event(each, self._world) for each in rows]
        return {
            **_summary(row),
            "events": [event.to_json() for event in events],
            "hops": _hops(events),
            "entries": [_entry(each) for each in self._rows.entries(tx, payment_id)],
            "follow_ups": [
                {
                    name: each[name]
                    for name in ("kind", "due_at_us", "tries", "done_at_us", "result")
                }
                for each in self._rows.follow_ups(tx, payment_id)
            ],
        }


def bank_belief(state: State, *, asked: bool, hold_open: bool) -> str:
    """What the bank believes: none, held, booked, declined, released or unknown.

    Args:
        state: of the payment.
        asked: whether the bank was ever asked (an answer, or a hold, exists).
        hold_open: whether its promise stands in the ledger.
    """
    if state is State.DECLINED:
        return "declined" if asked else "none"
    if state is State.REVERSING and hold_open:
        return "held"
    return _BELIEFS.get(state, "unknown")


def _capped(limit: int) -> int:
    return max(1, min(limit, LIMIT_MAX))


def _summary(row: Row) -> dict[str, object]:
    return {
        **{name: row[name] for name in _COPIED},
        "bank": bank_belief(
            State(row["state"]),
            asked=row["response_code"] is not None,
            hold_open=bool(row["hold_open"]),
        ),
        "latency_us": {
            "engine": row["engine_us"],
            "network": row["network_us"],
            "issuer": row["issuer_us"],
            "database": row["database_us"],
        },
        "synthetic": bool(row["synthetic"]),
    }


def _event(row: Row, world: str) -> Event:
    return Event(
        seq=int(row["seq"] or 0),
        source=str(row["source"]),
        lab_time_us=int(row["lab_time_us"] or 0),
        real_time_us=int(row["real_time_us"] or 0),
        actor=str(row["actor"]),
        kind=str(row["kind"]),
        payment_id=_text(row["payment_id"]),
        tap_id=_text(row["tap_id"]),
        cause_id=_text(row["cause_id"]),
        world=world,
        data=orjson.loads(str(row["data"])),
    )


def _hops(events: Sequence[Event]) -> object:
    """The hops of the last attempt."""
    told = [event.data["hops"] for event in events if "hops" in event.data]
    return told[-1] if told else []


def _entry(row: Row) -> dict[str, object]:
    return {
        "id": f"{row['shard']}-{row['seq']}",
        **{
            name: row[name]
            for name in ("account", "direction", "amount_minor", "currency", "sentence", "at_us")
        },
    }


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)
