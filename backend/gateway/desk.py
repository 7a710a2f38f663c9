"""The merchant's desk: take the money of an approval, let it go, or give it back.

Theory of operation. Each order is one unit of work: its key is claimed, the payment is judged and
moved, the ledger books it, what the network has to hear is stored, and the answer's bytes are kept
under the key. Nothing leaves the process before; `advices` tells the networks afterwards, for as
long as it takes, and a void is told by the reversals of `payments.follow_up`. So a killed engine
has either done all of an order or nothing, and a repeated order hears the same bytes.

A refund of what was not captured is a void: no money moved. Refunds never exceed the capture, a
payment is captured once, a capture never exceeds the approval. Another merchant's payment does not
exist. Knows no SQL, no HTTP and no message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

import orjson

from backend.domain.identifiers import ordered_identifier
from backend.domain.money import Money, check_amount, format_amount
from backend.gateway.desk_answers import STATUS_OK, not_approved, refund_json, reply_of
from backend.gateway.ports import GatewayRows
from backend.gateway.pricing import Pricing
from backend.gateway.records import Advice, AdviceKind, Refund, RefundState
from backend.ledger import journal
from backend.ledger.journal import Promise
from backend.payments.changes import Change, Changes, Post
from backend.payments.follow_up import FollowUps
from backend.payments.idempotency import KeyInFlight, KeyMismatch, Reply, check_key
from backend.payments.machine import Happening, State
from backend.payments.ports import PaymentRows
from backend.payments.records import FollowUpKind, KeyState, Payment
from backend.payments.references import ReferenceNumbers
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.errors import BadRequest, Conflict, NotFound
from backend.runtime.events import Event, EventLog
from backend.runtime.store import Store
from backend.switch.answers import NetworkReference

Tx = TypeVar("Tx")
REASON_LENGTH_MAX = 255
BATCH_MAX = 10_000
ACTOR = "merchant"
VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Order:
    """What a merchant wants done with one payment.

    Attributes:
        merchant_id: who asks; the account of the key.
        payment_id: which payment.
        amount_minor: None for all of it.
        reason: for a refund, the merchant's words.
    """

    merchant_id: str
    payment_id: str
    amount_minor: int | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        """Judge the fields that can be judged alone.

        Raises:
            BadRequest: `amount_…` or `reason_too_long`.
        """
        if self.amount_minor is not None:
            check_amount(self.amount_minor)
        if self.reason is not None and len(self.reason) > REASON_LENGTH_MAX:
            raise BadRequest(
                "reason_too_long", f"a reason has at most {REASON_LENGTH_MAX} characters",
                field="reason",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeskPorts(Generic[Tx]):
    """Everything that the desk takes from outside.

    Attributes:
        identifiers: stream for the random part of refund identifiers.
        pricing: what a capture costs, and in which currency it is settled.
        forbids_refund: whether a dispute over a payment runs or was lost.
        wake: called after a commit that left something to be told.
    """

    store: Store[Tx]
    payments: PaymentRows[Tx]
    rows: GatewayRows[Tx]
    changes: Changes[Tx]
    follow_ups: FollowUps[Tx]
    references: ReferenceNumbers[Tx]
    events: EventLog
    clock: Clock
    identifiers: Stream
    pricing: Pricing[Tx]
    forbids_refund: Callable[[Tx, str], bool]
    wake: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Carried:
    """What an order did in its unit of work; hand it to `Desk.publish` after the commit."""

    reply: Reply
    change: Change | None = None
    events: tuple[Event, ...] = ()
    refund: Refund | None = None

    @property
    def payment(self) -> Payment:
        """The payment as it is now."""
        assert self.change is not None, "an order that was carried out changed its payment"
        return self.change.payment


class Desk(Generic[Tx]):
    """Carries out the merchant's orders after the sale."""

    def __init__(self, ports: DeskPorts[Tx]) -> None:
        self._ports = ports

    async def capture(self, order: Order, key: str, request_hash: bytes) -> Reply:
        """Take an approval's money, or a part of it; the rest is released.

        Raises:
            BadRequest: `payment_not_found`, `not_approved`, `already_captured`,
                `capture_exceeds_authorization`; `KeyMismatch` for a used key.
            KeyInFlight: a tap is being paid with this key.
            StorageError: the database refused; nothing was done.
        """
        own = await self.reference(order)
        return await self._carry_out(order, key, request_hash, partial(self.capture_in, own))

    async def void(self, order: Order, key: str, request_hash: bytes) -> Reply:
        """Let an approval go before its capture; the network hears it until it agrees.

        Raises:
            BadRequest: `payment_not_found`, `not_approved`, `already_captured`; `KeyMismatch`.
            KeyInFlight: a tap is being paid with this key.
            StorageError: the database refused; nothing was done.
        """
        return await self._carry_out(order, key, request_hash, self.void_in)

    async def refund(self, order: Order, key: str, request_hash: bytes) -> Reply:
        """Give captured money back, all or a part; what was not captured is voided instead.

        Raises:
            BadRequest: `payment_not_found`, `not_approved`, `partial_void`,
                `refund_exceeds_capture`, `charge_disputed`; `KeyMismatch` for a used key.
            KeyInFlight: a tap is being paid with this key.
            StorageError: the database refused; nothing was done.
        """
        own = await self.reference(order)
        return await self._carry_out(order, key, request_hash, partial(self.refund_in, own))

    async def capture_all(self, merchant_id: str) -> dict[str, object]:
        """Capture every approval of a merchant that waits: the end of a till's day.

        Each is a unit of its own, so that a large day stops nobody, and a killed engine goes on
        with what is left when it is asked again.

        Raises:
            StorageError: the database refused; what was captured stays captured.
        """
        waiting = self._ports.store.read(
            lambda tx: self._ports.rows.approved_payments(tx, merchant_id, BATCH_MAX)
        )
        totals: dict[str, int] = {}
        count = 0
        for payment_id in waiting:
            order = Order(merchant_id, payment_id)
            own = await self.reference(order)
            try:
                done = await self._ports.store.write(partial(self.capture_in, own, order))
            except Conflict:  # somebody captured or voided it meanwhile
                continue
            self.publish(done)
            assert done.change is not None, "a capture changes its payment"
            payment = done.change.payment
            totals[payment.currency] = totals.get(payment.currency, 0) + payment.captured_minor
            count += 1
        return {"captured": count, "totals": totals}

    def refunds(self, merchant_id: str, payment_id: str) -> list[dict[str, object]]:
        """A payment's refunds, oldest first.

        Raises:
            NotFound: `payment_not_found`.
        """

        def read(tx: Tx) -> list[dict[str, object]]:
            payment = self._payment(tx, Order(merchant_id, payment_id))
            found = self._ports.rows.refunds_of(tx, payment_id)
            return [refund_json(refund, payment) for refund in found]

        return self._ports.store.read(read)

    async def reference(self, order: Order | None = None) -> NetworkReference:
        """A network reference of its own for a capture or a refund, to be taken before its unit.

        Exchange rates are fresh then, unless the order's payment is settled in what was paid.

        Raises:
            StorageError: the database refused.
        """
        if order is None or self._ports.store.read(partial(self._converts, order)):
            await self._ports.pricing.prepare()
        return await self._ports.references.take(self._ports.clock.now_us())

    def _converts(self, order: Order, tx: Tx) -> bool:
        payment = self._ports.payments.find_payment(tx, order.payment_id)
        return payment is not None and self._ports.pricing.converts(tx, payment)

    async def _carry_out(
        self, order: Order, key: str, request_hash: bytes, work: Callable[[Order, Tx], Carried]
    ) -> Reply:
        check_key(key)

        def unit(tx: Tx) -> Carried:
            rows, now_us = self._ports.payments, self._ports.clock.now_us()
            account = order.merchant_id
            if not rows.claim_key(
                tx, account=account, key=key, request_hash=request_hash,
                payment_id=order.payment_id, at_us=now_us,
            ):  # fmt: skip
                return self._again(tx, account, key, request_hash)
            done = work(order, tx)
            rows.set_key(
                tx, account=account, key=key, state=KeyState.FINAL, status=done.reply.status,
                body=done.reply.body, at_us=now_us,
            )  # fmt: skip
            return done

        done = await self._ports.store.write(unit)
        self.publish(done)
        return done.reply

    def _again(self, tx: Tx, account: str, key: str, request_hash: bytes) -> Carried:
        known = self._ports.payments.find_key(tx, account, key)
        assert known is not None, "the key was there a moment ago in the same unit of work"
        if known.request_hash != request_hash:
            raise KeyMismatch
        if known.state is not KeyState.FINAL or known.status is None or known.body is None:
            raise KeyInFlight
        return Carried(Reply(known.status, known.body, replayed=True))

    def publish(self, done: Carried) -> None:
        """Tell everyone, after the commit."""
        self._ports.follow_ups.publish(done.change)
        for event in done.events:
            self._ports.events.publish(event)
        if done.change is not None:
            self._ports.wake()

    # Each order in its caller's unit of work; raises what `capture`, `void` and `refund` say.

    def capture_in(self, own: NetworkReference, order: Order, tx: Tx) -> Carried:
        """Take an approval's money, under a reference of its own."""
        payment = self._approved(tx, order)
        amount_minor = payment.amount_minor if order.amount_minor is None else order.amount_minor
        if amount_minor > payment.amount_minor:
            raise Conflict(
                "capture_exceeds_authorization",
                f"approved are {format_amount(payment.amount_minor, payment.currency)}",
                field="amount",
            )
        taken = _promised(payment, amount_minor)
        fee_minor, post = self._ports.pricing.capture(tx, payment, taken)
        posts: list[Post] = [post]
        if rest_minor := payment.amount_minor - amount_minor:
            rest = _promised(payment, rest_minor)
            posts.append(lambda at_us, version: journal.release(rest, at_us, version=version))
        captured = replace(payment, captured_minor=amount_minor, fee_minor=fee_minor)
        change = self._move(tx, captured, Happening.CAPTURED, posts)
        self._tell(tx, payment, AdviceKind.COMPLETION, None, amount_minor, own)
        return Carried(reply_of(change.payment, "captured"), change)

    def void_in(self, order: Order, tx: Tx, reason: str = VOIDED) -> Carried:
        """Let an approval go; `reason` says who wanted it."""
        payment = self._approved(tx, order)
        now_us = self._ports.clock.now_us()
        voided = replace(payment, voided_at_us=now_us, reason=reason)
        change = self._move(tx, voided, Happening.VOIDED)
        self._ports.payments.add_follow_up(tx, payment.id, FollowUpKind.REVERSAL, now_us)
        return Carried(reply_of(change.payment, "voided"), change)

    def refund_in(self, own: NetworkReference, order: Order, tx: Tx) -> Carried:
        """Give money back, under a reference of its own."""
        payment = self._payment(tx, order)
        if payment.state is State.APPROVED:
            if order.amount_minor not in (None, payment.amount_minor):
                raise Conflict(
                    "partial_void",
                    "what is not captured is voided whole: capture the part that you keep",
                    field="amount",
                )
            return self.void_in(order, tx)
        if payment.state is not State.CAPTURED:
            raise not_approved(payment)
        if self._ports.forbids_refund(tx, payment.id):
            raise Conflict(
                "charge_disputed", "this payment is disputed: the dispute decides who has the money"
            )
        left_minor = payment.captured_minor - payment.refunded_minor
        amount_minor = left_minor if order.amount_minor is None else order.amount_minor
        if not 0 < amount_minor <= left_minor:
            raise Conflict(
                "refund_exceeds_capture",
                f"{format_amount(left_minor, payment.currency)} are left to refund",
                field="amount",
            )
        return self._give_back(tx, payment, order, amount_minor, own)

    def _give_back(
        self, tx: Tx, payment: Payment, order: Order, amount_minor: int, own: NetworkReference
    ) -> Carried:
        now_us = self._ports.clock.now_us()
        given = _promised(payment, amount_minor)
        refund_id = ordered_identifier("re", now_us, self._ports.identifiers)
        fee_back_minor, post = self._ports.pricing.refund(tx, payment, refund_id, given)
        refund = Refund(
            id=refund_id,
            payment_id=payment.id,
            amount_minor=amount_minor,
            fee_returned_minor=fee_back_minor,
            reason=order.reason,
            state=RefundState.PENDING,
            created_at_us=now_us,
        )
        self._ports.rows.add_refund(tx, refund)
        refunded = replace(
            payment,
            refunded_minor=payment.refunded_minor + amount_minor,
            fee_returned_minor=payment.fee_returned_minor + fee_back_minor,
        )
        change = self._move(
            tx,
            refunded,
            Happening.REFUNDED,
            [post],
            {"refund_id": refund.id, "refund_minor": amount_minor, "reason": order.reason},
        )
        self._tell(tx, payment, AdviceKind.REFUND, refund.id, amount_minor, own)
        body = refund_json(refund, change.payment)
        return Carried(Reply(STATUS_OK, orjson.dumps(body), replayed=False), change, refund=refund)

    def _move(
        self,
        tx: Tx,
        payment: Payment,
        happening: Happening,
        posts: list[Post] | None = None,
        data: Mapping[str, object] | None = None,
    ) -> Change:
        change = self._ports.changes.apply(
            tx, payment, happening, ACTOR, data=data, posts=posts or ()
        )
        assert change is not None, "read in the same unit of work"
        return change

    def _tell(
        self,
        tx: Tx,
        payment: Payment,
        kind: AdviceKind,
        refund_id: str | None,
        amount_minor: int,
        own: NetworkReference,
    ) -> None:
        due_at_us = self._ports.clock.now_us()
        advice = Advice(0, payment.id, kind, refund_id, amount_minor, own, due_at_us)
        self._ports.rows.add_advice(tx, advice)

    def _approved(self, tx: Tx, order: Order) -> Payment:
        payment = self._payment(tx, order)
        match payment.state:
            case State.APPROVED:
                return payment
            case State.CAPTURED:
                raise Conflict("already_captured", "this payment is captured")
            case _:
                raise not_approved(payment)

    def _payment(self, tx: Tx, order: Order) -> Payment:
        payment = self._ports.payments.find_payment(tx, order.payment_id)
        if payment is None or payment.merchant.id != order.merchant_id:
            raise NotFound("payment_not_found", "this merchant has no such payment")
        return payment


def _promised(payment: Payment, amount_minor: int) -> Promise:
    return replace(payment.promise(), money=Money(amount_minor, payment.currency))
