"""The readers on the table: which there are and were, and what happened to each; without Qt.

Lists come in from hot-plug, one a kind of readers; a device that has gone keeps its history and its
role until it comes back, at whichever port. Shows itself on the bench. Opens nothing and knows no
seat: who plays which role is `flow`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backend.api import Clock
from hardware.api import EMULATED, PCSC_SCHEME, ReaderInfo, in_order, nfc_address, port_reader
from lab.bench.flow import BenchFlow
from lab.bench.reader_words import labels
from lab.reader_roles.devices import Device, Role, absent, is_trouble, without_card
from lab.words import Message, message

TOLD = frozenset({"reader.up", "reader.down", "reader.card", "reader.gone"})
"""What goes into the session's film; whose card it was does not."""


class ReaderTable:
    """Devices by URL, the emulated reader always among them."""

    def __init__(self, bench: BenchFlow, clock: Clock) -> None:
        """A table with the emulated reader.

        Args:
            bench: shows the readers.
            clock: lab time, for histories.
        """
        self._bench = bench
        self._clock = clock
        self.devices: dict[str, Device] = {EMULATED.url: Device(EMULATED)}
        self.silent = False
        """Whether readers show nothing themselves, for the bench to say."""
        self.came: Callable[[Device], None] = lambda _device: None
        self.emit: Callable[[str, ReaderInfo], None] = lambda _kind, _info: None
        self.toast: Callable[[Message], None] = lambda _what: None

    @property
    def emulated(self) -> Device:
        """The emulated reader."""
        return self.devices[EMULATED.url]

    def with_role(self, role: Role) -> Device | None:
        """The (first) device that plays a role."""
        return next((device for device in self.devices.values() if device.role is role), None)

    def found(self, kind: str, found: tuple[ReaderInfo, ...]) -> None:
        """Every reader of one kind, as it is now."""
        readers = [info for info in found if not is_trouble(info)]
        for info in readers:
            self.seen(info)
        urls = {info.url for info in readers}
        gone = [
            device
            for device in self.devices.values()
            if device.is_of(kind) and device.info.url not in urls and device.listed and device.there
        ]
        for device in sorted(gone, key=lambda device: bool(device.role)):
            self._went(device)  # the last toast is about one that somebody needs
        self.show()

    def seen(self, info: ReaderInfo) -> None:
        """A reader is there, perhaps again, perhaps with another card on it."""
        device = self._device_of(info)
        if device is None:
            device = self.devices[info.url] = Device(info, there=False)
        was_there, card = device.there, device.card
        if device.info.url != info.url:
            self.devices[info.url] = self.devices.pop(device.info.url)
        device.became(info)
        device.there = device.listed = True
        if not was_there:
            device.trouble = ""
            self.note(device, message("reader.event.up", "good"))
            self.came(device)
        if device.card != card and info.driver == "pcsc":
            what = "reader.event.card" if device.card else "reader.event.gone"
            self.note(device, message(what, atr=device.card))
        self.show()

    def _device_of(self, info: ReaderInfo) -> Device | None:
        """The device that this is: by URL, by identity, or the one expected by a part of it."""
        if info.url in self.devices:
            return self.devices[info.url]
        for device in self.devices.values():
            if device.identity == info.identity and not device.there:
                return device
        scheme, _, name = info.url.partition(":")
        for url, device in self.devices.items():
            wanted = url.removeprefix(f"{scheme}:")
            expected = not device.there and url.startswith(f"{scheme}:")
            if expected and scheme == "pcsc" and wanted.casefold() in name.casefold():
                return device
        return None

    def _went(self, device: Device) -> None:
        device.there = False
        device.became(without_card(device.info))
        self.note(device, message("reader.event.down", "bad"))
        what = f"reader.toast.down.{device.role.value or 'none'}"
        self.toast(message(what, "bad", name=device.label))

    def controller_says(self, device: Device, seen: ReaderInfo) -> None:
        """A controller was opened or lost: only now its own name and what it can do are known."""
        if seen.name != seen.url:
            can = in_order((*device.info.capabilities, *seen.capabilities))
            device.info = replace(device.info, model=seen.name, capabilities=can)
        self.used(device, seen.why)
        self.show()

    def used(self, device: Device, why: str) -> None:
        """Whoever used a reader says what is wrong with it."""
        if why == device.trouble or not device.there:  # that it is away says it all
            return
        device.trouble = why
        if why:
            self.note(device, message("reader.event.trouble", "bad", why=why))
        self.show()

    def note(self, device: Device, what: Message) -> None:
        """Something happened to it, now; coming and going is told to everybody."""
        kind = what.key.replace("reader.event.", "reader.")
        if kind in TOLD:
            self.emit(kind, device.info)
        device.note(self._clock.now_us(), what)

    def show(self) -> None:
        """Show the table on the bench."""
        shown = [device for device in self.devices.values() if device.is_shown]
        views = tuple(device.view() for device in shown)
        for device, label in zip(shown, labels(views), strict=True):
            device.label = label
        self._bench.readers_are(tuple(device.view() for device in shown), silent=self.silent)


def named_reader(url: str) -> ReaderInfo:
    """A reader that somebody named by its URL, before anything was seen of it."""
    address = nfc_address(url)
    if address is None:
        return absent(url, url.removeprefix(PCSC_SCHEME))
    if not address.on_port:
        return replace(absent(url, url), capabilities=("apdu", "frames", "emulate"))
    listed = port_reader(address.path)
    return replace(listed, url=url, name=f"PN532 at {address.path}")
