"""A PC/SC reader on the private service, and real time in small portions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from hardware.api import PcscMonitor, PcscReader, Snapshot, Winscard
from hardware.readers.pcsc_link import Patience
from tests.pcsc_stack import PcscStack

SHORT = Patience(connect_s=2.0, exchange_s=0.25, sharing_s=0.3)
FIELD_S = 3.0


class RealTime:
    """Waiting, as the live world does it."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Desk:
    """A service with a monitor, at which readers are opened."""

    stack: PcscStack
    monitor: PcscMonitor
    service: Winscard
    patience: Patience = SHORT

    def reader(self, name: str = "") -> PcscReader:
        wanted = name or self.stack.reader_name()
        return PcscReader(wanted, self.service, self.monitor, RealTime(), self.patience)

    @asynccontextmanager
    async def link(self, reader: PcscReader) -> AsyncIterator:
        link = await reader.wait_for_card(FIELD_S)
        try:
            yield link
        finally:
            await link.release()

    def until(self, reached: Callable[[Snapshot], bool]) -> None:
        """Wait until the monitor has seen something."""
        seen = threading.Event()

        def look(snapshot: Snapshot) -> None:
            if reached(snapshot):
                seen.set()

        forget = self.monitor.subscribe(look)
        assert reached(self.monitor.snapshot) or seen.wait(FIELD_S)
        forget()

    def until_card(self) -> None:
        """Wait until the service has seen a card."""
        self.until(lambda snapshot: any(seat.has_card for seat in snapshot.seats))


@pytest.fixture
def desk(pcsc_stack: PcscStack) -> Iterator[Desk]:
    service = Winscard()
    monitor = PcscMonitor(service)
    yield Desk(pcsc_stack, monitor, service)
    monitor.close()
