"""A TCP proxy between switch and network host that carries out what the fault board says.

Theory of operation. It knows frames (two-byte length) and nothing inside them. With no verdict a
frame is passed on in the same turn of the event loop. Later frames may overtake a delayed one, as
they may on a network with many paths, and set one free that is held back until then; only frames
that trickle or come in pieces are written one after another. Delays are input/output time, not lab
time. Bytes that are no frames end both sides.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import cast

from backend.networks.message import FrameBuffer, frame
from backend.runtime.errors import MessageError
from backend.switch.wire import PASS, Direction, Overtaking, Verdict, WireFaults

LOOPBACK = "127.0.0.1"
log = logging.getLogger(__name__)


class FaultProxy:
    """One link's proxy.

    Attributes:
        link: its name on the fault board, such as "visa.auth".
    """

    def __init__(self, link: str, upstream: tuple[str, int], faults: WireFaults) -> None:
        self.link = link
        self._upstream = upstream
        self._faults = faults
        self._server: asyncio.Server | None = None
        self._channels: set[_Channel] = set()

    async def start(self) -> tuple[str, int]:
        """Listen on a free port of loopback; the address to connect to."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, LOOPBACK, 0)
        address: tuple[str, int] = self._server.sockets[0].getsockname()
        return address

    async def stop(self) -> None:
        """Stop listening and tear every connection down."""
        if self._server is None:
            return
        self._server.close()
        for channel in tuple(self._channels):
            await channel.end()
        await self._server.wait_closed()
        self._server = None

    def _accept(self) -> _End:
        channel = _Channel(self.link, self._upstream, self._faults, self._channels)
        return channel.near


@dataclass(eq=False)
class _End(asyncio.Protocol):
    """One side of a channel: the switch's (near) or the network's (far)."""

    channel: _Channel
    sends: Direction
    frames: FrameBuffer = field(default_factory=FrameBuffer)
    transport: asyncio.WriteTransport | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    arrivals: Overtaking = field(default_factory=Overtaking)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop derives from neither
        self.channel.opened(self)

    def data_received(self, data: bytes) -> None:
        try:
            frames = self.frames.feed(data)
        except MessageError as error:
            log.warning("%s: %s", self.channel.link, error)
            self.channel.abort()
            return
        for raw in frames:
            self.channel.carry(self.sends, raw)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's contract
        self.transport = None
        self.lost.set()
        self.channel.closed(self)

    def write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class _Channel:
    """A connection of the switch and the one to the host that belongs to it."""

    def __init__(
        self,
        link: str,
        upstream: tuple[str, int],
        faults: WireFaults,
        everyone: set[_Channel],
    ) -> None:
        self.link = link
        self._upstream = upstream
        self._faults = faults
        self._everyone = everyone
        self.near = _End(self, Direction.REQUEST)
        self.far = _End(self, Direction.ANSWER)
        self._early: list[bytes] = []
        self._deaf = False
        self._tasks: set[asyncio.Task[None]] = set()

    def opened(self, end: _End) -> None:
        """The switch connected, or the host was reached."""
        if end is self.near:
            self._everyone.add(self)
            self._spawn(self._connect())
        else:
            for raw in self._early:
                self.carry(Direction.REQUEST, raw)
            self._early.clear()

    def closed(self, end: _End) -> None:
        """One side is gone: pass that on, perhaps later; after `half_open`, never."""
        if end is self.near:
            self.far.abort()
            self._everyone.discard(self)
        elif not self._deaf and self.near.transport is not None:  # the host closed it
            delay_us = self._faults.close_delay_us(self.link)
            asyncio.get_running_loop().call_later(delay_us / 1e6, self.near.abort)

    def carry(self, direction: Direction, raw: bytes) -> None:
        """Pass one frame on, as the board says."""
        if self._deaf:
            return
        if direction is Direction.REQUEST and self.far.transport is None:
            self._early.append(raw)
            return
        verdict = self._faults.judge(self.link, direction, raw)
        target = self.far if direction is Direction.REQUEST else self.near
        if verdict is PASS and not target.lock.locked():
            target.write(frame(raw))
            target.arrivals.passed()
        elif verdict.reset:
            self.abort()
        elif verdict.half_open:
            self._deaf = True
            self.far.abort()
        elif verdict.answer is not None:
            for _ in range(verdict.copies):
                self.carry(Direction.ANSWER, verdict.answer)
        elif verdict.copies or verdict.cut_after is not None:
            self._spawn(self._deliver(target, verdict, raw))

    def abort(self) -> None:
        """Tear both sides down."""
        self.near.abort()
        self.far.abort()

    async def end(self) -> None:
        """Tear down and wait until nothing is left."""
        self.abort()
        await self.near.lost.wait()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.far.abort()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self.far, *self._upstream)
        except OSError as error:
            log.info("%s: the host cannot be reached: %s", self.link, error)
            self.near.abort()
            return
        if self.near.transport is None:  # the switch went away meanwhile
            self.far.abort()

    async def _deliver(self, target: _End, verdict: Verdict, raw: bytes) -> None:
        if verdict.delay_us:
            await asyncio.sleep(verdict.delay_us / 1e6)
        if verdict.held_us:
            await target.arrivals.wait(verdict.held_us)
        data = frame(verdict.arriving(raw)) * verdict.copies
        async with target.lock:
            if verdict.rate_bytes_s:
                await asyncio.sleep(len(data) / verdict.rate_bytes_s)
            if verdict.cut_after is not None:
                await self._cut(target, data[: verdict.cut_after])
                return
            size = verdict.slice_bytes or len(data)
            for start in range(0, len(data), size):
                if start:
                    await asyncio.sleep(verdict.slice_gap_us / 1e6)
                target.write(data[start : start + size])
        target.arrivals.passed()

    async def _cut(self, target: _End, data: bytes) -> None:
        target.write(data)
        if target.transport is not None:
            target.transport.close()  # after what was written
        await target.lost.wait()
        self.abort()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
