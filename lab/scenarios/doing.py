"""How each step of a scenario is done, by the same flows that a window's buttons call.

Judges nothing: a tap leaves what the till's person was told, anything else leaves what it changed.
A step that cannot be done raises `NotDone` (or what the laboratory itself raised) and says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from lab.errors import NotDone
from lab.pos.offline_rules import OfflineMode
from lab.pos.sale import Sale
from lab.pos.state import OUTCOMES
from lab.scenarios import orders
from lab.scenarios.model import (
    Advance,
    ApplyFaults,
    ChangeCard,
    ForceBreaker,
    KillEngine,
    OrderSale,
    Provision,
    Step,
    Tap,
    TillOffline,
    WaitFor,
)
from lab.scenarios.observation import OPEN, untaken
from lab.scenarios.result import TapTaken
from lab.scenarios.seeing import Watcher
from lab.scenarios.shopping import pay_in_app
from lab.scenarios.stage import Stage
from lab.wallet.flow_adding import DEMO_CARDS

LOOK_FIRST_S = 0.01
LOOK_MAX_S = 0.25
NOT_ARMED, UNDER_WAY = "not_armed", "under_way"


class Doer:
    """Takes steps on a stage.

    Attributes:
        taps: what became of each tap, by the name of its step.
        forced: networks whose breakers were forced and not given back.
        on_engine_killed: called before and after the engine dies.
    """

    def __init__(self, stage: Stage, watcher: Watcher) -> None:
        self._stage = stage
        self._watcher = watcher
        self._background: dict[str, asyncio.Task[object]] = {}
        self._step_began_at = 0  # place in the stage's events
        self._last_began_at = 0
        self.taps: dict[str, TapTaken] = {}
        self.forced: set[str] = set()
        self.before_kill: Callable[[], Awaitable[None]] | None = None
        self.after_kill: Callable[[], Awaitable[None]] | None = None

    async def do(self, step: Step) -> None:  # noqa: C901 -- one case a kind of step
        """Take one step.

        Raises:
            NotDone, EngineRefused, EngineUnreachable: it cannot be done.
        """
        self._last_began_at, self._step_began_at = self._step_began_at, len(self._stage.events)
        world = self._stage.world
        match step:
            case Tap():
                await self._begin(step)
            case Provision(card=network):
                await self.provision(network)
            case ChangeCard():
                await self._change_card(step)
            case Advance(seconds=seconds):
                await self._stage.advance(seconds)
            case KillEngine():
                await self._kill()
            case ForceBreaker(network=network, state=state):
                await world.client.force_breaker(network, state)
                (self.forced.discard if state == "auto" else self.forced.add)(network)
            case TillOffline(mode=mode):
                world.pos.offline.choose(OfflineMode(mode))
            case OrderSale():
                await orders.carry_out(world.after_sale, step, await self._payment_of(step.tap))
            case WaitFor():
                await self._wait(step)
            case ApplyFaults():
                return  # the fault line has done it, when the step began

    async def _begin(self, step: Tap) -> None:
        if not step.background:
            await self._tap(step)
            return
        self.taps[step.name] = untaken(step, UNDER_WAY)
        task = self._stage.world.real_scheduler.spawn(self._tap(step), step.name)
        self._background[step.name] = task

    async def provision(self, network: str) -> None:
        """Put the lab's demo card of a network into the phone."""
        wallet = self._stage.world.wallet
        await wallet.add(next(card for card in DEMO_CARDS if card.network == network))
        wallet.close()

    async def finish(self) -> None:
        """Wait for the taps in the background.

        Raises:
            NotDone, EngineRefused, EngineUnreachable: one could not be made.
        """
        for task in self._background.values():
            await task

    async def give_up(self) -> None:
        """End the taps in the background, and leave no breaker forced."""
        for task in self._background.values():
            task.cancel()
        await asyncio.gather(*self._background.values(), return_exceptions=True)
        for network in sorted(self.forced):
            await self._stage.world.client.force_breaker(network, "auto")

    def card_id(self, network: str) -> str | None:
        """The phone's card of a network."""
        cards = self._stage.world.wallet.cards
        return next((card.id for card in cards if card.network == network), None)

    async def _tap(self, step: Tap) -> None:
        world = self._stage.world
        while world.hands.busy:  # one in the background has the phone
            await world.real_scheduler.sleep(LOOK_FIRST_S)
        if step.in_app:
            self._needed(step.card)
            self.taps[step.name] = await pay_in_app(world, step)
            return
        sale = await world.hands.tap(step.amount_minor, step.currency, self._needed(step.card))
        self.taps[step.name] = untaken(step, NOT_ARMED) if sale is None else _taken(step, sale)

    def _needed(self, network: str) -> str:
        card_id = self.card_id(network)
        if card_id is None:
            raise NotDone(f"the phone has no {network} card")
        return card_id

    async def _change_card(self, step: ChangeCard) -> None:
        world = self._stage.world
        card_id = self._needed(step.card)
        match step.change:
            case "suspend":
                await world.client.suspend(card_id)
            case "reactivate":
                await world.client.reactivate(card_id)
            case "remove":
                await world.wallet.remove(card_id)
            case _:
                await world.wallet.actions.set_default(card_id)
        await world.wallet.refresh()

    async def _payment_of(self, tap: str) -> str:
        """The payment that a tap led to, even if the till was told only afterwards; else ""."""
        taken = self.taps[tap]
        for payment in await self._watcher.payments():
            if taken.tap_id and payment.tap_id == taken.tap_id:
                return payment.id
        return taken.payment_id

    async def _kill(self) -> None:
        if self.before_kill is not None:
            await self.before_kill()
        await self._stage.kill_engine()
        if self.after_kill is not None:
            await self.after_kill()

    # -- waiting ------------------------------------------------------------------------------

    async def _wait(self, step: WaitFor) -> None:
        clock = self._stage.world.clock
        began_us = clock.now_us()
        while not await self._has_come(step):
            waited_s = (clock.now_us() - began_us) / 1e6
            if waited_s >= step.within_s:
                raise NotDone(f"it did not come to that within {step.within_s:g} s")
            pause_s = min(max(LOOK_FIRST_S, waited_s / 10), LOOK_MAX_S)
            await self._stage.world.real_scheduler.sleep(pause_s)
        if step.tap:
            await self._background[step.tap]

    async def _has_come(self, step: WaitFor) -> bool:
        if step.tap:
            return self._background[step.tap].done()
        if step.event:
            heard = self._stage.events[self._last_began_at :]
            return any(event.kind == step.event for event in heard)
        if step.uploaded:
            return not self._stage.world.pos.offline.stored
        if step.quiet:
            return all(payment.state not in OPEN for payment in await self._watcher.payments())
        lab = await self._stage.world.client.lab_state()
        states = {breaker.name: breaker.state for breaker in lab.breakers}
        return all(states.get(name) == state for name, state in step.breakers.items())


def _taken(step: Tap, sale: Sale) -> TapTaken:
    answer, tap = sale.answer, sale.tap
    latency_ms = {} if answer is None else dict(answer.latency_ms)
    latency_ms["total"] = sale.total_us / 1000
    if tap is not None:
        latency_ms["reader"] = tap.reader_us / 1000
    return replace(
        untaken(step, OUTCOMES.get(sale.phase, "error")),
        tap_id=sale.tap_id,
        payment_id=answer.payment_id if answer else "",
        response_code=(answer.response_code or "") if answer else "",
        reason=sale.problem,
        latency_ms=latency_ms,
    )
