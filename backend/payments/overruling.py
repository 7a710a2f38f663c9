"""A suspension that overtakes a payment: approved by the network, and still not approved here.

A card that was suspended or removed between a payment's intent and its result does not pay: the
till hears a final no, and what the network holds is reversed. The look at the card and the result
are one unit of work, so no approval is stored after the suspension was. Knows no SQL and no
network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Generic, TypeVar

from backend.payments.changes import Change, Changes
from backend.payments.follow_up import FollowUps
from backend.payments.machine import Happening
from backend.payments.ports import TokenDirectory
from backend.payments.records import Channel, Payment
from backend.switch.answers import Answered

Tx = TypeVar("Tx")
TOKEN_NOT_ACTIVE = "token_not_active"  # noqa: S105 - a reason, not a secret


class Overruling(Generic[Tx]):
    """Says no in the network's place."""

    def __init__(
        self, tokens: TokenDirectory[Tx], changes: Changes[Tx], follow_ups: FollowUps[Tx]
    ) -> None:
        self._tokens = tokens
        self._changes = changes
        self._follow_ups = follow_ups

    def applies(self, tx: Tx, payment: Payment, answer: Answered) -> bool:
        """Whether the network approved what may not pay any more.

        A card of the vault is no device's: nobody suspends it here.
        """
        if payment.channel is Channel.WEB:
            return False
        assert payment.card_id is not None, "only known tokens are sent"
        return answer.approved and not self._tokens.may_pay(tx, payment.card_id)

    def carry_out(self, tx: Tx, payment: Payment, answer: Answered, cause_id: str) -> Change | None:
        """Decline for good, and begin to undo; None when the payment was settled meanwhile."""
        refused = replace(payment, reason=TOKEN_NOT_ACTIVE, response_code=None, auth_code=None)
        declined = self._changes.apply(tx, refused, Happening.DECLINED, "engine", cause_id=cause_id)
        if declined is None:
            return None
        undone = self._follow_ups.take_late(payment.id, answer, tx, TOKEN_NOT_ACTIVE)
        assert undone is not None, "an approval can always be undone"
        return Change(undone.payment, declined.body, declined.events + undone.events)
