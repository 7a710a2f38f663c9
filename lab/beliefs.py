"""What phone or till told its person about a tap, said once each time it changes.

Screens are drawn again for many reasons; the payment's life lists only what was new to the person.
Knows no screen and no phase: a belief is one stable word.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from backend.api import EventLog

TAPS_KEPT = 256


class Beliefs:
    """One device's last word on each of the last taps."""

    def __init__(self, log: EventLog, device: str, kind: str) -> None:
        """Nothing was said yet.

        Args:
            log: hears each change.
            device: the events' actor: "phone" or "pos".
            kind: the events' kind: "phone.showed" or "till.showed".
        """
        self._log = log
        self._device = device
        self._kind = kind
        self._last: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def showed(
        self,
        belief: str,
        *,
        tap_id: str,
        payment_id: str | None = None,
        also: Mapping[str, object] | None = None,
        times: int = 0,
    ) -> bool:
        """The device shows `belief` now. True when that was new for this tap (or payment).

        `times` makes the same belief new again, such as a second refund's higher sum.
        """
        about = tap_id or payment_id or ""
        if self._last.get(about) == (belief, times):
            return False
        self._last[about] = belief, times
        self._last.move_to_end(about)
        while len(self._last) > TAPS_KEPT:
            self._last.popitem(last=False)
        self._log.emit(
            self._kind,
            actor=self._device,
            tap_id=tap_id or None,
            payment_id=payment_id,
            data={"belief": belief, **(also or {})},
        )
        return True
