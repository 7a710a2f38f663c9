"""Quiet shop traffic: now and then a synthetic payment, so that charts live during a demonstration.

Each payment is marked synthetic, and the strip says that somebody switched it on.
"""

from __future__ import annotations

import asyncio

from backend.api import Scheduler, Stream
from lab.client import EngineClient
from lab.errors import EngineRefused, EngineUnreachable
from lab.load.generator import amount_of
from lab.load.synthetic_till import SyntheticTill

PAUSE_MIN_S = 0.4
PAUSE_MAX_S = 1.6
TILLS = 2  # customers who may stand at a till at once while a network is slow


class QuietTraffic:
    """The shop's customers."""

    def __init__(
        self,
        till: SyntheticTill,
        client: EngineClient,
        scheduler: Scheduler,
        stream: Stream,
    ) -> None:
        self._till = till
        self._client = client
        self._scheduler = scheduler
        self._stream = stream
        self.payments = 0

    async def run(self) -> None:
        """Pay now and then, for ever. An engine that is away misses its customers."""
        room = asyncio.Semaphore(TILLS)
        while True:
            spread_s = PAUSE_MAX_S - PAUSE_MIN_S
            await self._scheduler.sleep(PAUSE_MIN_S + spread_s * self._stream.random())
            async with room:
                await self._pay_once()

    async def _pay_once(self) -> None:
        order = await self._till.tap(amount_of(self._stream.randint(0, 39)))
        try:
            await self._client.pay_nfc(order, key=self._till.new_key(), patience_s=0.0)
        except (EngineUnreachable, EngineRefused):
            return  # a customer leaves without paying; the console shows why
        self.payments += 1
