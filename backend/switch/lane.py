"""One network's lane through the switch: its link with its breaker in front.

A call asks the breaker, waits for the link if it is away, sends, and tells the breaker how it
ended: no answer by the deadline, a transport error and an answer that cannot be read are failures,
any answer is a success. Says each message and each change of the breaker as an event. Knows no
message type.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from backend.metrics.latency import LatencyBook
from backend.networks.message import Message
from backend.runtime.clock import Clock
from backend.runtime.errors import LinkBroken, MessageError
from backend.runtime.events import Emit
from backend.switch import breaker as breakers
from backend.switch.answers import NotSent, Unknown
from backend.switch.breaker import Breaker, Happening, Mode, Permit
from backend.switch.breaker_rules import Rules
from backend.switch.link import Link
from backend.switch.telling import Subject, tell_received, tell_sent

T = TypeVar("T")
ACTOR = "switch"


@dataclass(frozen=True, slots=True)
class BreakerView:
    """A breaker as people see it.

    Attributes:
        name: the network.
        state: "closed", "open" or "half_open"; the forced one when forced.
        failures: failures counted, in a row or in the window.
        retry_in_ms: when the next call may pass, or None.
        rejected: calls not let through since the start of the laboratory.
        forced: "open", "closed" or None.
        rules: "consecutive" or "rate".
        calls: how many calls the window holds; 0 where failures in a row decide.
    """

    name: str
    state: str
    failures: int
    retry_in_ms: int | None
    rejected: int
    forced: str | None
    rules: str
    calls: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The deadline passed; the exchange goes on.

    Attributes:
        answer: ends with a message or `LinkBroken`.
        started_us: monotonic time at which it was sent.
    """

    answer: asyncio.Future[Message]
    started_us: int


