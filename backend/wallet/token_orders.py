"""The outbox to the networks: what they have to be told about tokens, until they heard it.

Theory of operation. An order is a row of the commit that it follows from, so a kill between the
two cannot be. Orders of one card are carried out one after the other, in the order in which they
were given; cards do not wait for each other. A network that cannot be told is tried again after
1 s, 5 s, 30 s, 5 min and then hourly, on lab time, by this process or the next. Everything that is
sent may be sent twice: networks do each of it once.

Suspending and deleting are true here before the network hears of them. Letting a card pay again is
the other way round: first its network, then the row that payments read. It also waits for a payment
that is being authorized with the card: whatever that one hears, it was suspended meanwhile, and a
reactivation in between would hide it.

Knows no SQL and no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import assert_never

from backend.networks.token_life import Suspender
from backend.networks.tsp_terms import TokenGrant
from backend.runtime.alarm import Alarm
from backend.runtime.clock import Clock
from backend.runtime.errors import (
    BadRequest,
    MessageError,
    NotConnected,
    StorageError,
    TransportError,
)
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import Scheduler
from backend.wallet.model import REFUSED, AuditEntry, Card, Operation, TokenOrder
from backend.wallet.ports import CardListCache, TokenService, WalletRows, WalletStore
from backend.wallet.status import hand_over, hold, let_go, not_pending

SCHEDULE_S = (1, 5, 30, 300, 3_600)
SECOND_US = 1_000_000
STORAGE_WAIT_S = 1
IN_WORK_MAX = 32
OUTSIDERS = frozenset({Suspender.ISSUER.value, Suspender.MOBILE_PIN_LOCKED.value})
"""Who holds tokens at the networks without asking the wallet."""
_LETTING_PAY = frozenset({Operation.RESUME, Operation.ADMIT})
_Work = Callable[[WalletRows], Event | None]


class TokenOrders:
    """Carries orders out."""

    def __init__(
        self,
        store: WalletStore,
        tokens: TokenService,
        clock: Clock,
        scheduler: Scheduler,
        events: EventLog,
        lists: CardListCache,
        fingerprint: Callable[[str], bytes],
    ) -> None:
        """An outbox that nobody empties yet.

        Args:
            store: where the orders are.
            tokens: the networks' token services.
            clock: lab time.
            scheduler: lab waiting.
            events: hears what was told, and tells that payments end.
            lists: forgotten when a card changes.
            fingerprint: keyed digest of a token's digits.
        """
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._scheduler = scheduler
        self._events = events
        self._lists = lists
        self._fingerprint = fingerprint
        self._alarm = Alarm(scheduler, "token order timer")
        self._in_work: set[str] = set()
        self._behind_payment: set[str] = set()
        self._waiting: dict[int, set[asyncio.Future[None]]] = {}

    async def run_forever(self) -> None:
        """Carry out what is due whenever something is; runs until cancelled."""
        unsubscribe = self._events.subscribe(self._heard)
        try:
            await self._alarm.run_forever(self._start_due)
        finally:
            unsubscribe()

    def wake(self) -> None:
        """There is a new order."""
        self._alarm.ring()

    async def attempted(self, order_id: int) -> None:
        """Wait until an order was carried out, or its network could not be told for now."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(order_id, set()).add(done)
        try:
            order = self._store.read(lambda rows: rows.order(order_id))
            if order is not None and not order.is_done and not order.tries:
                self.wake()
                await done
        finally:
            waiting = self._waiting[order_id]
            waiting.discard(done)
            if not waiting:
                del self._waiting[order_id]

    async def deletions_heard(self, device_id: str, network: str) -> None:
        """Wait until the network knows of every card that was removed from a device.

        Else a card that is added again would get the token that is about to be deleted.

        Raises:
            NotConnected: the network cannot be told now.
        """
        now_us = self._clock.now_us()

        def hurried(rows: WalletRows) -> list[TokenOrder]:
            return [
                order
                for each in rows.open_deletions(device_id, network)
                for order in hurry(rows, each.card_id, now_us)
            ]

        if not self._store.read(lambda rows: rows.open_deletions(device_id, network)):
            return
        for order in await self._store.write(hurried):
            await self.attempted(order.id)
        if self._store.read(lambda rows: rows.open_deletions(device_id, network)):
            raise NotConnected(f"{network} has not heard of a card that was removed")

    def _heard(self, event: Event) -> None:
        if self._behind_payment and event.kind.startswith("payment."):
            self.wake()

    def _start_due(self) -> int | None:
        """Start what is due; when the next is due."""
        now_us = self._clock.now_us()
        try:
            heads, paying = self._store.read(_heads)
            overtaken = self._store.read(self._overtaken)
        except StorageError as error:
            self._report(error)
            return now_us + STORAGE_WAIT_S * SECOND_US
        self._release(overtaken)
        self._behind_payment = paying
        later: list[int] = []
        for head in heads:
            if head.card_id in self._in_work or head.card_id in paying:
                continue  # its end wakes this again
            if head.due_at_us > now_us:
                later.append(head.due_at_us)
            elif len(self._in_work) < IN_WORK_MAX:
                self._in_work.add(head.card_id)
                self._scheduler.spawn(self._carry_out(head), f"token order {head.id}")
        return min(later, default=None)

    def _overtaken(self, rows: WalletRows) -> list[int]:
        """Orders that somebody waits for and that nobody will carry out any more."""
        waited_for = {order_id: rows.order(order_id) for order_id in self._waiting}
        return [each for each, order in waited_for.items() if order is None or order.is_done]

    def _release(self, order_ids: Iterable[int]) -> None:
        for order_id in order_ids:
            for waiting in self._waiting.get(order_id, ()):
                if not waiting.done():
                    waiting.set_result(None)

    async def _carry_out(self, order: TokenOrder) -> None:
        try:
            await self._once(order)
        except StorageError as error:
            self._report(error)
            await self._scheduler.sleep(STORAGE_WAIT_S)
        except Exception:  # a slip of this program: told as such, and not again at once
            await self._scheduler.sleep(STORAGE_WAIT_S)
            raise
        finally:
            self._in_work.discard(order.card_id)
            self.wake()

    async def _once(self, order: TokenOrder) -> None:
        try:
            work = await self._tell(order)
        except BadRequest as refused:
            work = partial(self._refused, order, refused)
        except (TransportError, MessageError) as error:
            work = partial(self._postponed, order, str(error))
        event = await self._store.write(work)
        await self._lists.forget(order.user_id, order.token_ref)
        if event is not None:
            self._events.publish(event)
        behind = self._store.read(lambda rows: rows.open_orders(order.card_id))
        is_postponed = any(each.id == order.id for each in behind)
        self._release([order.id, *(each.id for each in behind if is_postponed)])

    async def _tell(self, order: TokenOrder) -> _Work:
        """Tell the network; what is to be stored then."""
        change = partial(
            self._tokens.change_token,
            order.network,
            order.token_ref,
            order.operation.value,
            reason=order.reason,
        )
        match order.operation:
            case Operation.SUSPEND | Operation.DELETE:
                state = await change(by=order.actor)
                return partial(self._told, order, state.status)
            case Operation.RESUME:
                states = [await change(by=party) for party in order.actor.split()]
                others = frozenset(states[-1].suspended_by) & OUTSIDERS
                return partial(self._reactivated, order, others)
            case Operation.ADMIT:
                return partial(self._reactivated, order, frozenset())
            case Operation.REFRESH:
                grant = await self._tokens.refresh_token(order.network, order.token_ref)
                return partial(self._refreshed, order, grant)
            case _ as never:
                assert_never(never)

    def _told(self, order: TokenOrder, status: str, rows: WalletRows) -> Event:
        rows.finish_order(order.id, at_us=self._clock.now_us(), result=status)
        event = self._event("card.network_told", order, {"status": status, "tries": order.tries})
        rows.record(event)
        return event

    def _reactivated(
        self, order: TokenOrder, others: frozenset[str], rows: WalletRows
    ) -> Event | None:
        now_us = self._clock.now_us()
        stored, card = rows.order(order.id), rows.card(order.card_id)
        if stored is None or stored.is_done or card is None:
            return None  # suspended again or removed meanwhile: that has its own order
        rows.finish_order(order.id, at_us=now_us, result="active")
        if order.operation is Operation.RESUME:
            card = not_pending(card, "reactivate")
        for other in sorted(others - card.holders):  # its network knew that before we did
            card = hold(rows, card, other, now_us, reason=other.lower())
        card = let_go(rows, card, frozenset(order.actor.split()), now_us)
        action = "card.reactivated" if card.status == "active" else "card.still_suspended"
        return self._record(rows, order, action, {"suspended_by": card.suspended_by})

    def _refreshed(self, order: TokenOrder, grant: TokenGrant, rows: WalletRows) -> Event | None:
        now_us = self._clock.now_us()
        card = rows.card(order.card_id)
        if card is None:
            rows.finish_order(order.id, at_us=now_us, result="card_removed")
            return None
        fresh = replace(
            card,
            token_ref=grant.token_ref,
            token_fingerprint=self._fingerprint(grant.token),
            token_last4=grant.token_last4,
            updated_at_us=now_us,
        )
        replaced, fresh = card.token_ref, not_pending(fresh, "refresh")
        if not hand_over(rows, fresh, grant.session_id, grant.device_payload, replaced):
            raise StorageError(f"{grant.token_ref} is another card's token")
        rows.finish_order(order.id, at_us=now_us, result=grant.token_ref)
        facts: dict[str, object] = {"token_ref": grant.token_ref, "replaces": replaced}
        return self._record(rows, order, "card.refreshed", facts)

    def _refused(self, order: TokenOrder, refused: BadRequest, rows: WalletRows) -> Event:
        """The network will not: it knows the token no more, or not like that."""
        now_us = self._clock.now_us()
        rows.finish_order(order.id, at_us=now_us, result=REFUSED + refused.code)
        card = rows.card(order.card_id)
        pending = {Operation.RESUME: "reactivate", Operation.REFRESH: "refresh"}
        if card is not None and order.operation in pending:
            card = not_pending(card, pending[order.operation])
            rows.put_card(replace(card, updated_at_us=now_us))
        return self._record(
            rows, order, "card.network_refused", {"why": refused.detail}, result="refused"
        )

    def _postponed(self, order: TokenOrder, why: str, rows: WalletRows) -> Event:
        wait_s = SCHEDULE_S[min(order.tries, len(SCHEDULE_S) - 1)]
        due_at_us = self._clock.now_us() + wait_s * SECOND_US
        rows.postpone_order(order.id, due_at_us=due_at_us, tries=order.tries + 1)
        event = self._event("card.network_not_told", order, {"why": why, "again_in_s": wait_s})
        rows.record(event)
        return event

    def _record(
        self,
        rows: WalletRows,
        order: TokenOrder,
        action: str,
        facts: dict[str, object],
        *,
        result: str = "done",
    ) -> Event:
        event = self._event(action, order, facts)
        rows.audit(
            AuditEntry(
                self._clock.now_us(),
                order.user_id,
                action,
                "card",
                order.card_id,
                result,
                order.ip_address,
                {"operation": order.operation.value, "actor": order.actor, **facts},
            )
        )
        rows.record(event)
        return event

    def _event(self, kind: str, order: TokenOrder, facts: dict[str, object]) -> Event:
        data: dict[str, object] = {
            "card_id": order.card_id,
            "token_ref": order.token_ref,
            "operation": order.operation.value,
            "actor": order.actor,
        }
        return self._events.make(kind, actor=order.network, data=data | facts)

    def _report(self, error: StorageError) -> None:
        self._events.emit("storage.refused", actor="engine", data={"detail": str(error)})


