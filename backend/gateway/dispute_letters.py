"""What is written to merchants about their disputes, and the warning when there are too many.

A merchant whose disputes pass one payment in a hundred is warned, once in thirty days of lab time:
networks end contracts over this. Letters are written in the unit of work of what they tell of.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from backend.domain.money import format_amount
from backend.gateway.dispute_machine import HELD, DisputeState
from backend.gateway.dispute_ports import DisputeRows
from backend.gateway.dispute_records import ClosedWhy, Dispute
from backend.gateway.merchant_notices import MerchantNotices
from backend.outbox.ports import Outbox
from backend.runtime.clock import to_iso
from backend.runtime.events import Event, EventLog

Tx = TypeVar("Tx")
RATE_WINDOW_US = 30 * 86_400 * 1_000_000
RATE_MOST = 100  # one dispute in so many payments is the most that passes without a warning
RATE_NOTICE = "dispute_rate"
_WHY: Mapping[ClosedWhy | None, str] = MappingProxyType(
    {
        ClosedWhy.DECIDED: "the network was not convinced",
        ClosedWhy.LAPSED: "nothing was handed in by the deadline",
        ClosedWhy.ACCEPTED: "you gave it up",
    }
)


class DisputeLetters(Generic[Tx]):
    """Writes to merchants."""

    def __init__(
        self,
        rows: DisputeRows[Tx],
        notices: MerchantNotices[Tx],
        outbox: Outbox[Tx],
        events: EventLog,
    ) -> None:
        self._rows = rows
        self._notices = notices
        self._outbox = outbox
        self._events = events

    def write(self, tx: Tx, dispute: Dispute) -> None:
        """Tell the merchant where a dispute stands."""
        money = format_amount(dispute.amount_minor, dispute.currency)
        fee = format_amount(dispute.fee_minor, dispute.currency)
        match dispute.state:
            case DisputeState.WON:
                text = f"You have won the dispute over {money}."
            case DisputeState.LOST:
                text = f"You have lost the dispute over {money} ({_WHY[dispute.closed_why]})."
            case _:
                text = (
                    f"A cardholder disputes {money} ({dispute.reason.replace('_', ' ')}). The"
                    f" amount and a fee of {fee} are held. Hand in evidence before"
                    f" {to_iso(dispute.evidence_due_at_us)}."
                )
        word = "opened" if dispute.state in HELD else dispute.state.value
        self._notices.send(tx, dispute.merchant_id, f"dispute_{word}", text, dispute.id)

    def warn(self, tx: Tx, dispute: Dispute) -> tuple[Event, ...]:
        """Say that more than one payment in a hundred is disputed, when it is so; once in a while.

        Returns:
            What was stored, to be published after the commit.
        """
        merchant_id = dispute.merchant_id
        since_us = dispute.created_at_us - RATE_WINDOW_US
        count = self._rows.disputes_since(tx, merchant_id, since_us)
        most = count * RATE_MOST
        captures = self._rows.captures_since(tx, merchant_id, since_us, most)
        if captures >= most or self._rows.was_warned_since(tx, merchant_id, RATE_NOTICE, since_us):
            return ()
        text = (
            f"Disputed payments of the last 30 days: {count} of {captures}, more than one in a"
            " hundred. Networks end contracts over this."
        )
        self._notices.send(tx, merchant_id, RATE_NOTICE, text)
        event = self._events.make(
            "merchant.dispute_rate_high",
            actor="gateway",
            data={
                "merchant_id": merchant_id,
                "object": "account",
                "object_id": merchant_id,
                "disputes": count,
                "payments": captures,
            },
        )
        self._outbox.add_events(tx, (event,))
        return (event,)
