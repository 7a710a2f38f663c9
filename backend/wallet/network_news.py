"""What networks and issuers do to tokens by themselves, taken over into the wallet.

Theory of operation. A network tells the story of its tokens as numbered events. How far it was
heard is a row of the commit that takes an event in, so each is taken in once, whoever was killed
when. It is asked when the engine starts, when somebody says that there is news, and again while it
does not answer. What the wallet did itself comes back here too and is passed over.

Letting a card pay again waits for a payment under way, as everywhere: it goes through the orders.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from backend.networks.tsp_terms import TokenEvent
from backend.runtime.clock import Clock
from backend.runtime.errors import BadRequest, MessageError, StorageError, TransportError
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import Scheduler
from backend.wallet.model import AuditEntry, Card, Operation
from backend.wallet.ports import CardListCache, TokenService, WalletRows, WalletStore
from backend.wallet.status import hold, take_away, tell_device
from backend.wallet.token_orders import OUTSIDERS, TokenOrders, ordered, withdraw

ASK_AGAIN_S = 5


class NetworkNews:
    """Reads the networks' events."""

    def __init__(
        self,
        networks: Iterable[str],
        store: WalletStore,
        tokens: TokenService,
        clock: Clock,
        scheduler: Scheduler,
        events: EventLog,
        lists: CardListCache,
        orders: TokenOrders,
    ) -> None:
        self._networks = tuple(networks)
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._scheduler = scheduler
        self._events = events
        self._lists = lists
        self._orders = orders
        self._reading = {network: asyncio.Lock() for network in self._networks}

    async def start(self) -> None:
        """Hear what happened while nobody was here, in the background."""
        for network in self._networks:
            self._scheduler.spawn(self._until_heard(network), f"news of {network}")

    async def hear(self, network: str) -> None:
        """Take in everything that a network has to tell; if it cannot be asked now, later.

        Raises:
            TransportError, MessageError: it did not answer; it is asked again.
        """
        try:
            await self._hear(network)
        except (TransportError, MessageError, StorageError):
            self._scheduler.spawn(self._until_heard(network, ASK_AGAIN_S), f"news of {network}")
            raise

    async def _until_heard(self, network: str, wait_s: int = 0) -> None:
        while True:
            await self._scheduler.sleep(wait_s)
            wait_s = ASK_AGAIN_S
            try:
                await self._hear(network)
            except (TransportError, MessageError, BadRequest, StorageError) as error:
                self._events.emit(
                    "network.not_heard",
                    actor=network,
                    data={"why": str(error), "again_in_s": wait_s},
                )
            else:
                return

    async def _hear(self, network: str) -> None:
        async with self._reading[network]:  # one reader a network: events have an order
            while True:
                after_id = self._store.read(lambda rows: rows.heard_until(network))
                happened = await self._tokens.token_events(network, after_id)
                if not happened:
                    return
                for event in happened:
                    await self._take_in(network, event)

    async def _take_in(self, network: str, happened: TokenEvent) -> None:
        def work(rows: WalletRows) -> tuple[Card, Event] | None:
            card = rows.card_of_token(happened.token_ref)
            if card is None and _is_refreshing(rows, network):
                raise MessageError("a token is being replaced: its events have to wait")
            rows.hear_until(network, happened.id)
            if happened.actor not in OUTSIDERS or card is None:
                return None
            action = self._apply(rows, card, happened)
            if action is None:
                return None
            facts: dict[str, object] = {
                "token_ref": card.token_ref,
                "actor": happened.actor,
                "reason": happened.reason,
            }
            event = self._events.make(action, actor=network, data={"card_id": card.id, **facts})
            rows.audit(
                AuditEntry(
                    self._clock.now_us(), card.user_id, action, "card", card.id, "done", None, facts
                )
            )
            rows.record(event)
            return card, event

        taken = await self._store.write(work)
        if taken is None:
            return
        card, event = taken
        await self._lists.forget(card.user_id, card.token_ref)
        self._events.publish(event)
        self._orders.wake()

    def _apply(self, rows: WalletRows, card: Card, happened: TokenEvent) -> str | None:
        """Do here what was done there; the name of what happened, None when it was known."""
        now_us, by = self._clock.now_us(), happened.actor
        reason = f"{by}_{happened.reason}".lower()
        match happened.operation:
            case "suspend" if by not in card.holders:
                withdraw(rows, card.id, now_us, Operation.ADMIT)
                hold(rows, card, by, now_us, reason=reason)
                return "card.suspended"
            case "resume" if by in card.holders:
                withdraw(rows, card.id, now_us, Operation.ADMIT)
                ordered(rows, card, Operation.ADMIT, now_us, actor=by)
                return "card.reactivation_ordered"
            case "delete":
                withdraw(rows, card.id, now_us, *Operation)
                take_away(rows, card, now_us, reason=reason)
                return "card.removed"
            case "replace-card":
                renumbered = replace(card, last4=happened.last4, updated_at_us=now_us)
                if not rows.put_card(renumbered):  # the same last digits are on that device already
                    return "card.not_renumbered"
                tell_device(rows, renumbered, card.status, now_us, reason="card_replaced")
                return "card.replaced"
            case _:
                return None


def _is_refreshing(rows: WalletRows, network: str) -> bool:
    """Whether a card of this network may have a new token that is not known here yet."""
    return any(
        order.operation is Operation.REFRESH and order.network == network
        for order in rows.next_orders()
    )
