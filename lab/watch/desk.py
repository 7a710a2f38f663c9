"""Whether there is a watch: put one on the table, open it, give it cards, close it.

The watch is there once its secure element's file is in the data folder, and from then on with every
start. It has a session of its own (a client with its own cookie), its own line (`watch.engine`) and
its own push connection, so losing it or cutting it off leaves the phone alone. The phone asks for
its cards: it names one of its own and seals the watch's key for that card's network.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from backend.api import identifier
from hardware.api import SecureElement, SecureElementBusy
from lab.client import Endpoint, EngineClient, http_client
from lab.engine_shapes import CardRecord
from lab.engine_stream import push_forever
from lab.errors import EngineRefused, EngineUnreachable, NotDone, SomethingMissing
from lab.faulty_transport import WATCH_LINK
from lab.in_hand import PHONE, WATCH
from lab.json_fields import Json, section, text
from lab.phone_element import open_element
from lab.wallet.add_card import seal_for_device
from lab.wallet.refusals import refusal
from lab.watch.flow import WATCH_ID, WatchFlow
from lab.watch.hand import WatchInHand
from lab.watch.state import WatchState
from lab.words import Message, message

if TYPE_CHECKING:
    from lab.ground import Ground
    from lab.reader_roles.hands import EitherHands
    from lab.shop import Till
    from lab.wallet.flow import WalletFlow

ARRIVES_S = 5.0
LOOK_AGAIN_S = 0.02


class WatchDesk:
    """The watch of one world, or the place where it would lie."""

    def __init__(self, till: Till, ground: Ground, wallet: WalletFlow, hands: EitherHands) -> None:
        """No watch yet: `open_known` opens the one that this folder has.

        Args:
            till: the shop's side of the world: engine, links, log, bus, settings.
            ground: what the world stands on.
            wallet: the phone that gives the watch its cards.
            hands: can hold the watch from the moment at which there is one.
        """
        self._till = till
        self._ground = ground
        self._wallet = wallet
        self._hands = hands
        self._client: EngineClient | None = None
        self._element: SecureElement | None = None
        self._is_connecting = False
        self._in_hand = PHONE
        self.before_token: Callable[[], Awaitable[None]] | None = None
        self.flow: WatchFlow | None = None
        till.bus.publish(WatchState())

    @property
    def is_there(self) -> bool:
        """Whether there is a watch."""
        return self.flow is not None

    def open_known(self) -> None:
        """Open the watch that this folder has; one that another program holds stays away.

        Raises:
            SomethingMissing: its file is damaged.
        """
        if self._till.settings.watch_element_file.exists():
            with contextlib.suppress(SecureElementBusy):
                self._open()

    async def pair(self) -> None:
        """Put a new watch on the table; with one there, nothing changes.

        Raises:
            SomethingMissing: another program holds this folder's watch, or it is damaged.
        """
        if self.flow is not None:
            return
        try:
            self._open()
        except SecureElementBusy as busy:
            raise SomethingMissing(
                "this folder's watch is in use by another command or window", "close that one"
            ) from busy
        await self.connect()
        await self._wallet.refresh()

    def close(self) -> None:
        """Lock the watch and let its file go."""
        if self._element is not None:
            self._element.close()

    def _open(self) -> None:
        till, ground = self._till, self._ground
        element = open_element(
            till.settings.watch_element_file, ground, stream="watch element", what="watch"
        )
        client = EngineClient(
            self.way,
            http_client(ground.transport),
            clock=ground.clock,
            scheduler=ground.real_scheduler,
            on_board=till.links.follow,
            wallet_line=WATCH_LINK,
        )
        flow = WatchFlow(
            client=client,
            element=element,
            sensor=element.wrist_sensor(),
            clock=ground.clock,
            scheduler=ground.real_scheduler,
            log=till.log,
            bus=till.bus,
            cache_file=till.settings.watch_cache_file,
        )
        self._element, self._client, self.flow = element, client, flow
        self._hands.gives(WATCH, WatchInHand(flow, element))
        pushes = push_forever(
            client, self.way, ground.real_scheduler, WATCH_ID, self._deliver, ground.open_socket
        )
        ground.real_scheduler.spawn(pushes, "watch push")

    # -- engine -------------------------------------------------------------------------------

    @property
    def is_cut(self) -> bool:
        """Whether nothing comes through on the watch's line."""
        return self._till.links.is_cut(WATCH_LINK)

    def way(self) -> Endpoint | None:
        """Where the watch finds the engine; nowhere while it is cut off."""
        return None if self.is_cut else self._till.engine.endpoint

    async def connect(self) -> None:
        """Let the watch say who it is and load its cards; in trouble it shows what it remembers.

        Raises:
            EngineRefused: the engine does not let it in.
        """
        flow, client = self.flow, self._client
        if flow is None or client is None or self._is_connecting:
            return
        self._is_connecting = True
        try:
            try:
                await flow.connect()
            except EngineRefused:
                client.forget_session()
                await flow.connect()
        except (EngineUnreachable, EngineRefused) as fault:
            if isinstance(fault, EngineRefused) and not fault.is_trouble:
                raise
            flow.engine_lost()
        finally:
            self._is_connecting = False

    def engine_lost(self) -> None:
        """The engine went away."""
        if self.flow is not None:
            self.flow.engine_lost()

    def tick(self) -> None:
        """Time passes: the watch looks for the engine where it lost it."""
        flow = self.flow
        if flow is None:
            return
        flow.tick(is_cut=self.is_cut)
        if self.is_cut and not flow.state.offline:
            flow.engine_lost()
        elif flow.state.offline and self.way() is not None:
            self._ground.real_scheduler.spawn(self.connect(), "watch looks for the engine")

    async def _deliver(self, push: Json) -> None:
        """A message pushed to the watch, over its line."""
        assert self.flow is not None
        await self._till.links.reach(WATCH_LINK)
        if text(push, "kind") == "provision_token":
            await self._till.believing.learn()  # before the card: its first tap is checked already
        await self.flow.deliver(push)

    # -- in whose hand ------------------------------------------------------------------------

    def take(self, device: str) -> bool:
        """Take "phone" or "watch" into the hand."""
        if not self._hands.take(device):
            return False
        self._in_hand = device
        if self.flow is not None:
            self.flow.show_in_hand(in_hand=device == WATCH)
        return True

    async def hold(self) -> None:
        """Hold the watch to the reader."""
        if self.take(WATCH):
            await self._hands.hold()

    # -- its cards ----------------------------------------------------------------------------

    async def add_card(self, card_id: str) -> None:
        """Give the watch a token of its own for one of the phone's cards, and say how it went."""
        card = next((card for card in self._wallet.cards if card.id == card_id), None)
        if card is None:
            return
        if self.flow is None:
            self._wallet.notice(Message("wallet.watch.away", "bad"))
            return
        self._wallet.notice(message("wallet.watch.adding", "waiting", last4=card.last4))
        try:
            added = await self.copy(card)
        except (EngineRefused, EngineUnreachable, NotDone) as fault:
            self._wallet.notice(refusal(fault))
            return
        await self._wallet.refresh()
        here = self.flow.holds(added.token_ref)
        key = "wallet.watch.added" if here else "wallet.watch.waits"
        kind = "good" if here else "waiting"
        self._wallet.notice(message(key, kind, last4=card.last4))

    async def copy(self, card: CardRecord) -> CardRecord:
        """Ask for the watch's token of a card, and wait a moment for its keys.

        Returns:
            The watch's card. Its keys may still be on their way, when the watch is offline.

        Raises:
            EngineRefused, EngineUnreachable: the engine said no, or nothing.
            NotDone: there is no watch.
        """
        flow, element, phone = self.flow, self._element, self._till.client
        if flow is None or element is None:
            raise NotDone("there is no watch on this table")
        network_key = await phone.network_key(card.network)
        body = {
            "network": card.network,
            "encryptedPan": seal_for_device(network_key, element.public_key()),
            "expiry": "",
            "cvv": "",
            "last4": card.last4,
            "deviceId": WATCH_ID,
            "fromCardId": card.id,
        }
        key = identifier(self._till.identifiers, "add")
        added = CardRecord.from_json(section(await phone.add_card(body, key=key), "card"))
        if not flow.state.offline and added.is_verified:
            with contextlib.suppress(TimeoutError):  # it comes when it comes
                async with self._ground.real_scheduler.deadline(ARRIVES_S):
                    while not flow.holds(added.token_ref):
                        await self._ground.real_scheduler.sleep(LOOK_AGAIN_S)
        return added

    def backup(self, path: Path) -> bool:
        """A consistent sealed copy of the watch's secure element; False where there is none.

        Raises:
            SecureElementError: the copy cannot be written.
        """
        if self._element is None:
            return False
        self._element.backup(path)
        return True
