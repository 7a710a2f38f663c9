"""The simulated world's link to a network host: no socket, the same exchanges, the same faults.

A frame is judged on its way there and on its way back as the proxy would, and travels on the event
loop's own time, so on a virtual loop a whole outage costs nothing and repeats exactly. Knows
neither payments nor breakers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from backend.networks.message import Message, encode
from backend.runtime.errors import MessageError, NotConnected
from backend.runtime.scheduler import Scheduler
from backend.switch.link import TRANSPORT_PATIENCE_S, Exchanges
from backend.switch.wire import PASS, Direction, Overtaking, Verdict, WireFaults


class MemoryLink:
    """The simulated world's link: same exchanges, same faults, no socket."""

    def __init__(
        self,
        network: str,
        handle: Callable[[bytes], Awaitable[bytes]],
        *,
        scheduler: Scheduler,
        faults: WireFaults | None = None,
        patience_s: float = TRANSPORT_PATIENCE_S,
    ) -> None:
        self.network = network
        self._handle = handle
        self._scheduler = scheduler
        self._faults = faults
        self._name = f"{network}.auth"
        self._exchanges = Exchanges(patience_s, self._on_timeout)
        self._answers = Overtaking()
        self._started = False
        self._deaf = False
        self._connection = 0

    async def start(self) -> None:
        """From now on requests are taken."""
        self._started = True

    async def stop(self) -> None:
        """No more requests; those under way end as broken."""
        self._started = False
        self._exchanges.break_all("reset")

    async def ready(self, patience_s: float) -> bool:  # noqa: ARG002 - nothing to wait for
        """Whether the link was started."""
        return self._started

    def send(self, request: Message) -> asyncio.Future[Message]:
        """Write a request; the future holds its answer or `LinkBroken`."""
        if not self._started:
            raise NotConnected(f"no connection to {self.network}")
        raw = encode(request)
        answer = self._exchanges.open(request)
        self._scheduler.spawn(self._carry_request(raw, self._connection), "request")
        return answer

    async def _carry_request(self, raw: bytes, connection: int) -> None:
        if self._deaf:
            return
        verdict = self._judge(Direction.REQUEST, raw)
        if verdict.half_open:
            self._deaf = True
            return
        for arrived in await self._travel(verdict, raw, connection):
            if verdict.answer is not None:
                self._scheduler.spawn(self._carry_answer(verdict.answer, connection), "answer")
                continue
            try:
                answer = await self._handle(arrived)
            except MessageError:  # the host drops a connection that brings no message
                if self._faults is not None:
                    await asyncio.sleep(self._faults.close_delay_us(self._name) / 1e6)
                self._reset("reset")
                return
            self._scheduler.spawn(self._carry_answer(answer, connection), "answer")

    async def _carry_answer(self, raw: bytes, connection: int) -> None:
        verdict = self._judge(Direction.ANSWER, raw)
        if verdict.held_us:
            await self._answers.wait(verdict.held_us)
        for arrived in await self._travel(verdict, raw, connection):
            if connection != self._connection or self._deaf:
                return
            try:
                self._exchanges.settle(arrived)
            except MessageError:
                self._reset("undecodable")
                return
            self._answers.passed()

    async def _travel(self, verdict: Verdict, raw: bytes, connection: int) -> list[bytes]:
        pieces = -(-len(raw) // verdict.slice_bytes) - 1 if verdict.slice_bytes else 0
        on_wire_us = len(raw) * 1_000_000 // verdict.rate_bytes_s if verdict.rate_bytes_s else 0
        delay_us = verdict.delay_us + pieces * verdict.slice_gap_us + on_wire_us
        if delay_us:
            await asyncio.sleep(delay_us / 1e6)
        if verdict.reset or verdict.cut_after is not None:
            if connection == self._connection:
                self._reset("reset")
            return []
        return [verdict.arriving(raw)] * verdict.copies

    def _judge(self, direction: Direction, raw: bytes) -> Verdict:
        if self._faults is None:
            return PASS
        return self._faults.judge(self._name, direction, raw)

    def _reset(self, why: str) -> None:
        """As a torn TCP connection: what was under way is over, the next one is there at once."""
        self._connection += 1
        self._deaf = False
        self._exchanges.break_all(why)

    def _on_timeout(self) -> None:
        """As the live link: a connection that only swallows is taken for dead."""
        if self._deaf:
            self._reset("reset")
