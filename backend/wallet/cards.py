"""A person's cards after provisioning: list, default, suspend, reactivate, refresh, remove.

A suspension is committed before anyone is told that it happened, and the payment engine reads the
same row, so nothing is approved after it. Only active cards pay; repeating a step changes nothing.
A card whose cardholder is not verified can only be removed here. What its network has to do for a
card is ordered in the same commit (`token_orders`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.networks.token_life import REASONS, Suspender
from backend.runtime.clock import Clock
from backend.runtime.errors import BadRequest, Conflict, NotFound
from backend.runtime.events import EventLog
from backend.wallet.model import AuditEntry, Caller, Card, Operation
from backend.wallet.ports import CardListCache, WalletRows, WalletStore
from backend.wallet.status import hold, not_pending, take_away
from backend.wallet.token_orders import OUTSIDERS, TokenOrders, hurry, ordered, withdraw

REASON_LENGTH_MAX = 100
CARDHOLDER, WALLET = Suspender.CARDHOLDER.value, Suspender.TOKEN_REQUESTOR.value
_PENDING = {"reactivate": Operation.RESUME, "refresh": Operation.REFRESH}


@dataclass(frozen=True, slots=True)
class _Done:
    """What a unit of work did to a card.

    Attributes:
        is_news: whether it changed anything.
        order_id: the order that somebody may wait for.
    """

    card: Card
    is_news: bool = True
    order_id: int | None = None


_CardWork = Callable[[WalletRows], _Done]


class Cards:
    """Reads and changes cards that exist."""

    def __init__(
        self,
        store: WalletStore,
        clock: Clock,
        events: EventLog,
        lists: CardListCache,
        orders: TokenOrders,
    ) -> None:
        self._store = store
        self._clock = clock
        self._events = events
        self._lists = lists
        self._orders = orders

    async def all_of(self, user_id: str) -> list[dict[str, object]]:
        """A person's cards as JSON, the default first."""
        cached = await self._lists.get(user_id)
        if cached is not None:
            return cached
        changes = self._lists.changes(user_id)
        cards = self._store.read(lambda rows: rows.cards_of(user_id))
        shown = [card.to_json() for card in cards]
        await self._lists.put(user_id, shown, changes=changes)
        return shown

    def find(self, card_id: str) -> Card | None:
        """A card, whoever's it is; for its picture."""
        return self._store.read(lambda rows: rows.card(card_id))

    def everybodys(self) -> list[Card]:
        """All cards, for the laboratory."""
        return self._store.read(lambda rows: rows.all_cards())

    def suspended(self) -> list[Card]:
        """Every suspended card, for the strip that shows deviations."""
        return self._store.read(lambda rows: rows.suspended_cards())

    async def make_default(self, caller: Caller, card_id: str) -> Card:
        """The card that pays when none is chosen; one a device.

        Raises:
            NotFound: no such card of theirs.
            Conflict: it is not verified.
        """
        now_us = self._clock.now_us()

        def work(rows: WalletRows) -> _Done:
            known = _verified(rows, caller, card_id)
            if known.is_default:
                return _Done(known, is_news=False)
            card = replace(known, is_default=True, updated_at_us=now_us)
            rows.clear_default(card.user_id, card.device_id)
            rows.put_card(card)
            return _Done(card)

        return (await self._change(caller, card_id, "card.made_default", work)).card

    async def suspend(self, caller: Caller, card_id: str, reason: str) -> Card:
        """Stop a card; suspending it again keeps the first reason.

        A reactivation that still waits is taken back.

        Raises:
            NotFound: no such card of theirs.
            BadRequest: the reason is longer than 100 characters.
            Conflict: it is not verified.
        """
        if len(reason) > REASON_LENGTH_MAX:
            raise BadRequest(
                "reason_length",
                f"a reason has at most {REASON_LENGTH_MAX} characters",
                field="reason",
            )
        now_us = self._clock.now_us()

        def work(rows: WalletRows) -> _Done:
            card = _verified(rows, caller, card_id)
            if CARDHOLDER in card.holders and card.pending_operation != "reactivate":
                return _Done(card, is_news=False)
            withdraw(rows, card.id, now_us, Operation.RESUME)
            card = not_pending(card, "reactivate")
            held = hold(rows, card, CARDHOLDER, now_us, reason=reason)
            word = _network_reason(Operation.SUSPEND, reason)
            ordered(
                rows,
                held,
                Operation.SUSPEND,
                now_us,
                actor=CARDHOLDER,
                reason=word,
                ip_address=caller.ip_address,
            )
            return _Done(held)

        return (await self._change(caller, card_id, "card.suspended", work)).card

    async def reactivate(self, caller: Caller, card_id: str) -> Card:
        """Let a suspended card pay again: its network first, and after a payment under way.

        Returns:
            The card: active; or suspended and pending, while its network cannot be told; or
            suspended by somebody else, who has to let it go too.

        Raises:
            NotFound: no such card of theirs.
            Conflict: its device is lost, it is not verified, or others than its person hold it.
        """
        now_us = self._clock.now_us()

        def work(rows: WalletRows) -> _Done:
            card = _reactivable(rows, caller, card_id)
            hurry(rows, card_id, now_us)
            if card.status == "active" or card.pending_operation == "reactivate":
                return _Done(card, is_news=False, order_id=_pending_order(rows, card))
            ours = card.holders - OUTSIDERS
            if not ours and card.holders:
                raise Conflict("suspended_by_issuer", "its bank stopped this card: ask there")
            order_id = ordered(
                rows,
                card,
                Operation.RESUME,
                now_us,
                actor=" ".join(sorted(ours)) or CARDHOLDER,
                ip_address=caller.ip_address,
            )
            card = replace(card, pending_operation="reactivate", updated_at_us=now_us)
            rows.put_card(card)
            return _Done(card, order_id=order_id)

        return await self._ordered(caller, card_id, "card.reactivation_ordered", work)

    async def refresh(self, caller: Caller, card_id: str) -> Card:
        """Have the network put a new token in the place of this one.

        Returns:
            The card: with its new token; or pending, while its network cannot be told.

        Raises:
            NotFound: no such card of theirs.
            Conflict: it is not active, its device is lost, or the network will not.
        """
        now_us = self._clock.now_us()

        def work(rows: WalletRows) -> _Done:
            card = _reactivable(rows, caller, card_id)
            if card.status != "active":
                raise Conflict("card_not_active", "reactivate this card first")
            hurry(rows, card_id, now_us)
            if card.pending_operation == "refresh":
                return _Done(card, is_news=False, order_id=_pending_order(rows, card))
            order_id = ordered(
                rows, card, Operation.REFRESH, now_us, actor=WALLET, ip_address=caller.ip_address
            )
            card = replace(card, pending_operation="refresh", updated_at_us=now_us)
            rows.put_card(card)
            return _Done(card, order_id=order_id)

        return await self._ordered(caller, card_id, "card.refresh_ordered", work)

    async def remove(self, caller: Caller, card_id: str) -> None:
        """Take a card off its device; the oldest active one that is left becomes the default.

        Raises:
            NotFound: no such card of theirs.
        """
        now_us = self._clock.now_us()

        def work(rows: WalletRows) -> _Done:
            card = owned(rows, caller, card_id)
            order_id = let_go(rows, card, now_us, ip_address=caller.ip_address)
            return _Done(card, order_id=order_id)

        done = await self._change(caller, card_id, "card.removed", work)
        if done.order_id is not None:
            await self._orders.attempted(done.order_id)

    async def _ordered(self, caller: Caller, card_id: str, action: str, work: _CardWork) -> Card:
        """Commit an order and wait until it was tried; the card as it is then.

        Raises:
            NotFound: the card was removed meanwhile.
            Conflict: the network will not do it.
        """
        done = await self._change(caller, card_id, action, work)
        order_id = done.order_id
        if order_id is None:
            return done.card
        await self._orders.attempted(order_id)
        order = self._store.read(lambda rows: rows.order(order_id))
        if order is not None and order.is_refused:
            raise Conflict("network_refused", "its network will not: remove the card and add it")
        return self._store.read(lambda rows: owned(rows, caller, card_id))

    async def _change(self, caller: Caller, card_id: str, action: str, work: _CardWork) -> _Done:
        """Commit a change with its audit line and event; then forget the cache, then tell."""
        now_us = self._clock.now_us()
        event = self._events.make(action, actor="person", data={"card_id": card_id})

        def whole(rows: WalletRows) -> _Done:
            done = work(rows)
            if done.is_news:
                rows.audit(
                    AuditEntry(
                        now_us, caller.user_id, action, "card", card_id, "done", caller.ip_address
                    )
                )
                rows.record(event)
            return done

        done = await self._store.write(whole)
        if done.is_news:
            await self._lists.forget(caller.user_id, done.card.token_ref)
            self._events.publish(event)
        self._orders.wake()
        return done


