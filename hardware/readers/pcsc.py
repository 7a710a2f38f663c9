"""A PC/SC reader: `pcsc:NAME`, where NAME is the reader's name or a part of it that fits only one.

Theory of operation: the monitor says when a card lies on the reader; then a `PcscLink` holds the
conversation with it (see `pcsc_link`). Reader and service may vanish at any moment: whatever is
going on ends in `ReaderGone`, and the next `wait_for_card` finds the reader again by its name, on a
service that may have been restarted in between. A conversation that a silent card hangs up leaves
its thread behind; while it hangs, the service lets nobody else at the reader either, so the next
`wait_for_card` waits for it to come free. Knows no command and no payment.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from hardware.readers.lights import Signal, light_commands, own_tone_off
from hardware.readers.models import APDU, model_by_name
from hardware.readers.pcsc_errors import as_link_error
from hardware.readers.pcsc_lights import PcscLights
from hardware.readers.pcsc_link import Patience, PcscLink
from hardware.readers.pcsc_monitor import PcscMonitor, Snapshot
from hardware.readers.pcsc_service import PcscService, Seat
from hardware.runtime.errors import CardRemoved, NoCard, ReaderGone
from hardware.runtime.ports import Scheduler

SCHEME = "pcsc:"
_LOOK_S, _LOOK_ROUNDS = 0.1, 15
_SETTLE_S = 0.05
_STUCK_POLL_S = 0.1


def find_seat(wanted: str, seats: tuple[Seat, ...]) -> Seat | None:
    """The reader that is called so, or the only one whose name holds `wanted`.

    Raises:
        ReaderGone: several hold it; the message names them.
    """
    exact = [seat for seat in seats if seat.name == wanted]
    fitting = exact or [seat for seat in seats if wanted.casefold() in seat.name.casefold()]
    if len(fitting) > 1:
        names = ", ".join(seat.name for seat in fitting)
        raise ReaderGone(f"{wanted!r} fits several readers ({names}): give one of these names")
    return fitting[0] if fitting else None


class PcscReader:
    """A reader behind the PC/SC service, looked for by name whenever it is needed."""

    def __init__(
        self,
        wanted: str,
        service: PcscService,
        monitor: PcscMonitor,
        scheduler: Scheduler,
        patience: Patience | None = None,
    ) -> None:
        """A reader that need not be there yet.

        Args:
            wanted: its name, or a part of it that fits only one.
            service: the PC/SC functions.
            monitor: watches the readers; stays its owner's.
            scheduler: waits, in real time.
            patience: how long others are waited for.
        """
        self._wanted = wanted
        self._name = wanted
        self._service = service
        self._monitor = monitor
        self._scheduler = scheduler
        self._patience = patience or Patience()
        self._changed = asyncio.Event()
        self._link: PcscLink | None = None
        self._lights: PcscLights | None = None
        self._own_tone_off = False
        self._closed = False

    @property
    def url(self) -> str:
        """`pcsc:` and the name."""
        return SCHEME + self._name

    @property
    def name(self) -> str:
        """The whole name once the reader was seen, until then what was asked for."""
        return self._name

    @property
    def capabilities(self) -> frozenset[str]:
        """What its model can do; of an unknown one, that it carries APDUs."""
        model = model_by_name(self._name)
        return frozenset(model.capabilities if model else (APDU,))

    async def signal(self, signal: Signal, *, sound: bool) -> bool:
        """Show a moment of the till on the reader's own lights; whether it did.

        A reader that is not known to have lights is sent nothing. Not while a card is talked to.
        """
        model = model_by_name(self._name)
        if model is None or model.lighting is None:
            return False
        if self._lights is None:
            self._lights = PcscLights(self._name, self._service, model.lighting)
        commands = light_commands(model.lighting, signal, sound=sound)
        if not self._own_tone_off:
            commands = (own_tone_off(model.lighting), *commands)
        shown = await self._lights.show(commands)
        self._own_tone_off = self._own_tone_off or shown
        return shown

    async def wait_for_card(self, timeout_s: float) -> PcscLink:
        """A link to the card on the reader, or to the first that comes within `timeout_s`.

        Raises:
            NoCard: none came in time.
            ReaderGone: reader or service is not there, leaves, or hangs.
            CardHeld: another program keeps the card.
            CardMute, CardFault: what came does not talk.
        """
        self._changed = asyncio.Event()
        unsubscribe = self._monitor.subscribe(self._hear(asyncio.get_running_loop()))
        try:
            await self._look_again()
            async with asyncio.timeout(timeout_s) as limit:
                deadline = limit.when()
                while True:
                    seat = await self._seat_with_card()
                    limit.reschedule(None)  # from here on the card takes its time, not people
                    link = await self._converse(seat)
                    if link is not None:
                        return link
                    limit.reschedule(deadline)
                    await self._scheduler.sleep(_SETTLE_S)
        except TimeoutError:
            if self._hangs:
                raise ReaderGone(
                    f"{self._name} hangs, by a silent card or another program: take the card away, "
                    "or plug the reader in again"
                ) from None
            raise NoCard(f"no card on {self._name} within {timeout_s:g} s") from None
        finally:
            unsubscribe()

    async def close(self) -> None:
        """Let the reader go."""
        self._closed = True
        self._changed.set()
        if self._link is not None:
            await self._link.release()

    @property
    def _hangs(self) -> bool:
        return self._link is not None and self._link.hangs

    def _hear(self, loop: asyncio.AbstractEventLoop) -> Callable[[Snapshot], None]:
        changed = self._changed
        return lambda _snapshot: _tell(loop, changed)

    async def _look_again(self) -> None:
        """Where the reader is not known to be there, look first: it may have come back."""
        snapshot = self._monitor.snapshot
        if snapshot.fault is None and find_seat(self._wanted, snapshot.seats):
            return
        for _ in range(_LOOK_ROUNDS):  # a service that hangs leaves us with the old look
            self._monitor.look_now()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._changed.wait()
            if self._monitor.snapshot.look > snapshot.look:
                return

    async def _seat_with_card(self) -> Seat:
        """The reader as soon as a card lies on it.

        Raises:
            ReaderGone: it is not there, or it leaves.
        """
        while True:
            self._changed.clear()
            seat = self._seat()
            if self._hangs:
                await self._scheduler.sleep(_STUCK_POLL_S)
            elif seat.has_card:
                return seat
            else:
                await self._changed.wait()

    def _seat(self) -> Seat:
        if self._closed:
            raise ReaderGone(f"{self._name} was closed")
        snapshot = self._monitor.snapshot
        if snapshot.fault is not None:
            raise as_link_error(snapshot.fault, self._name)
        seat = find_seat(self._wanted, snapshot.seats)
        if seat is None or not seat.there:
            raise ReaderGone(f"{self._name} is not plugged in")
        self._name = seat.name
        return seat

    async def _converse(self, seat: Seat) -> PcscLink | None:
        """A link to what lies on `seat`; None when it left before we got to it."""
        link = self._link = PcscLink(seat.name, self._service, self._patience)
        try:
            await link.open()
        except CardRemoved:
            await link.release()
            return None
        except BaseException:
            await link.release()
            raise
        return link


def _tell(loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> None:
    loop.call_soon_threadsafe(changed.set)
