"""The reader behind a device, opened by the driver that its URL names."""

from __future__ import annotations

import asyncio

from backend.api import Scheduler
from hardware.api import (
    PCSC_SCHEME,
    DriverMissing,
    Nfcpy,
    NfcReader,
    PcscReader,
    Reader,
    nfc_address,
)
from lab.errors import NotDone
from lab.reader_roles.devices import Device
from lab.reader_roles.hot_plug import HotPlug


async def opened(device: Device, hot_plug: HotPlug, scheduler: Scheduler) -> Reader:
    """A reader that need not be there yet; whoever opened it closes it.

    Args:
        device: which.
        hot_plug: has the PC/SC service and its monitor.
        scheduler: waits, in real time.

    Raises:
        NotDone: its library is not there.
    """
    address = nfc_address(device.info.url)
    if address is not None:
        try:
            nfcpy = await asyncio.to_thread(Nfcpy)
        except DriverMissing as missing:
            raise NotDone(f"{missing.what}: {missing.remedy}") from missing
        return NfcReader(address, nfcpy.open, scheduler)
    service, monitor = hot_plug.service, hot_plug.monitor
    if service is None or monitor is None:
        raise NotDone(f"{device.info.name} cannot be opened: its library is not loaded")
    name = device.info.url.removeprefix(PCSC_SCHEME)
    return PcscReader(name, service, monitor, scheduler)
