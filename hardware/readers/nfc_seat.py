"""The place at an NFC controller: it is opened, called in a thread of its own, and given up.

A call to a driver may block for as long as a cable pleases; one that does not return in time loses
the seat, whose thread tidies up when it can. Knows no card and no frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hardware.readers.nfc_controller import Controller, NfcAddress
from hardware.readers.worker import CallHung, Worker
from hardware.runtime.errors import ReaderGone

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NfcPatience:
    """How long the reader waits for others, in seconds."""

    open_s: float = 5.0
    """A driver looks for its device at several speeds."""
    call_s: float = 2.5
    """Beyond what a frame may take."""
    exchange_s: float = 2.0
    """For one command: a card may ask for more time for ever, but nobody holds it so long."""


class Seat:
    """An open controller and the thread that talks to it."""

    def __init__(
        self,
        address: NfcAddress,
        open_controller: Callable[[NfcAddress], Controller],
        patience: NfcPatience,
    ) -> None:
        """A seat that `take` opens."""
        self._address = address
        self._open_controller = open_controller
        self._patience = patience
        self._controller: Controller | None = None
        self._worker = Worker(f"nfc {address.url}", self._close)
        self._failed = False

    @property
    def controller(self) -> Controller:
        """The open controller."""
        assert self._controller is not None, "take comes first"
        return self._controller

    @property
    def lost(self) -> bool:
        """Whether it is of no use any more."""
        return self._failed or self._worker.over

    @property
    def hangs(self) -> bool:
        """Whether a call to it was given up and has not returned yet."""
        return self._worker.hangs

    async def take(self) -> None:
        """Open the controller.

        Raises:
            DriverMissing: its library is not installed.
            ReaderGone: it is not there.
        """

        def opened() -> None:
            self._controller = self._open_controller(self._address)

        try:
            await self._made(opened, self._patience.open_s)
        except BaseException:
            await self.leave()
            raise

    async def call(self, call: Callable[[], T]) -> T:
        """Make a call to the controller.

        Raises:
            ReaderGone: it does not answer; the seat is lost.
        """
        try:
            return await self._made(call, self._patience.call_s)
        except ReaderGone:
            await self.leave()
            raise

    async def leave(self) -> None:
        """Close the controller and end the thread."""
        self._failed = True
        await self._worker.finish(self._patience.call_s)

    async def _made(self, call: Callable[[], T], limit_s: float) -> T:
        try:
            return await self._worker.call(call, limit_s)
        except CallHung as hung:
            raise ReaderGone(f"{self._address.url} hangs: plug it in again") from hung

    def _close(self) -> None:
        if self._controller is not None:
            self._controller.close()
