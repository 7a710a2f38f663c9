"""The readers' presenter: which there are, what each is for, and what happened to it; without Qt.

Theory of operation: hot-plug hands over lists; each device keeps its history while it is away. A
device that comes takes the role it had when it was last here. A role is played by a seat: the till
stands at one reader and goes on standing there while it is unplugged (the amount stays, the chip
says so); the phone's card is in one controller's field; the bench looks at any number. One reader
has one seat, so that no two of ours get at one device. Changing the till's reader ends its waiting
for a card and nothing else; while a card is read or a bank asked, it is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from backend.api import Event, Scheduler, Stream
from hardware.api import (
    EMULATED,
    PCSC_SCHEME,
    EmulatedReader,
    FaultyReader,
    NfcAddress,
    NfcReader,
    PcscReader,
    Reader,
    SecureElement,
    nfc_address,
)
from lab.bus import Bus
from lab.errors import NotDone
from lab.json_fields import text
from lab.pos.flow import PosFlow
from lab.pos.machine import RESTING
from lab.pos.state import PosPhase
from lab.published_trace import PublishedTrace
from lab.reader_roles.bench_seat import BenchSeat
from lab.reader_roles.devices import (
    ALONE,
    Device,
    Role,
    roles_of,
)
from lab.reader_roles.hot_plug import HotPlug
from lab.reader_roles.lights import ReaderLights
from lab.reader_roles.memory import ReaderMemory
from lab.reader_roles.opening import opened
from lab.reader_roles.phone_seat import PhoneSeat
from lab.reader_roles.table import ReaderTable, named_reader
from lab.readers import RealReader, nfc_controller
from lab.words import Message, message, tr


@dataclass(slots=True)
class _TillSeat:
    """The reader that was opened for the till; none for the emulated one."""

    reader: Reader | None = None
    borrowed: bool = False
    """Whether somebody else closes it (`--reader`)."""


class RolesFlow:
    """The readers on the table."""

    def __init__(  # noqa: PLR0913 -- every port by its name
        self,
        *,
        field: EmulatedReader,
        till_at: FaultyReader,
        real: RealReader | None,
        pos: PosFlow,
        element: SecureElement,
        table: ReaderTable,
        memory: ReaderMemory,
        scheduler: Scheduler,
        stream: Stream,
        bus: Bus,
    ) -> None:
        """Readers as they are before anybody has looked.

        Args:
            field: the emulated reader.
            till_at: the till's reader, whichever is inside.
            real: the one that this run was told to use, opened by somebody else.
            pos: the till.
            element: the phone's secure element.
            table: the readers that there are.
            memory: roles of earlier days.
            scheduler: real waiting.
            stream: the published card's random identifiers.
            bus: where the till's state is seen.
        """
        self._field = field
        self._till_at = till_at
        self._pos = pos
        self._element = element
        self._memory = memory
        self._scheduler = scheduler
        self._stream = stream
        self._real = real
        self._till = _TillSeat(real.reader if real else None, borrowed=real is not None)
        self._table = table
        self._phones: dict[str, PhoneSeat] = {}
        self._benches: dict[str, BenchSeat] = {}
        self._chosen = asyncio.Lock()
        self._hot_plug = HotPlug(scheduler, self._table.found, real.monitor if real else None)
        self.lights = ReaderLights(scheduler)
        self.lights.silent = self._table.silent = memory.silent
        self.spent: Callable[[], None] = lambda: None
        self.trace_for: Callable[[NfcAddress], PublishedTrace | None] = lambda _address: None
        self.take_back: Callable[[], Awaitable[None]] = _nothing_lent
        self.till_moved: Callable[[], None] = lambda: None
        self._table.came = self._came
        field.on_card = self._card_at_field
        bus.subscribe(self.lights.saw)
        self._begin()

    def _begin(self) -> None:
        for url in self._memory.named:
            self._table.devices[url] = Device(named_reader(url), named=True)
        reader = self._till.reader
        till = self._table.emulated
        if reader is not None:
            till = self._table.devices.setdefault(reader.url, Device(named_reader(reader.url)))
            till.there = not reader.url.startswith(PCSC_SCHEME)
        till.role = Role.TILL
        self._lights_at(reader)
        self._table.show()

    # -- for others ---------------------------------------------------------------------------

    @property
    def at_field(self) -> bool:
        """Whether the till stands at the emulated reader."""
        return self._till.reader is None

    @property
    def phone_at(self) -> str:
        """The name of the controller that is the phone; "" when none is."""
        device = self._table.with_role(Role.PHONE)
        return device.info.name if device else ""

    @contextlib.asynccontextmanager
    async def bench_reader(self) -> AsyncIterator[Reader | None]:
        """The reader that has the role bench, for talking to what lies there; None without one.

        Its watch rests meanwhile. The caller waits for the card, and releases the link.
        """
        seat = next(iter(self._benches.values()), None)
        if seat is None:
            yield None
            return
        async with seat.borrowed() as reader:
            yield reader

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to watch for readers, and to play the roles of those that are there."""
        if self._real is not None and isinstance(self._real.reader, NfcReader):
            device = self._table.devices[self._real.reader.url]
            self._real.reader.subscribe(lambda seen: self._table.controller_says(device, seen))
        for device in [d for d in self._table.devices.values() if d.named]:
            self._scheduler.spawn(self._take_old_role(device), "reader's role")
        self._hot_plug.start()

    async def aclose(self) -> None:
        """End every seat and the watching."""
        await self._hot_plug.close()
        for url in [*self._phones, *self._benches]:
            await self._leave(self._table.devices[url])
        self._lights_at(None)
        if self._till.reader is not None and not self._till.borrowed:
            await self._till.reader.close()

    def _came(self, device: Device) -> None:
        if device.role is Role.NONE:
            self._scheduler.spawn(self._take_old_role(device), "reader's role")

    async def _take_old_role(self, device: Device) -> None:
        """Play the part that it played when it was last here."""
        role = self._memory.roles.get(device.identity, Role.NONE)
        taken = role in ALONE and self._table.with_role(role) not in (None, self._table.emulated)
        if role is Role.NONE or device.role is not Role.NONE or taken:
            return
        with contextlib.suppress(NotDone):  # in the middle of a sale: it can be chosen by hand
            await self.set_role(device.info.url, role)

    # -- roles --------------------------------------------------------------------------------

    async def set_role(self, url: str, role: Role) -> None:
        """Let a reader play a role, and remember it.

        Raises:
            NotDone: it cannot, or the till is in the middle of a sale.
        """
        async with self._chosen:
            device = self._table.devices.get(url)
            if device is None or device.role is role:
                return
            if role is not Role.NONE and role not in roles_of(device.info):
                raise NotDone(f"{device.info.name} cannot be the {role.value}")
            if Role.TILL in {role, device.role}:
                await self._pause_till()
            await self._clear(device, role)
            try:
                await self._sit(device, role)
            except NotDone:
                device.role = Role.NONE
                raise
            finally:
                if self._table.with_role(Role.TILL) is None:
                    await self._sit(self._table.emulated, Role.TILL)
                self._table.show()
            if role is Role.TILL:
                self._memory.forget_till()
            if url != EMULATED.url:
                self._memory.remember(device.identity, role)

    async def _clear(self, device: Device, role: Role) -> None:
        """End what the device plays, and whoever plays what it shall."""
        await self._leave(device)
        if role not in ALONE:
            return
        for other in [other for other in self._table.devices.values() if other.role is role]:
            await self._leave(other)
            if role is Role.PHONE:
                self._memory.remember(other.identity, Role.NONE)

    async def _pause_till(self) -> None:
        """End the till's waiting for a card; not what comes after it.

        Raises:
            NotDone: a card is being read, or the bank asked.
        """
        if self._pos.state.phase is PosPhase.PRESENT:
            self._pos.cancel()
            while self._pos.state.phase is PosPhase.PRESENT:
                await self._scheduler.sleep(0.01)
        if self._pos.state.phase not in RESTING:
            raise NotDone("the till is in the middle of a sale: change its reader after it")
        await self.take_back()

    async def _sit(self, device: Device, role: Role) -> None:
        device.role = role
        device.trouble = ""
        match role:
            case Role.TILL:
                await self._stand_at(device)
            case Role.PHONE:
                self._publish_at(device)
            case Role.BENCH:
                self._look_at(device)
            case Role.NONE:
                pass
        self._table.note(device, message(f"reader.event.role.{role.value or 'none'}"))

    async def _leave(self, device: Device) -> None:
        url, role = device.info.url, device.role
        device.role = Role.NONE
        if phone := self._phones.pop(url, None):
            await phone.close()
        if bench := self._benches.pop(url, None):
            await bench.close()
            device.card, device.uid = device.info.card or "", ""
        if role is Role.TILL and self._till.reader is not None:
            reader, borrowed = self._till.reader, self._till.borrowed
            self._till = _TillSeat()
            self._till_at.use_reader(self._field)
            self._lights_at(None)
            if not borrowed:
                await reader.close()

    async def _stand_at(self, device: Device) -> None:
        if device.info.url != EMULATED.url:
            if self._real is not None and self._real.reader.url == device.info.url:
                self._till = _TillSeat(self._real.reader, borrowed=True)
            else:
                reader = await opened(device, self._hot_plug, self._scheduler)
                if isinstance(reader, NfcReader):
                    reader.subscribe(lambda seen: self._table.controller_says(device, seen))
                self._till = _TillSeat(reader)
        self._till_at.use_reader(self._till.reader or self._field)
        self._lights_at(self._till.reader)
        self._pos.reader_changed()
        self.till_moved()

    def _lights_at(self, reader: Reader | None) -> None:
        self.lights.reader = reader if isinstance(reader, PcscReader) else None

    def _publish_at(self, device: Device) -> None:
        address = nfc_address(device.info.url)
        assert address is not None, "only controllers can be the phone"

        def tell(what: Message, trouble: str) -> None:
            device.trouble = trouble
            self._table.note(device, what)
            self._table.show()

        seat = PhoneSeat(
            address,
            self._element,
            scheduler=self._scheduler,
            stream=self._stream,
            tell=tell,
            spent=self.spent,
            trace=self.trace_for(address),
        )
        self._phones[device.info.url] = seat
        seat.open()

    def _look_at(self, device: Device) -> None:
        self._scheduler.spawn(self._open_bench(device), "bench's reader")

    async def _open_bench(self, device: Device) -> None:
        try:
            reader = await opened(device, self._hot_plug, self._scheduler)
        except NotDone as absent:
            self._table.used(device, str(absent))
            return
        is_pcsc = device.info.url.startswith(PCSC_SCHEME)

        def card(what: str, uid: str) -> None:
            device.card, device.uid = what, uid
            if what:
                self._table.note(device, message("reader.event.looked", uid=uid or "-", atr=what))
            elif not is_pcsc:
                self._table.note(device, Message("reader.event.gone"))
            self._table.show()

        seat = BenchSeat(
            reader,
            scheduler=self._scheduler,
            card=card,
            trouble=lambda why: self._table.used(device, why),
            still_there=(lambda: bool(device.info.card)) if is_pcsc else None,
        )
        if device.role is not Role.BENCH:  # thought better of meanwhile
            await reader.close()
            return
        self._benches[device.info.url] = seat
        seat.open()

    # -- by hand ------------------------------------------------------------------------------

    def add(self, url: str) -> None:
        """Put a reader that no list shows on the table, by its URL; remembered.

        Raises:
            SomethingMissing: no reader is called so.
            NotDone: only controllers are added; PC/SC readers are all listed.
        """
        if nfc_controller(url) is None or nfc_address(url) is None:
            raise NotDone(f"{url}: name a controller, like pn532:/dev/ttyUSB0 or nfcpy:usb")
        if url not in self._table.devices:
            self._table.devices[url] = Device(named_reader(url), named=True)
            self._table.note(self._table.devices[url], Message("reader.event.added"))
            self._memory.named = [*self._memory.named, url]
            self._memory.store()
            self._table.show()

    async def forget(self, url: str) -> None:
        """Take a reader that was added by hand off the table.

        Raises:
            NotDone: the till is in the middle of a sale there.
        """
        device = self._table.devices.get(url)
        if device is None or not device.named:
            return
        await self.set_role(url, Role.NONE)
        del self._table.devices[url]
        self._memory.named = [known for known in self._memory.named if known != url]
        self._memory.store()
        self._table.show()

    def silence(self, *, silent: bool) -> None:
        """Leave the readers' own lights and buzzers alone, or take them in step again."""
        self.lights.silent = self._table.silent = self._memory.silent = silent
        self._memory.store()
        if silent:
            self.lights.put_out()
        self._table.show()

    # -- showing ------------------------------------------------------------------------------

    def heard(self, event: Event) -> None:
        """Something happened at the till; a tap belongs to its reader's history."""
        if event.kind == "tap.outcome":
            outcome = text(event.data, "outcome", "")
            till = self._table.with_role(Role.TILL)
            if till is not None:
                self._table.note(
                    till, message("reader.event.tap", outcome=outcome.replace("_", " "))
                )
                self._table.show()

    def _card_at_field(self, there: bool) -> None:  # noqa: FBT001 -- the hook's shape
        device = self._table.emulated
        device.card = tr("reader.card.phone") if there else ""
        what = "reader.event.phone" if there else "reader.event.gone"
        self._table.note(device, Message(what))
        self._table.show()


async def _nothing_lent() -> None:
    """Nobody borrows the till's reader."""
