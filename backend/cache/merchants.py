"""Merchants as payments name them, kept until one's settings change.

Implements `payments.ports.MerchantCache`. Hears of changes from the event log, in the same turn of
the loop in which their commit is announced.
"""

from __future__ import annotations

from dataclasses import asdict

import orjson

from backend.cache.kept import Kept
from backend.cache.remembered import Remembered
from backend.payments.records import Merchant
from backend.runtime.events import Event

_CHANGES = "merchant."


class KeptMerchants(Kept[Merchant]):
    """The payment engine's port for merchants that were read lately."""

    def __init__(self, remembered: Remembered) -> None:
        super().__init__(
            remembered,
            lambda merchant: orjson.dumps(asdict(merchant)),
            lambda stored: Merchant(**orjson.loads(stored)),
        )

    def heed(self, event: Event) -> None:
        """Subscribed to the event log."""
        merchant_id = event.data.get("merchant_id")
        if event.kind.startswith(_CHANGES) and isinstance(merchant_id, str):
            self.spoil(merchant_id)
