"""Looks at the laboratory while a scenario is played: payments, beliefs, balances, deviations.

Waits until everybody was told what is already decided, so that no expectation is judged a moment
too early, and never waits for a decision itself. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lab.amounts import format_decimal
from lab.deviations import deviations
from lab.engine_shapes import LabState, PaymentRecord
from lab.scenarios.fault_line import FaultLine
from lab.scenarios.observation import Balances, Observation, balances_of
from lab.scenarios.result import TapTaken
from lab.scenarios.stage import Stage
from lab.scenarios.subjects import NONE
from lab.words import tell

TOLD_LIMIT_S = 3.0
LOOK_AGAIN_S = 0.02
PAYMENTS_MAX = 500
PHONE_TELLS = frozenset({"approved", "declined", "not_sent", "reversed", "refunded"})
_DEVICES = {"phone.showed": "phone", "till.showed": "till"}


class Watcher:
    """A spectator of one run.

    Attributes:
        deviating: everything that was not normal at some moment, in words and in order.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._first_event = len(stage.events)
        self._known: set[str] = set()
        self._ledger_before: Balances = {}
        self.deviating: dict[str, None] = {}

    async def begin(self) -> None:
        """Note what there is already, which this run does not answer for."""
        client = self._stage.world.client
        self._ledger_before = balances_of(await client.ledger())
        self._known = {payment.id for payment in await client.payments(limit=PAYMENTS_MAX)}
        self._first_event = len(self._stage.events)

    async def payments(self) -> tuple[PaymentRecord, ...]:
        """This run's payments, oldest first."""
        world = self._stage.world
        await world.forwarding.flush()
        records = await world.client.payments(limit=PAYMENTS_MAX)
        return tuple(
            record
            for record in reversed(records)
            if record.id not in self._known and not record.synthetic
        )

    async def everybody_told(self) -> None:
        """Wait until the phone has heard every decision of the bank, some seconds at most."""
        world = self._stage.world
        cards = {card.id for card in world.wallet.cards}
        began_us = world.clock.monotonic_us()
        while world.clock.monotonic_us() - began_us < TOLD_LIMIT_S * 1e6:
            untold = [
                payment
                for payment in await self.payments()
                if payment.told in PHONE_TELLS
                and payment.card_id in cards
                and payment.phone != payment.told
            ]
            if not untold:
                return
            await world.real_scheduler.sleep(LOOK_AGAIN_S)

    async def observe(self, taps: Mapping[str, TapTaken], line: FaultLine) -> Observation:
        """One picture of everything that an expectation can be about."""
        world = self._stage.world
        payments = await self.payments()
        await line.count()
        lab = await self.look()
        ledger = balances_of(await world.client.ledger())
        before = self._ledger_before
        return Observation(
            taps={name: self._with_beliefs(tap, payments) for name, tap in taps.items()},
            payments=payments,
            lab=lab,
            balances={key: minor - before.get(key, 0) for key, minor in ledger.items()},
            cards={card.network: card.status for card in world.wallet.cards},
            fired=line.fired,
        )

    async def look(self) -> LabState:
        """Strip and clock as they are now; what deviates is noted."""
        world = self._stage.world
        lab = await world.client.lab_state()
        world.follow_clock(lab)
        for deviation in deviations(lab, quiet_traffic=world.console.state.quiet_traffic):
            self.deviating.setdefault(tell(deviation.text))
        return lab

    def _with_beliefs(self, tap: TapTaken, payments: tuple[PaymentRecord, ...]) -> TapTaken:
        """A tap with what phone, till and bank believe now."""
        shown: dict[str, str] = {"phone": NONE, "till": NONE}
        for event in self._stage.events[self._first_event :]:
            device = _DEVICES.get(event.kind)
            if device is not None and tap.tap_id and event.tap_id == tap.tap_id:
                shown[device] = str(event.data.get("belief", NONE))
        tap = replace(tap, phone=shown["phone"], till=shown["till"])
        record = next((p for p in payments if tap.tap_id and p.tap_id == tap.tap_id), None)
        if record is None:
            return tap
        return replace(
            tap,
            payment_id=record.id,
            response_code=record.response_code or tap.response_code,
            payment=record.state,
            bank=record.bank,
            captured=format_decimal(record.captured_minor, record.currency),
            refunded=format_decimal(record.refunded_minor, record.currency),
        )
