"""The swarm's cashier: now and then captures, voids or refunds one of the till's last sales.

Draws from dice of its own. What stays open because its answer was lost is asked again at the quiet
end, as a cashier would when the lines work.
"""

from __future__ import annotations

from collections import Counter

from backend.api import SeededStream
from lab.pos.after_sale_state import SaleStep
from lab.simulation import SimulatedLab
from tests.simulation.checkers import Broken

ORDER_SHARE = 0.5
TO_BE_ORDERED = {"approved", "captured", "part_refunded"}
DAY_SHARE = 0.08
PARTLY_SHARE = 0.6
ORDER_LIMIT_S = 900.0


class Cashier:
    """Orders drawn from a seed."""

    def __init__(self, seed: int, lab: SimulatedLab) -> None:
        self._lab = lab
        self._after = lab.world.after_sale
        self._dice = SeededStream(seed, "cashier")
        self.orders: Counter[str] = Counter()

    async def maybe(self) -> None:
        """An order about a sale of the list, or none."""
        dice, after = self._dice, self._after
        if dice.random() >= ORDER_SHARE:
            return
        recent = self._lab.world.pos.state.recent
        sales = [sale for sale in recent if sale.state in TO_BE_ORDERED]
        if dice.random() < DAY_SHARE:
            await self._ordered("day", after.close_day())
        elif sales:
            after.choose(dice.choice(sales).payment_id)
            await self._order_chosen()
        after.close()

    async def settle(self) -> None:
        """Ask every open order again, over lines that work."""
        world = self._lab.world
        for order in world.pos._memory._orders:
            await self._ordered("asked again", self._after._carry_out(order))
            if self._after.state.step is SaleStep.OPEN:
                raise Broken(f"{order.what} of {order.payment_id} is not answered")
            self._after.close()

    async def _order_chosen(self) -> None:
        after, dice = self._after, self._dice
        if after.state.step is SaleStep.OPEN:
            await self._ordered("asked again", after.confirm())
            return
        if not after.state.orders:
            return
        match dice.choice(after.state.orders):
            case "refund":
                left = after.left_minor
                part = dice.randint(1, left) if dice.random() < PARTLY_SHARE else left
                await self._ordered("refund", after.refund(part))
            case "void":
                await self._ordered("void", after.void())
            case _:
                await self._ordered("capture", after.capture())

    async def _ordered(self, what: str, order: object) -> None:
        async with self._lab.world.real_scheduler.deadline(ORDER_LIMIT_S):
            await order
        self.orders[f"{what} {self._after.state.step.value}"] += 1
