"""Carries payments out: commit, then call, then commit.

Theory of operation. Phase 1 is one unit of work: the key is claimed, who pays is judged (a `Sale`
knows how: for a tap the token and its counter), the payment stored as `authorizing` with the
network reference it will have for ever. Only then does anything leave the process. Phase 2 is one
unit of work: state, events, ledger, audit, watermark and the answer's bytes. Between the two
nothing is locked, and whatever kills this process there leaves a row that says so (`follow_up`).

Knows no SQL, no HTTP and no message format.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from backend.domain.identifiers import ordered_identifier
from backend.outbox.ports import Outbox
from backend.payments.answer import STATUS_OK
from backend.payments.changes import Change, Changes
from backend.payments.exchange import (
    actor_of,
    facts_of,
    happening_of,
    with_answer,
)
from backend.payments.follow_up import FollowUps, judge_cryptogram
from backend.payments.idempotency import Reply, check_key
from backend.payments.machine import Happening
from backend.payments.order import NfcOrder
from backend.payments.overruling import Overruling
from backend.payments.ports import (
    IdempotencyCache,
    LedgerRows,
    MerchantCache,
    PaymentRows,
    Switch,
    TokenDirectory,
)
from backend.payments.records import KeyRecord, Latency, Merchant, Payment
from backend.payments.references import ReferenceNumbers
from backend.payments.replay_cache import ReplayCache
from backend.payments.replaying import replay_of, reply_of
from backend.payments.sale import Begun, Intent, Sale
from backend.payments.spent_counters import SpentCounters
from backend.payments.taps import Admit, TapSale
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.errors import BadRequest
from backend.runtime.events import EventLog
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store
from backend.switch.answers import (
    Answered,
    AuthorizationAnswer,
    NoAnswerYet,
    NotSent,
    Unknown,
)

Tx = TypeVar("Tx")


@dataclass(frozen=True, slots=True)
class PaymentPorts(Generic[Tx]):
    """Everything that the engine takes from outside.

    Attributes:
        identifiers: stream for the random part of identifiers; used by the event loop only.
        fingerprint: keyed digest of a token's digits (HMAC-SHA256 with the vault's key).
        cache: accelerator for replays, if there is one.
        merchants: merchants that were read lately, if any are kept.
        counters: knows used up counters before SQL is asked to reserve one, if it can.
    """

    store: Store[Tx]
    rows: PaymentRows[Tx]
    ledger: LedgerRows[Tx]
    outbox: Outbox[Tx]
    tokens: TokenDirectory[Tx]
    switch: Switch
    clock: Clock
    scheduler: Scheduler
    events: EventLog
    identifiers: Stream
    fingerprint: Callable[[str], bytes]
    cache: IdempotencyCache | None = None
    merchants: MerchantCache | None = None
    counters: SpentCounters[Tx] | None = None


@dataclass(frozen=True, slots=True)
class _Settled:
    """Phase 1 answered by itself: a replay, or a refusal."""

    reply: Reply
    change: Change | None


class PaymentEngine(Generic[Tx]):
    """Carries payments out, and cures what was left unknown.

    Attributes:
        changes: writes every change of a payment, here and in the gateway.
        follow_ups: cures what is unknown and tells reversals.
        references: network references.
    """

    def __init__(self, ports: PaymentPorts[Tx]) -> None:
        self._ports = ports
        self._rows = ports.rows
        self.changes = Changes(ports.rows, ports.ledger, ports.outbox, ports.events, ports.clock)
        self.follow_ups = FollowUps(
            ports.store,
            ports.rows,
            self.changes,
            ports.switch,
            ports.clock,
            ports.scheduler,
            ports.events,
        )
        self._overruling = Overruling(ports.tokens, self.changes, self.follow_ups)
        self._replays = ReplayCache(ports.cache, ports.scheduler)
        self.references = ReferenceNumbers(ports.store, ports.rows)

    async def recover(self) -> int:
        """Take up what an earlier process left; the number of payments. Call before serving.

        Raises:
            StorageError: the database refused.
        """
        return await self.follow_ups.recover()

    async def follow_up_forever(self) -> None:
        """Ask the networks about unknown outcomes whenever it is time; runs until cancelled."""
        await self.follow_ups.run_forever()

    def answered(self, *, account: str, key: str, request_hash: bytes) -> Reply | None:
        """The answer that a key has already; None when `pay` has yet to be asked.

        For doors whose own judgement changes with time: what was answered stays answered.

        Raises:
            BadRequest: the key cannot be; `KeyMismatch` (422) for a used key.
            KeyInFlight: the first request with this key has no answer yet (409).
        """
        check_key(key)
        known = self._ports.store.read(lambda tx: self._rows.find_key(tx, account, key))
        return None if known is None else replay_of(known, request_hash)

    async def pay(
        self,
        order: NfcOrder,
        *,
        account: str,
        key: str,
        request_hash: bytes,
        admit: Admit[Tx] | None = None,
    ) -> Reply:
        """Pay for a tap, or for an order in an app.

        Args:
            order: what the till asks for.
            account: whose keys these are: the merchant or till that calls.
            key: Idempotency-Key; for a till its terminal id and sequence number.
            request_hash: SHA-256 of the request's body.
            admit: what the door has to settle in the intent's own unit of work, told the new
                payment's identifier; what it raises undoes the intent. Not asked for a known key.

        Raises:
            BadRequest: the key or merchant cannot be; `KeyMismatch` (422) for a used key.
            KeyInFlight: the first request with this key has no answer yet (409).
            StorageError: the database refused; if the intent was stored already, its outcome is
                unknown and will be cured.
        """
        started_us = self._ports.clock.monotonic_us()
        if (cached := await self._answer_at_hand(account, key, request_hash)) is not None:
            return cached
        fingerprint, counters = self._ports.fingerprint(order.token), self._ports.counters
        sale = TapSale(
            order, fingerprint, await self._merchant(order.merchant_id),
            self._rows, self._ports.tokens, admit,
            is_spent=counters is not None and await counters.has(order, fingerprint),
        )  # fmt: skip
        intent = await self._intent(account, key, request_hash)
        return await self._carry_out(sale, intent, started_us)

    async def carry_out(
        self, sale: Sale[Tx], *, account: str, key: str, request_hash: bytes
    ) -> Reply:
        """Pay for whatever a sale is. Arguments and errors as for `pay`."""
        started_us = self._ports.clock.monotonic_us()
        if (cached := await self._answer_at_hand(account, key, request_hash)) is not None:
            return cached
        intent = await self._intent(account, key, request_hash)
        return await self._carry_out(sale, intent, started_us)

    async def _answer_at_hand(self, account: str, key: str, request_hash: bytes) -> Reply | None:
        check_key(key)
        return await self._replays.find(account, key, request_hash)

    async def _carry_out(self, sale: Sale[Tx], intent: Intent, started_us: int) -> Reply:
        begun: list[str] = []
        try:
            opened = await self._ports.store.write(partial(self._open_noting, sale, intent, begun))
        except asyncio.CancelledError:  # the unit is on its way to the disk all the same
            self._give_up(begun)
            raise
        stored_us = self._ports.clock.monotonic_us()
        if isinstance(opened, _Settled):
            self.follow_ups.publish(opened.change)
            return opened.reply
        self.follow_ups.publish(opened)
        try:
            return await self._authorize(sale, opened, intent.request_hash, (started_us, stored_us))
        except (Exception, asyncio.CancelledError):  # the caller hung up, or the disk is full
            self._give_up(begun)
            raise

    def _give_up(self, begun: list[str]) -> None:
        self._ports.scheduler.spawn(self.follow_ups.give_up(begun, "interrupted"), "give up")

    # Phase 1.

    async def _intent(self, account: str, key: str, request_hash: bytes) -> Intent:
        now_us = self._ports.clock.now_us()
        return Intent(
            account=account,
            key=key,
            request_hash=request_hash,
            payment_id=ordered_identifier("pay", now_us, self._ports.identifiers),
            reference=await self.references.take(now_us),
            at_us=now_us,
        )

    def _open_noting(
        self, sale: Sale[Tx], intent: Intent, begun: list[str], tx: Tx
    ) -> Change | _Settled:
        """Phase 1, leaving the payment's identifier to whoever must clean up after a caller."""
        opened = self._open(sale, intent, tx)
        if isinstance(opened, Change):
            begun.append(opened.payment.id)
        return opened

    def _open(self, sale: Sale[Tx], intent: Intent, tx: Tx) -> Change | _Settled:
        """Phase 1 in its unit of work."""
        if not self._rows.claim_key(
            tx,
            account=intent.account,
            key=intent.key,
            request_hash=intent.request_hash,
            payment_id=intent.payment_id,
            at_us=intent.at_us,
        ):
            return self._open_again(sale, intent, tx)
        begun = sale.begin(tx, intent)
        if begun.refusal is not None:
            refused = self._refuse_new(tx, begun.payment, begun.refusal)
            assert refused.change is not None, "a new refusal is a change"
            return replace(refused, change=_telling(refused.change, begun))
        return _telling(self.changes.create(tx, begun.payment), begun)

    def _open_again(self, sale: Sale[Tx], intent: Intent, tx: Tx) -> Change | _Settled:
        """The key is known: replay, refuse, or try again what never left this process."""
        known = self._rows.find_key(tx, intent.account, intent.key)
        assert known is not None, "the key was there a moment ago in the same unit of work"
        reply = replay_of(known, intent.request_hash)
        if reply is not None:
            return _Settled(reply, None)
        return self._send_again(sale, tx, known)

    def _send_again(self, sale: Sale[Tx], tx: Tx, known: KeyRecord) -> Change | _Settled:
        payment = self._rows.find_payment(tx, known.payment_id)
        assert payment is not None, "payments are never removed"
        again = self._apply(tx, replace(payment, reason=None), Happening.SENT_AGAIN, "engine", None)
        refusal = sale.resume(tx, payment)
        return again if refusal is None else self._refuse(tx, again, refusal)

    def _refuse_new(self, tx: Tx, payment: Payment, reason: str) -> _Settled:
        created = self.changes.create(tx, replace(payment, reference=None))
        return self._refuse(tx, created, reason)

    def _refuse(self, tx: Tx, opened: Change, reason: str) -> _Settled:
        refused = replace(opened.payment, reason=reason)
        change = self._apply(tx, refused, Happening.DECLINED, "engine", opened.events[0].id)
        both = replace(change, events=opened.events + change.events)
        return _Settled(Reply(STATUS_OK, change.body, replayed=False), both)

    # The call, and phase 2.

    async def _authorize(
        self, sale: Sale[Tx], opened: Change, request_hash: bytes, times_us: tuple[int, int]
    ) -> Reply:
        payment, clock = opened.payment, self._ports.clock
        request = await sale.request(payment)
        called_us = clock.monotonic_us()
        answer: AuthorizationAnswer
        if isinstance(request, NotSent):
            answer = request
        else:
            answer = await self._ports.switch.authorize(request, channel_deadline_s=sale.deadline_s)
        answered_us = clock.monotonic_us()
        started_us, stored_us = times_us
        link_us = answered_us - called_us
        hops_us = answer.hops_us if isinstance(answer, Answered) else {}
        latency = Latency(
            engine=answered_us - started_us - link_us - (stored_us - started_us),
            network=hops_us.get("network", link_us),
            issuer=hops_us.get("issuer", 0),
            database=stored_us - started_us,
        )
        answered = with_answer(payment, answer, latency)
        work = partial(self._settle, answered, answer, opened.events[0].id)
        settled = await self._ports.store.write(work)
        if isinstance(answer, NoAnswerYet):
            self._ports.scheduler.spawn(
                self.follow_ups.await_late(payment.id, answer.late), f"late {payment.id}"
            )
        if isinstance(settled, Reply):
            return settled
        self.follow_ups.publish(settled)
        await self._replays.keep(settled.payment, request_hash, settled.body)
        if (counters := self._ports.counters) is not None:
            await counters.note(settled.payment, answer)
        return Reply(STATUS_OK, settled.body, replayed=False)

    def _settle(
        self, payment: Payment, answer: AuthorizationAnswer, cause_id: str, tx: Tx
    ) -> Change | Reply:
        """Phase 2 in its unit of work."""
        happening = happening_of(answer)
        if isinstance(answer, Answered) and self._overruling.applies(tx, payment, answer):
            change = self._overruling.carry_out(tx, payment, answer, cause_id)
            return change or self._settle_late(tx, payment, answer)
        data = facts_of(payment, answer)
        change = self.changes.apply(
            tx, payment, happening, actor_of(payment, answer), cause_id=cause_id, data=data
        )
        if change is None:  # a recovery took this payment away meanwhile: its story counts
            return self._settle_late(tx, payment, answer)
        if isinstance(answer, Answered):
            judge_cryptogram(self._rows, tx, payment, answer, change.payment.updated_at_us)
        if happening is Happening.NO_ANSWER:
            self.follow_ups.schedule(
                tx, payment.id, still_under_way=isinstance(answer, NoAnswerYet)
            )
        return change

    def _settle_late(self, tx: Tx, payment: Payment, answer: AuthorizationAnswer) -> Change | Reply:
        change = None
        if isinstance(answer, Answered | Unknown):
            change = self.follow_ups.take_late(payment.id, answer, tx)
        known = self._rows.find_key(tx, payment.account, payment.key)
        assert known is not None, "a payment keeps its key for ever"
        reply = reply_of(known)
        return reply if change is None else replace(change, body=reply.body)

    def _apply(
        self, tx: Tx, payment: Payment, happening: Happening, actor: str, cause_id: str | None
    ) -> Change:
        change = self.changes.apply(tx, payment, happening, actor, cause_id=cause_id)
        assert change is not None, "read or made in the same unit of work"
        return change

    async def _merchant(self, merchant_id: str) -> Merchant:
        kept = self._ports.merchants
        if kept is not None and (known := await kept.get(merchant_id)) is not None:
            return known
        changes = 0 if kept is None else kept.changes(merchant_id)
        merchant = self._ports.store.read(lambda tx: self._rows.find_merchant(tx, merchant_id))
        if merchant is None:
            raise BadRequest("merchant_unknown", "no such merchant", field="merchantId")
        if kept is not None:
            await kept.put(merchant_id, merchant, changes=changes)
        return merchant


def _telling(change: Change, begun: Begun) -> Change:
    """The same, publishing what its door wrote besides."""
    return replace(change, events=change.events + begun.told)