def _heads(rows: WalletRows) -> tuple[list[TokenOrder], set[str]]:
    """Every card's next order, and the cards whose order waits for a payment."""
    heads = rows.next_orders()
    letting_pay = {head.card_id for head in heads if head.operation in _LETTING_PAY}
    return heads, {card_id for card_id in letting_pay if rows.is_paying(card_id)}


def ordered(
    rows: WalletRows,
    card: Card,
    operation: Operation,
    at_us: int,
    *,
    actor: str,
    reason: str = "OTHER",
    ip_address: str | None = None,
) -> int:
    """Store an order about a card, in the commit that it follows from; its number.

    Args:
        rows: the caller's unit of work.
        card: whose token.
        operation: what the network has to do.
        at_us: lab time.
        actor: on whose behalf, `Suspender`'s words parted by blanks.
        reason: one of the network's words for this operation.
        ip_address: who asked, for the audit log.
    """
    return rows.add_order(
        TokenOrder(
            id=0,
            card_id=card.id,
            user_id=card.user_id,
            device_id=card.device_id,
            network=card.network,
            token_ref=card.token_ref,
            operation=operation,
            actor=actor,
            reason=reason,
            ip_address=ip_address,
            created_at_us=at_us,
            due_at_us=at_us,
        )
    )


def withdraw(rows: WalletRows, card_id: str, at_us: int, *operations: Operation) -> None:
    """Orders of these kinds about a card are overtaken by what happens now."""
    for order in rows.open_orders(card_id):
        if order.operation in operations:
            rows.finish_order(order.id, at_us=at_us, result="overtaken")


def hurry(rows: WalletRows, card_id: str, at_us: int) -> list[TokenOrder]:
    """Somebody waits: what is left to do for a card is tried at once; those orders."""
    left = rows.open_orders(card_id)
    for order in left:
        if order.tries:
            rows.postpone_order(order.id, due_at_us=at_us, tries=0)
    return left