def let_go(rows: WalletRows, card: Card, at_us: int, *, ip_address: str | None) -> int:
    """Take a card off its device and order its token's deletion; the order's number."""
    withdraw(rows, card.id, at_us, *(set(Operation) - {Operation.DELETE}))
    take_away(rows, card, at_us, reason=None)
    return ordered(
        rows,
        card,
        Operation.DELETE,
        at_us,
        actor=CARDHOLDER,
        reason="CONSUMER_DELETED",
        ip_address=ip_address,
    )


def owned(rows: WalletRows, caller: Caller, card_id: str) -> Card:
    """That card, if it is theirs.

    Raises:
        NotFound: unknown, somebody else's, or not there yet.
    """
    card = rows.card(card_id)
    if card is None or card.user_id != caller.user_id or card.status == "requested":
        raise NotFound("card_unknown", "no such card in this wallet")
    return card


def _verified(rows: WalletRows, caller: Caller, card_id: str) -> Card:
    card = owned(rows, caller, card_id)
    if card.status in {"pending", "rejected"}:
        raise Conflict("card_not_verified", "this card's bank has not let it pay yet")
    return card


def _reactivable(rows: WalletRows, caller: Caller, card_id: str) -> Card:
    card = _verified(rows, caller, card_id)
    device = rows.device(card.device_id)
    if device is not None and device.lost_at_us is not None:
        raise Conflict("device_lost", "mark the device as found first")
    return card


def _pending_order(rows: WalletRows, card: Card) -> int | None:
    """The order that the card is waiting for, if it waits for one."""
    wanted = _PENDING.get(card.pending_operation or "")
    found = [order.id for order in rows.open_orders(card.id) if order.operation is wanted]
    return found[-1] if found else None


def _network_reason(operation: Operation, said: str) -> str:
    """What a person said, as the network's word for it."""
    word = said.strip().upper()
    return word if word in REASONS[operation.value] else "OTHER"
