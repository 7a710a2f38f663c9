"""The switch's connection to one network host: many exchanges at once on one TCP connection.

Theory of operation. `send` writes a request and returns a future of its answer; answers are matched
by request type, STAN and RRN, in any order. An answer that comes after the caller lost interest
still settles the future. The transport's patience (30 s of real time) ends an exchange with a
`LinkBroken("timeout")`; a torn connection ends all of them with "reset"; an answer that cannot be
read ends all of them with "undecodable", because nobody can say whose answer it was. The connection
is made on start, signs on (0800), and is made again with growing pauses for as long as it is away;
a payment that finds it away waits for the next attempt instead of its pause.

Refuses to know: payments, breakers, faults. Pauses are input/output time, not lab time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol, cast

from backend.networks.message import (
    MANAGEMENT,
    SIGN_ON,
    FrameBuffer,
    Message,
    decode,
    encode,
    frame,
    transmission_time,
)
from backend.runtime.clock import Clock
from backend.runtime.errors import LinkBroken, MessageError, NotConnected
from backend.runtime.scheduler import Scheduler

TRANSPORT_PATIENCE_S = 30.0
CONNECT_PATIENCE_S = 5.0
PAUSE_FIRST_S = 0.05
PAUSE_MAX_S = 5.0
SIGN_ON_STAN = "000000"
log = logging.getLogger(__name__)


class Link(Protocol):
    """A way to one network host."""

    async def start(self) -> None:
        """Begin to connect; returns at once."""

    async def stop(self) -> None:
        """Close; exchanges under way end as broken."""

    async def ready(self, patience_s: float) -> bool:
        """Whether there is a connection, after waiting for one attempt at most."""

    def send(self, request: Message) -> asyncio.Future[Message]:
        """Write a request; the future holds its answer or `LinkBroken`.

        Raises:
            NotConnected: nothing was written.
            MessageError: the request cannot be written.
        """


class Exchanges:
    """Requests that wait for their answers."""

    def __init__(self, patience_s: float, on_timeout: Callable[[], None]) -> None:
        self._patience_s = patience_s
        self._on_timeout = on_timeout
        self._waiting: dict[tuple[str, str, str], asyncio.Future[Message]] = {}

    def open(self, request: Message) -> asyncio.Future[Message]:
        """A future for the answer; a second wait for the same exchange shares the first's."""
        key = request.exchange
        already = self._waiting.get(key)
        if already is not None:
            return already
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Message] = loop.create_future()
        self._waiting[key] = answer
        timer = loop.call_later(self._patience_s, self._time_out, key)

        def closed(settled: asyncio.Future[Message]) -> None:
            timer.cancel()
            if self._waiting.get(key) is settled:
                del self._waiting[key]
            if not settled.cancelled():
                settled.exception()  # seen: a caller that stopped waiting is no crash

        answer.add_done_callback(closed)
        return answer

    def settle(self, raw: bytes) -> None:
        """Give an answer to whoever waits for it; one that nobody expects is dropped.

        Raises:
            MessageError: these bytes are no message.
        """
        message = decode(raw)
        answer = self._waiting.get(message.exchange)
        if answer is None:
            log.info("%s answer that nobody waits for any more", message.kind)
        elif not answer.done():
            answer.set_result(message)

    def break_all(self, reason: str) -> None:
        """End every exchange under way as broken."""
        for key in tuple(self._waiting):
            self._fail(key, reason)

    def _time_out(self, key: tuple[str, str, str]) -> None:
        self._fail(key, "timeout")
        self._on_timeout()

    def _fail(self, key: tuple[str, str, str], reason: str) -> None:
        answer = self._waiting.get(key)
        if answer is not None and not answer.done():
            answer.set_exception(LinkBroken(reason))


