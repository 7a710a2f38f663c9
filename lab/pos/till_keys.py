"""The till's keys: about a sale that was made while its amount is typed, else about the next one.

One keypad and one display serve both; this is the only place that decides between them.
"""

from __future__ import annotations

from lab.pos.after_sale import AfterSale
from lab.pos.after_sale_state import SaleStep
from lab.pos.flow import PosFlow
from lab.pos.machine import RESTING
from lab.pos.sale import Sale


class TillKeys:
    """Digits, backspace, Clear, Cancel and the green key."""

    def __init__(self, pos: PosFlow, after: AfterSale) -> None:
        """The keys of a till with these two flows."""
        self._pos = pos
        self._after = after

    def key(self, digits: str) -> None:
        """A key of the keypad; where a sale only lies there, it begins the next one."""
        if self._after.takes_keys:
            self._after.key(digits)
            return
        self._after.close()
        self._pos.key(digits)

    def backspace(self) -> None:
        """Take the last digit back."""
        (self._after if self._after.takes_keys else self._pos).backspace()

    def clear(self) -> None:
        """Empty the amount, or put the chosen sale away."""
        if self._is_after():
            self._step_back()
        else:
            self._pos.clear()

    def cancel(self) -> None:
        """Stop the sale, or go back from an order that has not been given."""
        if self._is_after():
            self._step_back()
        else:
            self._pos.cancel()

    async def charge(self) -> Sale | None:
        """Take the amount, or confirm what is asked about the chosen sale."""
        if self._is_after():
            await self._after.confirm()
            return None
        return await self._pos.charge()

    @property
    def is_next_sale(self) -> bool:
        """Whether the green key is the next sale's."""
        return not self._is_after()

    def _step_back(self) -> None:
        if self._after.takes_keys:
            self._after.clear()
        else:
            self._after.back()

    def _is_after(self) -> bool:
        chosen = self._after.state.step is not SaleStep.CLOSED
        return chosen and self._pos.state.phase in RESTING
