"""Pictures of the watch beside the phone: a card of its own, the passcode, held, answered.

Part of the picture maker's one session, near its end: from here on there is a watch on the table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lab.in_hand import PHONE, WATCH
from lab.pos.state import PosPhase
from lab.watch.flow import WatchFlow
from lab.watch.state import WatchScreen
from lab.world import World

NAMES = (
    "60-watch-add-card", "61-watch-passcode", "62-watch-ready", "63-watch-answered",
    "64-watch-light-theme", "65-watch-high-contrast", "66-watch-lost", "67-watch-1280x720",
)  # fmt: skip
PASSCODE = "000000"
Io = Callable[[Callable[[], object]], None]
Until = Callable[[Callable[[], bool]], None]
Shot = Callable[[str, Callable[[], object]], None]
Dress = Callable[[str, str, tuple[int, int]], None]


class WatchScenes:
    """What a person does with a watch, told as the pictures it passes."""

    def __init__(self, world: World, io: Io, until: Until) -> None:
        """Scenes of one session.

        Args:
            world: the laboratory.
            io: calls a flow where flows run.
            until: waits for a state.
        """
        self._world, self._io, self._until = world, io, until

    def play(self, shot: Shot, dress: Dress) -> None:
        """From a card that is added to a watch that is lost; the phone is in the hand again.

        Args:
            shot: goes there and takes the picture.
            dress: takes a picture of the same in another theme, of that size.
        """
        added, passcode, ready, answered, light, contrast, lost, small = NAMES
        shot(added, self.add_card)
        shot(passcode, self.half_a_passcode)
        shot(ready, self.ready)
        dress(light, "light", (1600, 1000))
        dress(contrast, "high-contrast", (1600, 1000))
        dress(small, "dark", (1280, 720))
        shot(answered, self.pay)
        shot(lost, self.lose)
        wallet = self._world.wallet
        self._io(partial(wallet.actions.found, "dev_watch", reactivate_cards=True))
        self._until(lambda: self._flow.state.screen is not WatchScreen.LOST)
        self._io(partial(self._world.watch.take, PHONE))
        self._io(wallet.close)

    @property
    def _flow(self) -> WatchFlow:
        flow = self._world.watch.flow
        assert flow is not None, "it was put on the table"
        return flow

    def add_card(self) -> None:
        """The phone gives it two of its cards; it shows the second one's."""
        world = self._world
        self._io(world.watch.pair)
        self._until(lambda: world.watch.is_there)
        for number, card in enumerate(world.wallet.cards[:2], start=1):
            self._io(partial(world.wallet.open_card, card.id))
            self._io(partial(world.watch.add_card, card.id))
            self._until(partial(self._has, number))

    def _has(self, cards: int) -> bool:
        shown = self._flow.state.cards
        said = self._world.wallet.state.notice
        done = said is not None and said.key == "wallet.watch.added"
        return len(shown) == cards and all(card.is_here for card in shown) and done

    def half_a_passcode(self) -> None:
        """On a wrist, four of six digits typed."""
        self._io(self._world.wallet.close)
        self._io(partial(self._world.watch.take, WATCH))
        self._io(self._flow.wrist.put_on)
        for digit in PASSCODE[:4]:
            self._io(partial(self._flow.wrist.type_digit, digit))
        self._until(lambda: self._flow.state.code_length == 4)

    def ready(self) -> None:
        """Unlocked, pressed twice, an amount at the till."""
        for digit in PASSCODE[4:]:
            self._io(partial(self._flow.wrist.type_digit, digit))
        self._until(lambda: self._flow.state.screen is WatchScreen.CARDS)
        self._io(self._world.pos.clear)
        for digit in "1240":
            self._io(partial(self._world.pos.key, digit))
        self._until(lambda: self._world.pos.state.phase is PosPhase.AMOUNT)
        self._io(partial(self._flow.till_asks, "$12.40"))
        self._io(self._flow.double_press)
        self._until(lambda: self._flow.state.screen is WatchScreen.READY)

    def pay(self) -> None:
        """Held to the reader; the bank's answer on its face."""
        self._io(self._world.hands.space)
        self._until(lambda: self._world.pos.state.phase is PosPhase.APPROVED)
        self._until(lambda: self._flow.state.told is not None)

    def lose(self) -> None:
        """Lost, told on the phone, which is not."""
        wallet = self._world.wallet
        self._io(wallet.actions.open_devices)
        self._io(partial(wallet.actions.lost, "dev_watch"))
        self._until(lambda: self._flow.state.screen is WatchScreen.LOST)
        self._until(lambda: any(device.is_lost for device in wallet.state.devices))
