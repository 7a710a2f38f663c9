"""A person's cards after provisioning: the list, the default, suspend, reactivate, remove.

A suspension is committed before anyone is told that it happened, and the payment engine reads the
same row, so nothing is approved after it. Only active cards pay; repeating a step changes nothing.
A card whose cardholder is not verified can only be removed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backend.runtime.clock import Clock
from backend.runtime.errors import BadRequest, Conflict, NotFound
from backend.runtime.events import EventLog
from backend.wallet.errors import NetworkUnavailable
from backend.wallet.model import AuditEntry, Caller, Card
from backend.wallet.ports import CardListCache, WalletRows, WalletStore
from backend.wallet.status import set_status, tell_device
from backend.wallet.token_status import TokenStatus

REASON_LENGTH_MAX = 100
_CardWork = Callable[[WalletRows], Card]


class Cards:
    """Reads and changes cards that exist."""

    def __init__(
        self,
        store: WalletStore,
        clock: Clock,
        events: EventLog,
        lists: CardListCache,
        networks: TokenStatus,
    ) -> None:
        self._store = store
        self._clock = clock
        self._events = events
        self._lists = lists
        self._networks = networks

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

        def work(rows: WalletRows) -> Card:
            card = replace(_verified(rows, caller, card_id), is_default=True, updated_at_us=now_us)
            rows.clear_default(card.user_id, card.device_id)
            rows.put_card(card)
            return card

        return await self._change(caller, card_id, "card.made_default", work)

    async def suspend(self, caller: Caller, card_id: str, reason: str) -> Card:
        """Stop a card; suspending it again keeps the first reason.

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

        def work(rows: WalletRows) -> Card:
            card = _verified(rows, caller, card_id)
            if card.status == "suspended":
                return card
            return set_status(rows, card, "suspended", now_us, reason=reason)

        card = await self._change(caller, card_id, "card.suspended", work)
        await self._networks.suspended(card)
        return card

    async def reactivate(self, caller: Caller, card_id: str) -> Card:
        """Let a suspended card pay again, the network first.

        Raises:
            NotFound: no such card of theirs.
            Conflict: its device is lost, or it is not verified.
            NetworkUnavailable: the network cannot be told; the card stays suspended.
        """
        now_us = self._clock.now_us()
        suspended = self._store.read(lambda rows: _reactivable(rows, caller, card_id))
        if suspended.status == "suspended" and not await self._networks.resume(suspended):
            raise NetworkUnavailable(f"the token service of {suspended.network} does not answer")

        def work(rows: WalletRows) -> Card:
            card = _reactivable(rows, caller, card_id)
            if card.status == "active":
                return card
            return set_status(rows, card, "active", now_us, reason=None)

        return await self._change(caller, card_id, "card.reactivated", work)

    async def remove(self, caller: Caller, card_id: str) -> None:
        """Take a card off its device; the oldest active one that is left becomes the default.

        Raises:
            NotFound: no such card of theirs.
        """
        now_us = self._clock.now_us()

        def work(rows: WalletRows) -> Card:
            card = owned(rows, caller, card_id)
            rows.remove_card(card_id)
            others = [other for other in rows.cards_on(card.device_id) if other.status == "active"]
            if card.is_default and others:
                rows.put_card(replace(others[0], is_default=True, updated_at_us=now_us))
            tell_device(rows, card, "removed", now_us, reason=None)
            return card

        await self._networks.removed(await self._change(caller, card_id, "card.removed", work))

    async def _change(self, caller: Caller, card_id: str, action: str, work: _CardWork) -> Card:
        """Commit a change with its audit line and event; then forget the cache, then tell."""
        now_us = self._clock.now_us()
        event = self._events.make(action, actor="person", data={"card_id": card_id})

        def whole(rows: WalletRows) -> Card:
            card = work(rows)
            rows.audit(
                AuditEntry(
                    now_us, caller.user_id, action, "card", card_id, "done", caller.ip_address
                )
            )
            rows.record(event)
            return card

        card = await self._store.write(whole)
        await self._lists.forget(caller.user_id, card.token_ref)
        self._events.publish(event)
        return card


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
