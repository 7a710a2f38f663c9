"""NFC controllers by nfcpy: its device drivers as they are, and none of its protocols.

The only place that imports nfcpy, and only when a controller is asked for. Taken from it: finding a
device, selecting a card of type A, sending a frame, being a card. Left: its activation of Type 4
tags and its discovery, which fail on short answers to select and refuse phones whose SAK has bit 7
set. Whatever a driver raises about a device that does not answer as it should becomes `ReaderGone`
with what to do; silence and garbled frames are values. Decides nothing.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import sys
from collections.abc import Iterator
from typing import Any

from hardware.readers.isodep_initiator import Heard, Trouble
from hardware.readers.nfc_controller import Found, Gone, Identity, NfcAddress, Selected
from hardware.runtime.errors import DriverMissing, HardwareError, ReaderGone

_TYPE_A = "106A"
_TYPE_2_BITS = 0x60
_EMULATING = {"pn532", "pn533", "rcs380"}
"""nfcpy's drivers that listen as type A with frames of their own; its UDP one listens to anyone."""
_LISTEN_MIN_S = 0.5
_LEFT_OVER_MAX, _LEFT_OVER_MS = 8, 50


def usb_controllers() -> tuple[tuple[int, int, int, int], ...]:
    """USB vendor, product, bus and address of what nfcpy has a driver for.

    Raises:
        DriverMissing: nfcpy or libusb is not installed.
        ReaderGone: USB cannot be asked.
    """
    nfcpy = Nfcpy()
    with _device_faults("USB"):
        return tuple(
            (vendor, product, bus, address)
            for vendor, product, bus, address in nfcpy.transport.USB.find("usb") or ()
            if (vendor, product) in nfcpy.device.usb_device_map
        )


def serial_ports() -> tuple[str, ...]:
    """Serial ports of this machine that are devices of their own, not the mainboard's.

    Raises:
        DriverMissing: nfcpy is not installed.
    """
    ports = Nfcpy().transport.serial.tools.list_ports.comports()
    return tuple(port.device for port in ports if port.vid is not None)


def serial_numbers() -> dict[str, str]:
    """Serial numbers of the devices behind serial ports, by port; those that tell one.

    Raises:
        DriverMissing: nfcpy is not installed.
    """
    ports = Nfcpy().transport.serial.tools.list_ports.comports()
    return {port.device: port.serial_number for port in ports if port.serial_number}


class Nfcpy:
    """nfcpy's modules, loaded; it has no types, hence Any."""

    def __init__(self) -> None:
        """Load them.

        Raises:
            DriverMissing: they are not there, or libusb is not.
        """
        try:
            import nfc.clf.device
            import nfc.clf.pn532
            import nfc.clf.transport
        except (ImportError, OSError) as absent:
            raise DriverMissing(f"NFC library: {absent}", _library_remedy()) from absent
        # It logs what it raises, and would print that where nobody asked for it.
        quiet = logging.getLogger("nfc")
        if not quiet.handlers:
            quiet.addHandler(logging.NullHandler())
        self.clf = nfc.clf
        self.device = nfc.clf.device
        self.transport = nfc.clf.transport
        self._pn532 = nfc.clf.pn532

    def open(self, address: NfcAddress) -> NfcpyController:
        """The controller at an address; blocks for up to a second.

        Raises:
            ReaderGone: nothing is there, it may not be used, or it does not answer.
        """
        with _device_faults(address.url):
            if address.on_port:
                device = self._on_port(address.path)
            else:
                device = self.device.connect(address.path)
        if device is None:
            raise ReaderGone(f"no NFC controller at {address.url}: {_remedy(errno.ENODEV)}")
        return NfcpyController(self.clf, device, address.url)

    def _on_port(self, port: str) -> Any:
        """A PN532 at a serial port of any name; nfcpy itself knows a few patterns only."""
        line = self.transport.TTY(port)
        try:
            return self._pn532.init(line)
        except BaseException:
            line.close()
            raise


