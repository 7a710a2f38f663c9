"""The switch: carries a payment to its network, under that network's breaker and two deadlines.

Theory of operation. The channel's deadline (given with each payment) is when the till stops
waiting: the breaker counts a failure and the caller gets `NoAnswerYet` with the future of the late
answer. The transport's patience ends that future. What was never sent is `NotSent`; what was sent
and not answered is `Unknown`, because a lost answer looks like a lost request from here. Reversals
and status inquiries take the same lane under the transport's patience, so an open breaker makes no
call at all; an echo passes by the breaker, neither stopped nor counted.

Refuses to know: what becomes of a payment, ledgers, faults.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from functools import partial

from backend.metrics.latency import LatencyBook
from backend.networks.message import Message
from backend.runtime.clock import Clock
from backend.runtime.errors import LinkBroken, MessageError, NotFound
from backend.runtime.events import Emit
from backend.switch import requests
from backend.switch.answers import (
    Advised,
    AdvisedMoney,
    Answered,
    AuthorizationAnswer,
    AuthorizationRequest,
    NetworkReference,
    NoAnswerYet,
    NotSent,
    Reversed,
    StatusKnown,
    Unknown,
)
from backend.switch.breaker_rules import Rules
from backend.switch.lane import BreakerView, Lane, Waiting
from backend.switch.link import TRANSPORT_PATIENCE_S, Link
from backend.switch.telling import Subject

ECHO_PATIENCE_S = 2.0
STAN_COUNT = 1_000_000
FORCED_STATES = ("open", "closed", "auto")

__all__ = ["BreakerView", "Switch"]


class Switch:
    """One lane a network."""

    def __init__(
        self,
        links: Mapping[str, Link],
        *,
        clock: Clock,
        emit: Emit,
        book: LatencyBook,
        patience_s: float = TRANSPORT_PATIENCE_S,
    ) -> None:
        self._clock = clock
        self._book = book
        self._patience_s = patience_s
        self._echo_numbers = itertools.count(1)
        self._lanes = {
            network: Lane(network, link, clock=clock, emit=emit, book=book)
            for network, link in links.items()
        }

    async def start(self) -> None:
        """Begin to connect to every network."""
        for lane in self._lanes.values():
            await lane.link.start()

    async def stop(self) -> None:
        """Close every connection; what is under way ends as unknown."""
        for lane in self._lanes.values():
            await lane.link.stop()

    async def authorize(
        self, request: AuthorizationRequest, *, channel_deadline_s: float
    ) -> AuthorizationAnswer:
        """Ask the network to authorize.

        Args:
            request: the payment; its reference must be the same on every repeat.
            channel_deadline_s: real seconds the till waits.

        Raises:
            MessageError: the request does not fit the message; nothing was sent.
        """
        lane = self._lanes[request.network]
        outcome = await lane.call(
            requests.authorization(request),
            requests.answered,
            deadline_s=channel_deadline_s,
            subject=(subject := Subject(request.payment_id, request.tap_id)),
        )
        if isinstance(outcome, Waiting):
            return NoAnswerYet(self._late(lane, outcome, subject))
        if isinstance(outcome, Answered):
            self._measure_hops(lane, outcome, request.payment_id)
        return outcome

    async def reverse(
        self,
        network: str,
        reference: NetworkReference,
        *,
        payment_id: str,
        amount_minor: int,
        currency: str,
        tap_id: str | None = None,
    ) -> Reversed | NotSent | Unknown:
        """Release whatever the authorization holds (0400); may be repeated.

        `Unknown` with a reason `answered_…` means that the network answered and refused.

        Raises:
            MessageError: amount or currency do not fit the message; nothing was sent.
        """
        message = requests.reversal(reference, amount_minor, currency, self._clock.now_us())
        outcome = await self._lanes[network].call(
            message, _reversed, deadline_s=self._patience_s, subject=Subject(payment_id, tap_id)
        )
        return Unknown("timeout") if isinstance(outcome, Waiting) else outcome

    async def advise(
        self,
        network: str,
        original: NetworkReference,
        advised: AdvisedMoney,
        own: NetworkReference,
        *,
        payment_id: str,
        tap_id: str | None = None,
    ) -> Advised | NotSent | Unknown:
        """Tell about an authorization's completion or refund (0220); may be repeated.

        Args:
            network: whose authorization.
            original: its reference.
            advised: what is told.
            own: the advice's own reference (STAN and time), the same on every repeat.
            payment_id: for events.
            tap_id: for events.

        Raises:
            MessageError: amount or currency do not fit the message; nothing was sent.
        """
        outcome = await self._lanes[network].call(
            requests.advice(original, advised, own),
            _advised,
            deadline_s=self._patience_s,
            subject=Subject(payment_id, tap_id),
        )
        return Unknown("timeout") if isinstance(outcome, Waiting) else outcome

    async def query_status(
        self,
        network: str,
        reference: NetworkReference,
        *,
        payment_id: str,
        tap_id: str | None = None,
    ) -> StatusKnown | NotSent | Unknown:
        """Ask what became of an authorization (0600).

        "Not found" is no promise that it will not arrive later: reverse to be sure.
        """
        outcome = await self._lanes[network].call(
            requests.inquiry(reference, self._clock.now_us()),
            _status,
            deadline_s=self._patience_s,
            subject=Subject(payment_id, tap_id),
        )
        return Unknown("timeout") if isinstance(outcome, Waiting) else outcome

    async def echo(self, network: str) -> int | NotSent | Unknown:
        """Microseconds there and back of an 0800 echo; the breaker neither stops nor counts it."""
        link = self._lanes[network].link
        if not await link.ready(ECHO_PATIENCE_S):
            return NotSent("no_connection")
        started_us = self._clock.monotonic_us()
        stan = next(self._echo_numbers) % STAN_COUNT
        answer = link.send(requests.echo(stan, self._clock.now_us()))
        await asyncio.wait([answer], timeout=ECHO_PATIENCE_S)
        if not answer.done():
            return Unknown("timeout")
        try:
            answer.result()
        except LinkBroken as error:
            return Unknown(str(error))
        duration_us = self._clock.monotonic_us() - started_us
        self._book.record(network, "echo", duration_us, "answered")
        return duration_us

    def breakers(self) -> list[BreakerView]:
        """Every breaker as people see it."""
        return [lane.view() for lane in self._lanes.values()]

    def force(self, name: str, state: str) -> None:
        """Force a network's breaker "open" or "closed", or leave it to itself with "auto".

        Raises:
            NotFound: no such network.
            ValueError: another state.
        """
        self._lane(name).force(state)

    def judge_by(self, name: str, rules: Rules) -> None:
        """Have a network's breaker judge by other rules; it starts closed, with nothing counted.

        Raises:
            NotFound: no such network.
        """
        self._lane(name).judge_by(rules)

    def snapshot(self) -> dict[str, dict[str, int | str | None]]:
        """What of the breakers outlives the process, JSON-ready."""
        return {network: lane.snapshot() for network, lane in self._lanes.items()}

    def restore(self, kept: Mapping[str, Mapping[str, int | str | None]]) -> None:
        """Continue with kept breakers; networks that are not in it start closed.

        Raises:
            ValueError: not a snapshot.
        """
        for network, state in kept.items():
            if network in self._lanes:
                self._lanes[network].restore(state)

    def _lane(self, name: str) -> Lane:
        if name not in self._lanes:
            raise NotFound("breaker_unknown", f"there is no breaker {name!r}", field="name")
        return self._lanes[name]

    def _late(
        self, lane: Lane, waiting: Waiting, subject: Subject
    ) -> asyncio.Future[Answered | Unknown]:
        late: asyncio.Future[Answered | Unknown] = asyncio.get_running_loop().create_future()
        waiting.answer.add_done_callback(partial(self._arrived, lane, waiting, subject, late))
        return late

    def _arrived(
        self,
        lane: Lane,
        waiting: Waiting,
        subject: Subject,
        late: asyncio.Future[Answered | Unknown],
        answer: asyncio.Future[Message],
    ) -> None:
        duration_us = self._clock.monotonic_us() - waiting.started_us
        outcome: Answered | Unknown
        try:
            lane.tell_received(answer.result(), subject, duration_us)
            outcome = requests.answered(answer.result(), duration_us)
        except LinkBroken as error:
            outcome = Unknown(str(error))
        except MessageError:
            outcome = Unknown("undecodable")
        if isinstance(outcome, Answered):
            lane.measure("answer", duration_us, "late", subject.payment_id)
            self._measure_hops(lane, outcome, subject.payment_id)
        if not late.done():
            late.set_result(outcome)

    def _measure_hops(self, lane: Lane, answered: Answered, payment_id: str) -> None:
        for hop, duration_us in answered.hops_us.items():
            lane.measure(hop, duration_us, "answered", payment_id)


def _reversed(answer: Message, _round_trip_us: int) -> Reversed | Unknown:
    code = answer.fields["39"]
    return Reversed() if code == "00" else Unknown(f"answered_{code}")


def _advised(answer: Message, _round_trip_us: int) -> Advised:
    return Advised(answer.fields["39"], answer.private().get("rs", ""))


def _status(answer: Message, _round_trip_us: int) -> StatusKnown:
    return requests.status_known(answer)
