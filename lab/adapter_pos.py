"""The till's part of the adapter: the window's calls, posted to the till's flows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine

from lab.pos.offline_commands import OfflineAdapter
from lab.pos.till_keys import TillKeys
from lab.world import World

Work = Callable[[], Awaitable[object] | None]
Post = Callable[[Work], None]


class PosAdapter(OfflineAdapter):
    """The window's `PosCommands`."""

    def __init__(self, world: World, post: Post) -> None:
        super().__init__(world.pos, post)
        self._after = world.after_sale
        self._keys = TillKeys(world.pos, world.after_sale)
        self._wallet = world.wallet

    def key(self, text: str) -> None:
        """Press "0" to "9" or "00"."""
        self._post(lambda: self._keys.key(text))

    def backspace(self) -> None:
        """Take the last digit back."""
        self._post(self._keys.backspace)

    def clear(self) -> None:
        """Empty the amount."""
        self._post(self._keys.clear)

    def charge(self) -> None:
        """Ask for the amount, or confirm what the till asks."""
        self._post(self._charge)

    def cancel(self) -> None:
        """Stop the sale."""
        self._post(self._keys.cancel)

    def set_currency(self, code: str) -> None:
        """Take another currency."""
        self._post(lambda: self._flow.set_currency(code))

    def select_receipt(self, payment_id: str) -> None:
        """Show the receipt of one of the last payments."""
        self._post(lambda: self._flow.select_receipt(payment_id))

    def choose_sale(self, payment_id: str) -> None:
        """Take one of the last payments, or put it away."""
        if payment_id:
            self._post(lambda: self._after.choose(payment_id))
        else:
            self._post(self._after.close)

    def ask_refund(self) -> None:
        """Ask how much of the chosen sale goes back."""
        self._post(self._after.ask_refund)

    def order(self, what: str) -> None:
        """Have the chosen sale captured or cancelled."""
        self._post({"capture": self._after.capture, "void": self._after.void}[what])

    def close_day(self) -> None:
        """Take the money of every sale that waits for it."""
        self._post(self._after.close_day)

    def _charge(self) -> Coroutine[object, object, object]:
        if self._flow.amount_minor and self._keys.is_next_sale:
            self._wallet.till_asks(self._flow.state.amount_text, self._flow.state.reader_text)
        return self._keys.charge()
