"""Quiet shop traffic: now and then a synthetic payment, so that charts live during a demonstration.

Each payment is marked synthetic, and the strip says that somebody switched it on.
"""

from __future__ import annotations

from backend.api import Scheduler, Stream
from lab.client import EngineClient
from lab.errors import EngineRefused, EngineUnreachable
from lab.load.synthetic_till import SyntheticTill

PAUSE_MIN_S = 0.4
PAUSE_MAX_S = 1.6
PRICE_MIN_MINOR = 110  # 1.10 to 4.90, endings that steer no issuer
PRICES = 39


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
        self.customers = 0

    async def run(self) -> None:
        """Pay now and then, for ever. An engine that is away misses its customers."""
        while True:
            spread_s = PAUSE_MAX_S - PAUSE_MIN_S
            await self._scheduler.sleep(PAUSE_MIN_S + spread_s * self._stream.random())
            await self._pay_once()

    async def _pay_once(self) -> None:
        amount_minor = PRICE_MIN_MINOR + 10 * self._stream.randint(0, PRICES - 1)
        self.customers += 1
        order = await self._till.tap(amount_minor, card=self.customers)
        try:
            await self._client.pay_nfc(order, key=self._till.new_key(), patience_s=0.0)
        except (EngineUnreachable, EngineRefused):
            return  # a customer leaves without paying; the console shows why