class Lane:
    """Link and breaker of one network."""

    def __init__(
        self, network: str, link: Link, *, clock: Clock, emit: Emit, book: LatencyBook
    ) -> None:
        self.network = network
        self.link = link
        self._clock = clock
        self._emit = emit
        self._book = book
        self._breaker = Breaker()

    async def call(
        self,
        message: Message,
        read: Callable[[Message, int], T],
        *,
        deadline_s: float,
        subject: Subject,
    ) -> T | NotSent | Waiting | Unknown:
        """One exchange under the breaker.

        Args:
            message: the request.
            read: makes a value of the answer and its round trip in microseconds; may raise
                MessageError when the answer cannot be read.
            deadline_s: real seconds after which the breaker counts a failure.
            subject: for events and figures.

        Raises:
            MessageError: the request cannot be written; nothing was sent, nothing is counted.
        """
        permit = self._ask(subject)
        if permit is None:
            return NotSent("breaker_open", self.view().retry_in_ms)
        happening, why = Happening.ABANDONED, "the call was given up"
        response_code = None
        started_us = self._clock.monotonic_us()
        try:
            if not await self.link.ready(deadline_s):
                happening, why = Happening.FAILED, "no_connection"
                return NotSent("no_connection")
            answer = self.link.send(message)
            tell_sent(self._emit, self.network, message, subject)
            started_us, waited_us = self._clock.monotonic_us(), started_us
            left_s = deadline_s - (started_us - waited_us) / 1e6
            await _settled(answer, max(left_s, 0.0))
            if not answer.done():
                happening, why = Happening.FAILED, "timeout"
                return Waiting(answer, started_us)
            try:
                received = answer.result()
                duration_us = self._clock.monotonic_us() - started_us
                self.tell_received(received, subject, duration_us)
                value = read(received, duration_us)
            except LinkBroken as error:
                happening, why = Happening.FAILED, str(error)
                return Unknown(why)
            except MessageError:
                happening, why = Happening.FAILED, "undecodable"
                return Unknown(why)
            happening, why = Happening.SUCCEEDED, "answered"
            response_code = received.fields.get("39")
            return value
        finally:
            duration_us = self._clock.monotonic_us() - started_us
            if self._tell(permit, happening, why, duration_us):
                self.measure("answer", duration_us, why, subject.payment_id, response_code)

    def force(self, state: str) -> None:
        """Force the breaker "open" or "closed", or leave it to itself with "auto".

        Raises:
            ValueError: another word.
        """
        now_us = self._clock.now_us()
        self._become(breakers.force(self._breaker, state, now_us), f"forced {state}")

    def view(self) -> BreakerView:
        """The breaker as people see it."""
        state = self._breaker
        retry_us = state.retry_in_us(self._clock.now_us())
        return BreakerView(
            name=self.network,
            state=state.shown.value,
            failures=state.failures,
            retry_in_ms=None if retry_us is None else -(-retry_us // 1_000),
            rejected=state.rejected,
            forced=state.forced,
            rules=state.rules.name,
            calls=state.window.calls,
        )

    def judge_by(self, rules: Rules) -> None:
        """Judge by other rules from now on."""
        state = breakers.with_rules(self._breaker, rules, self._clock.now_us())
        self._become(state, f"judged by {rules.name} from now on")

    def snapshot(self) -> dict[str, int | str | None]:
        """What of the breaker outlives the process."""
        return breakers.snapshot(self._breaker)

    def restore(self, kept: Mapping[str, int | str | None]) -> None:
        """Continue with a kept breaker.

        Raises:
            ValueError: not a snapshot.
        """
        self._breaker = breakers.restore(kept)
        self._book.note_breaker(self.network, self._breaker.shown.value)

    def _ask(self, subject: Subject) -> Permit | None:
        state, permit = breakers.ask(self._breaker, self._clock.now_us())
        self._become(state, "cooled down: one probe may pass")
        if permit is None:
            self._book.record(self.network, "answer", 0, "rejected", payment_id=subject.payment_id)
            self._emit(
                "breaker.rejected",
                actor=ACTOR,
                payment_id=subject.payment_id,
                tap_id=subject.tap_id,
                data={"name": self.network, "rejected": state.rejected},
            )
        return permit

    def _tell(self, permit: Permit, happening: Happening, why: str, duration_us: int) -> bool:
        """Tell the breaker how a call went; whether it counts as one."""
        now_us = self._clock.now_us()
        state = breakers.advance(self._breaker, permit, happening, now_us, duration_us)
        self._become(state, _told(state, happening, why))
        return happening is not Happening.ABANDONED

    def measure(
        self,
        hop: str,
        duration_us: int,
        outcome: str,
        payment_id: str,
        response_code: str | None = None,
    ) -> None:
        """Count a duration."""
        self._book.record(
            self.network,
            hop,
            duration_us,
            outcome,
            payment_id=payment_id,
            response_code=response_code,
        )

    def tell_received(self, answer: Message, subject: Subject, duration_us: int) -> None:
        """Say as an event that an answer has arrived."""
        tell_received(self._emit, self.network, answer, subject, duration_us)

    def _become(self, state: Breaker, why: str) -> None:
        before, self._breaker = self._breaker.shown, state
        if state.shown is before:
            return
        self._book.note_breaker(self.network, state.shown.value)
        self._emit(
            "breaker.changed",
            actor=ACTOR,
            data={
                "name": self.network,
                "from": before.value,
                "to": state.shown.value,
                "why": why,
            },
        )


def _told(state: Breaker, happening: Happening, why: str) -> str:
    """Why a breaker changed, for people."""
    if state.shown is not Mode.OPEN:
        return f"probe {why}"
    if happening is not Happening.FAILED:
        return "too many slow calls"
    if state.rules.failures_in_a_row is None:
        return f"{state.failures} failures in {state.rules.window_us // 1_000_000} s, last: {why}"
    return f"{state.failures} failures in a row, the last: {why}"


async def _settled(answer: asyncio.Future[Message], patience_s: float) -> None:
    """Wait until there is an answer, or for so long; what `asyncio.wait` does, for one future."""
    if answer.done():
        return
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def wake(_settled: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_later(patience_s, wake)
    answer.add_done_callback(wake)
    try:
        await waiter
    finally:
        timer.cancel()
        answer.remove_done_callback(wake)
