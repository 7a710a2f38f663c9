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
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from backend.api import Clock, Event, Scheduler, Stream
from hardware.api import (
    EMULATED,
    PCSC_SCHEME,
    EmulatedReader,
    FaultyReader,
    Nfcpy,
    NfcReader,
    PcscReader,
    Reader,
    ReaderInfo,
    SecureElement,
    in_order,
    nfc_address,
    port_reader,
)
from lab.bench.flow import BenchFlow
from lab.bench.reader_words import labels
from lab.bus import Bus
from lab.errors import NotDone
from lab.json_fields import text
from lab.pos.flow import PosFlow
from lab.pos.machine import RESTING
from lab.pos.state import PosPhase
from lab.reader_roles.bench_seat import BenchSeat
from lab.reader_roles.devices import (
    ALONE,
    Device,
    Role,
    absent,
    is_trouble,
    roles_of,
    without_card,
)
from lab.reader_roles.hot_plug import HotPlug
from lab.reader_roles.lights import ReaderLights
from lab.reader_roles.memory import ReaderMemory
from lab.reader_roles.phone_seat import PhoneSeat
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
        bench: BenchFlow,
        memory: ReaderMemory,
        clock: Clock,
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
            bench: shows the readers.
            memory: roles of earlier days.
            clock: lab time, for histories.
            scheduler: real waiting.
            stream: the published card's random identifiers.
            bus: where the till's state is seen.
        """
        self._field = field
        self._till_at = till_at
        self._pos = pos
        self._element = element
        self._bench = bench
        self._memory = memory
        self._clock = clock
        self._scheduler = scheduler
        self._stream = stream
        self._real = real
        self._till = _TillSeat(real.reader if real else None, borrowed=real is not None)
        self._devices: dict[str, Device] = {EMULATED.url: Device(EMULATED)}
        self._phones: dict[str, PhoneSeat] = {}
        self._benches: dict[str, BenchSeat] = {}
        self._chosen = asyncio.Lock()
        self._hot_plug = HotPlug(scheduler, self._found, real.monitor if real else None)
        self.lights = ReaderLights(scheduler)
        self.lights.silent = memory.silent
        self.spent: Callable[[], None] = lambda: None
        self.toast: Callable[[Message], None] = lambda _what: None
        field.on_card = self._card_at_field
        bus.subscribe(self.lights.saw)
        self._begin()

    def _begin(self) -> None:
        for url in self._memory.named:
            self._devices[url] = Device(_named_reader(url), named=True)
        reader = self._till.reader
        till = self._devices[EMULATED.url]
        if reader is not None:
            till = self._devices.setdefault(reader.url, Device(_named_reader(reader.url)))
            till.there = not reader.url.startswith(PCSC_SCHEME)
        till.role = Role.TILL
        self._lights_at(reader)
        self._show()

    # -- for others ---------------------------------------------------------------------------

    @property
    def at_field(self) -> bool:
        """Whether the till stands at the emulated reader."""
        return self._till.reader is None

    @property
    def phone_at(self) -> str:
        """The name of the controller that is the phone; "" when none is."""
        return next((d.info.name for d in self._devices.values() if d.role is Role.PHONE), "")

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
            device = self._devices[self._real.reader.url]
            self._real.reader.subscribe(lambda seen: self._controller_says(device, seen))
        for device in [d for d in self._devices.values() if d.named]:
            self._scheduler.spawn(self._take_old_role(device), "reader's role")
        self._hot_plug.start()

    async def aclose(self) -> None:
        """End every seat and the watching."""
        await self._hot_plug.close()
        for url in [*self._phones, *self._benches]:
            await self._leave(self._devices[url])
        self._lights_at(None)
        if self._till.reader is not None and not self._till.borrowed:
            await self._till.reader.close()

    # -- hot-plug -----------------------------------------------------------------------------

    def _found(self, kind: str, found: tuple[ReaderInfo, ...]) -> None:
        """Every reader of one kind, as it is now."""
        readers = [info for info in found if not is_trouble(info)]
        for info in readers:
            self._seen(info)
        urls = {info.url for info in readers}
        for device in list(self._devices.values()):
            is_pcsc = device.info.url.startswith(PCSC_SCHEME)
            is_kind = device.info.url != EMULATED.url and is_pcsc == (kind == "pcsc")
            if is_kind and device.info.url not in urls and device.listed:
                self._went(device)
        self._show()

    def _seen(self, info: ReaderInfo) -> None:
        device = self._device_of(info)
        if device is None:
            device = self._devices[info.url] = Device(info, there=False)
        was_there, card = device.there, device.card
        if device.info.url != info.url:
            self._devices[info.url] = self._devices.pop(device.info.url)
        device.became(info)
        device.there = device.listed = True
        if not was_there:
            device.trouble = ""
            self._note(device, message("reader.event.up", "good"))
            if device.role is Role.NONE:
                self._scheduler.spawn(self._take_old_role(device), "reader's role")
        if device.card != card and info.driver == "pcsc":
            what = "reader.event.card" if device.card else "reader.event.gone"
            self._note(device, message(what, atr=device.card))
        self._show()

    def _device_of(self, info: ReaderInfo) -> Device | None:
        """The device that this is: by URL, by identity, or the one expected by a part of it."""
        if info.url in self._devices:
            return self._devices[info.url]
        for device in self._devices.values():
            if device.identity == info.identity and not device.there:
                return device
        scheme, _, name = info.url.partition(":")
        for url, device in self._devices.items():
            wanted = url.removeprefix(f"{scheme}:")
            expected = not device.there and url.startswith(f"{scheme}:")
            if expected and scheme == "pcsc" and wanted.casefold() in name.casefold():
                return device
        return None

    def _went(self, device: Device) -> None:
        if not device.there:
            return
        device.there = False
        device.became(without_card(device.info))
        self._note(device, message("reader.event.down", "bad"))
        what = f"reader.toast.down.{device.role.value or 'none'}"
        self.toast(message(what, "bad", name=device.label))

    async def _take_old_role(self, device: Device) -> None:
        """Play the part that it played when it was last here."""
        role = self._memory.roles.get(device.identity, Role.NONE)
        taken = role in ALONE and any(
            other.role is role for other in self._devices.values() if other.info.url != EMULATED.url
        )
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
            device = self._devices.get(url)
            if device is None or device.role is role:
                return
            if role is not Role.NONE and role not in roles_of(device.info):
                raise NotDone(f"{device.info.name} cannot be the {role.value}")
            if Role.TILL in {role, device.role}:
                await self._pause_till()
            before = device.role
            await self._leave(device)
            if role in ALONE:
                for other in [d for d in self._devices.values() if d.role is role]:
                    await self._leave(other)
                    if role is Role.PHONE:
                        self._memory.remember(other.identity, Role.NONE)
            await self._sit(device, role)
            if before is Role.TILL and role is not Role.TILL:
                await self._sit(self._devices[EMULATED.url], Role.TILL)
            if role is Role.TILL:
                self._memory.forget_till()
            if url != EMULATED.url:
                self._memory.remember(device.identity, role)
            self._show()

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
        self._note(device, message(f"reader.event.role.{role.value or 'none'}"))

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
                reader = await self._opened(device)
                if isinstance(reader, NfcReader):
                    reader.subscribe(lambda seen: self._controller_says(device, seen))
                self._till = _TillSeat(reader)
        self._till_at.use_reader(self._till.reader or self._field)
        self._lights_at(self._till.reader)
        self._pos.reader_changed()

    def _lights_at(self, reader: Reader | None) -> None:
        self.lights.reader = reader if isinstance(reader, PcscReader) else None

    def _publish_at(self, device: Device) -> None:
        address = nfc_address(device.info.url)
        assert address is not None, "only controllers can be the phone"

        def tell(what: Message, trouble: str) -> None:
            device.trouble = trouble
            self._note(device, what)
            self._show()

        seat = PhoneSeat(
            address,
            self._element,
            scheduler=self._scheduler,
            stream=self._stream,
            tell=tell,
            spent=self.spent,
        )
        self._phones[device.info.url] = seat
        seat.open()

    def _look_at(self, device: Device) -> None:
        self._scheduler.spawn(self._open_bench(device), "bench's reader")

    async def _open_bench(self, device: Device) -> None:
        reader = await self._opened(device)
        is_pcsc = device.info.url.startswith(PCSC_SCHEME)

        def card(what: str, uid: str) -> None:
            device.card, device.uid = what, uid
            if what:
                self._note(device, message("reader.event.looked", uid=uid or "-", atr=what))
            elif not is_pcsc:
                self._note(device, Message("reader.event.gone"))
            self._show()

        seat = BenchSeat(
            reader,
            scheduler=self._scheduler,
            card=card,
            trouble=lambda why: self._used(device, why),
            still_there=(lambda: bool(device.info.card)) if is_pcsc else None,
        )
        if device.role is not Role.BENCH:  # thought better of meanwhile
            await reader.close()
            return
        self._benches[device.info.url] = seat
        seat.open()

    async def _opened(self, device: Device) -> Reader:
        """The reader behind a device; it need not be there.

        Raises:
            NotDone: its library is not there.
        """
        address = nfc_address(device.info.url)
        if address is not None:
            nfcpy = await asyncio.to_thread(Nfcpy)
            return NfcReader(address, nfcpy.open, self._scheduler)
        service, monitor = self._hot_plug.service, self._hot_plug.monitor
        if service is None or monitor is None:
            raise NotDone(f"{device.info.name} cannot be opened: its library is not loaded")
        name = device.info.url.removeprefix(PCSC_SCHEME)
        return PcscReader(name, service, monitor, self._scheduler)

    def _controller_says(self, device: Device, seen: ReaderInfo) -> None:
        """A controller was opened or lost: only now its own name and what it can do are known."""
        if seen.name != seen.url:
            can = in_order((*device.info.capabilities, *seen.capabilities))
            device.info = replace(device.info, model=seen.name, capabilities=can)
        self._used(device, seen.why)
        self._show()

    def _used(self, device: Device, why: str) -> None:
        """Whoever used a reader says what is wrong with it."""
        if why == device.trouble or not device.there:  # that it is away says it all
            return
        device.trouble = why
        if why:
            self._note(device, message("reader.event.trouble", "bad", why=why))
        self._show()

    # -- by hand ------------------------------------------------------------------------------

    def add(self, url: str) -> None:
        """Put a reader that no list shows on the table, by its URL; remembered.

        Raises:
            SomethingMissing: no reader is called so.
            NotDone: only controllers are added; PC/SC readers are all listed.
        """
        if nfc_controller(url) is None or nfc_address(url) is None:
            raise NotDone(f"{url}: name a controller, like pn532:/dev/ttyUSB0 or nfcpy:usb")
        if url not in self._devices:
            self._devices[url] = Device(_named_reader(url), named=True)
            self._note(self._devices[url], Message("reader.event.added"))
            self._memory.named = [*self._memory.named, url]
            self._memory.store()
            self._show()

    async def forget(self, url: str) -> None:
        """Take a reader that was added by hand off the table.

        Raises:
            NotDone: the till is in the middle of a sale there.
        """
        device = self._devices.get(url)
        if device is None or not device.named:
            return
        await self.set_role(url, Role.NONE)
        del self._devices[url]
        self._memory.named = [known for known in self._memory.named if known != url]
        self._memory.store()
        self._show()

    def silence(self, *, silent: bool) -> None:
        """Leave the readers' own lights and buzzers alone, or take them in step again."""
        self.lights.silent = self._memory.silent = silent
        self._memory.store()
        if silent:
            self.lights.put_out()
        self._show()

    # -- showing ------------------------------------------------------------------------------

    def heard(self, event: Event) -> None:
        """Something happened at the till; a tap belongs to its reader's history."""
        if event.kind == "tap.outcome":
            outcome = text(event.data, "outcome", "")
            till = next((d for d in self._devices.values() if d.role is Role.TILL), None)
            if till is not None:
                self._note(till, message("reader.event.tap", outcome=outcome.replace("_", " ")))
                self._show()

    def _card_at_field(self, there: bool) -> None:  # noqa: FBT001 -- the hook's shape
        device = self._devices[EMULATED.url]
        device.card = tr("reader.card.phone") if there else ""
        what = "reader.event.phone" if there else "reader.event.gone"
        self._note(device, Message(what))
        self._show()

    def _note(self, device: Device, what: Message) -> None:
        device.note(self._clock.now_us(), what)

    def _show(self) -> None:
        shown = [device for device in self._devices.values() if device.is_shown]
        views = tuple(device.view() for device in shown)
        for device, label in zip(shown, labels(views), strict=True):
            device.label = label
        self._bench.readers_are(tuple(device.view() for device in shown), silent=self.lights.silent)


def _named_reader(url: str) -> ReaderInfo:
    address = nfc_address(url)
    if address is None:
        return absent(url, url.removeprefix(PCSC_SCHEME))
    if not address.on_port:
        return replace(absent(url, url), capabilities=("apdu", "frames", "emulate"))
    listed = port_reader(address.path)
    return replace(listed, url=url, name=f"PN532 at {address.path}")