class TcpLink:
    """The live link: TCP to a host, or to the proxy in front of it."""

    def __init__(
        self,
        network: str,
        address: tuple[str, int],
        *,
        clock: Clock,
        scheduler: Scheduler,
        patience_s: float = TRANSPORT_PATIENCE_S,
    ) -> None:
        self.network = network
        self._address = address
        self._clock = clock
        self._scheduler = scheduler
        self._exchanges = Exchanges(patience_s, self._on_timeout)
        self._patience_s = patience_s
        self._wire: _Wire | None = None
        self._keeper: asyncio.Task[object] | None = None
        self._attempted = asyncio.Event()
        self._wanted = asyncio.Event()

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        self._keeper = self._scheduler.spawn(self._keep(), f"link {self.network}")

    async def stop(self) -> None:
        """Close; exchanges under way end as broken."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._wire is not None:
            wire, self._wire = self._wire, None
            wire.abort()
            await wire.lost.wait()
        self._exchanges.break_all("reset")

    async def ready(self, patience_s: float) -> bool:
        """Whether there is a connection, after waiting for one attempt at most."""
        if self._live() is None:
            self._attempted.clear()
            self._wanted.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._attempted.wait()
        return self._live() is not None

    def send(self, request: Message) -> asyncio.Future[Message]:
        """Write a request; the future holds its answer or `LinkBroken`."""
        wire = self._live()
        if wire is None:
            raise NotConnected(f"no connection to {self.network}")
        raw = frame(encode(request))
        answer = self._exchanges.open(request)
        wire.write(raw)
        return answer

    def _live(self) -> _Wire | None:
        """The connection, unless it is already dying: what is written to it then is lost."""
        return self._wire if self._wire is not None and self._wire.alive else None

    async def _keep(self) -> None:
        pause_s = PAUSE_FIRST_S
        while True:
            wire = await self._connect()
            self._wire = wire
            self._attempted.set()
            if wire is not None:
                pause_s = PAUSE_FIRST_S
                await wire.lost.wait()
                self._wire = None
                continue
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()
            pause_s = min(pause_s * 2, PAUSE_MAX_S)

    async def _connect(self) -> _Wire | None:
        loop = asyncio.get_running_loop()
        wire: _Wire | None = None
        signed_on = False
        try:
            async with asyncio.timeout(CONNECT_PATIENCE_S):
                _, wire = await loop.create_connection(
                    lambda: _Wire(self._exchanges), *self._address
                )
                answer = self._exchanges.open(self._sign_on())
                wire.write(frame(encode(self._sign_on())))
                signed_on = (await answer).fields["39"] == "00"
        except (OSError, LinkBroken) as error:
            log.info("no connection to %s: %s", self.network, error)
        finally:  # also when the link is stopped meanwhile
            if wire is not None and not signed_on:
                wire.abort()
        return wire if signed_on else None

    def _on_timeout(self) -> None:
        """A connection that was silent for the whole patience is taken for dead (half-open)."""
        wire = self._wire
        if wire is None:
            return
        silent_s = asyncio.get_running_loop().time() - wire.heard_at_s
        if silent_s >= self._patience_s:
            wire.abort()

    def _sign_on(self) -> Message:
        sent = transmission_time(self._clock.now_us())
        return Message(MANAGEMENT, {"7": sent, "11": SIGN_ON_STAN, "70": SIGN_ON})


class _Wire(asyncio.Protocol):
    """One TCP connection of a link."""

    def __init__(self, exchanges: Exchanges) -> None:
        self._exchanges = exchanges
        self._frames = FrameBuffer()
        self._transport: asyncio.WriteTransport | None = None
        self.lost = asyncio.Event()
        self.why = "reset"
        self.heard_at_s = asyncio.get_running_loop().time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop derives from neither

    def data_received(self, data: bytes) -> None:
        self.heard_at_s = asyncio.get_running_loop().time()
        try:
            for raw in self._frames.feed(data):
                self._exchanges.settle(raw)
        except MessageError as error:
            log.warning("an answer cannot be read: %s", error)
            self.why = "undecodable"
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's contract
        self._transport = None
        self._exchanges.break_all(self.why)
        self.lost.set()

    @property
    def alive(self) -> bool:
        """Whether what is written can still leave."""
        return self._transport is not None and not self._transport.is_closing()

    def write(self, raw: bytes) -> None:
        """Hand bytes to the connection."""
        if self._transport is not None:
            self._transport.write(raw)

    def abort(self) -> None:
        """Tear the connection down."""
        if self._transport is not None:
            self._transport.abort()