class NfcpyController:
    """`Controller` by one of nfcpy's devices."""

    def __init__(self, clf: Any, device: Any, url: str) -> None:
        """Drive an open device of nfcpy's; `clf` is its module of that name."""
        self._clf = clf
        self._device = device
        self._url = url

    @property
    def name(self) -> str:
        """The chip's name, or the product's."""
        device = self._device
        words = (device.vendor_name, device.product_name, getattr(device, "_chipset_name", ""))
        return " ".join(word for word in words if word) or self._url

    @property
    def can_emulate(self) -> bool:
        """By driver; an ACR122U's firmware does not let anyone."""
        return type(self._device).__module__.rpartition(".")[2] in _EMULATING

    def sense(self) -> Found | None:
        """Select a card of type A."""
        with _device_faults(self._url):
            found = self._device.sense_tta(self._clf.RemoteTarget(_TYPE_A))
        if found is None:
            return None
        sak = found.sel_res[0] if found.sel_res else 0
        return Found(sak, bytes(found.sdd_res or b""), found, bytes(found.sens_res or b""))

    def exchange(self, card: Found, frame: bytes, wait_us: int) -> Heard:
        """Send a frame to the card."""
        try:
            return self._heard(
                lambda: self._device.send_cmd_recv_rsp(
                    card.handle, bytearray(frame), wait_us / 1_000_000
                )
            )
        except self._clf.BrokenLinkError:  # nothing will come any more
            return Trouble.SILENCE

    def field_off(self) -> None:
        """End the field."""
        with _device_faults(self._url):
            self._device.mute()

    def listen(self, identity: Identity, limit_s: float) -> Selected | None:
        """Be a card; nfcpy answers RATS with the given ATS where the chip lets it."""
        target = self._clf.LocalTarget(
            _TYPE_A,
            sens_res=bytearray(identity.atqa),
            sdd_res=bytearray(identity.uid),
            sel_res=bytearray([identity.sak]),
            rats_res=bytearray(identity.ats),
        )
        with _device_faults(self._url):
            selected = self._device.listen_tta(target, max(limit_s, _LISTEN_MIN_S))
        if selected is None or not selected.tt4_cmd:
            return None
        return Selected(bytes(selected.tt4_cmd), selected)

    def respond(self, reader: Selected, frame: bytes | None, limit_s: float) -> Heard | Gone:
        """Send a frame to the reader and hear its next."""
        try:
            return self._heard(
                lambda: self._device.send_rsp_recv_cmd(
                    reader.handle, bytearray(frame) if frame else None, limit_s
                )
            )
        except self._clf.BrokenLinkError:
            return Gone.FIELD_OFF

    def close(self) -> None:
        """Give the device back; one that was unplugged needs no farewell."""
        with contextlib.suppress(ReaderGone), _device_faults(self._url):
            self._device.close()

    def _heard(self, call: Any) -> Heard:
        """What a frame led to.

        A chip that does not acknowledge the host within 0.1 s is EIO to nfcpy: on a busy machine it
        is only late, and ISO-DEP asks again; of one that has gone the next other call will tell.
        """
        try:
            with _device_faults(self._url, self._clf.CommunicationError):
                try:
                    return bytes(call() or b"")
                except OSError as late:
                    if late.errno != errno.EIO:
                        raise
                    self._fall_in_step()
                    return Trouble.SILENCE
        except self._clf.BrokenLinkError:
            raise
        except self._clf.TimeoutError:
            return Trouble.SILENCE
        except self._clf.CommunicationError:
            return Trouble.GARBLED

    def _fall_in_step(self) -> None:
        """Stop what the chip does and hear it out, lest its next answer belong to this command."""
        chipset: Any = getattr(self._device, "chipset", None)
        if not hasattr(chipset, "send_ack"):
            return
        chipset.send_ack()
        with contextlib.suppress(OSError):  # nothing more comes
            for _ in range(_LEFT_OVER_MAX):
                chipset.transport.read(_LEFT_OVER_MS)


@contextlib.contextmanager
def _device_faults(where: str, passing: type[Exception] = HardwareError) -> Iterator[None]:
    """Whatever a driver makes of a device that is gone or talks nonsense is `ReaderGone`."""
    try:
        yield
    except (passing, HardwareError):
        raise
    except OSError as fault:
        raise ReaderGone(f"{where}: {_reason(fault)}") from fault
    except Exception as fault:  # nfcpy raises what the chip's bytes make of it: index, chip error
        if fault.args and fault.args[0] == errno.EIO:  # termios.error, which is no OSError
            raise ReaderGone(f"{where}: {_reason(OSError(*fault.args))}") from fault
        raise ReaderGone(f"{where} does not answer as it should: {fault!r}") from fault


def _reason(fault: OSError) -> str:
    known = {
        errno.ENOENT: "it is not plugged in",
        errno.ENXIO: "it is not plugged in",
        errno.EIO: "it was unplugged, or does not answer any more",
        errno.ENODEV: "no NFC controller answers there",
        errno.EACCES: "this user may not use it",
        errno.EBUSY: "another program or a kernel module uses it",
        errno.ETIMEDOUT: "it does not answer",
    }
    code = fault.errno or 0
    return f"{known.get(code, str(fault))}: {_remedy(code)}"


def _remedy(code: int, system: str = sys.platform) -> str:
    match code:
        case errno.EACCES:
            if system.startswith("linux"):
                return "sudo adduser $USER dialout, log out and in (on USB a udev rule instead)"
            return "log in at the machine"
        case errno.EBUSY:
            return "close the other program, on Linux also sudo modprobe -r pn533_usb pn533 port100"
        case errno.ENODEV | errno.ETIMEDOUT:
            return "check cable and switches (HSU mode for a PN532 on a serial port)"
        case _:
            return "plug it in again"


def _library_remedy(system: str = sys.platform) -> str:
    if system.startswith("linux"):
        return (
            "sudo apt-get install -y libusb-1.0-0, then python3 start.py "
            "(with the wheel: pip install 'tap-lab[drivers]')"
        )
    return "python3 start.py installs it (with the wheel: pip install 'tap-lab[drivers]')"
