"""The steps after a sale: how a file names them, and how a till carries them out.

A step chooses the sale of an earlier tap at the till and presses the key that a cashier would; an
order whose answer was lost is still open there, so the same step once more asks it again.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.amounts import parse_amount
from lab.errors import NotDone, WrongUse
from lab.pos.after_sale import AfterSale
from lab.pos.after_sale_state import SaleStep
from lab.scenarios.fields import Fields
from lab.scenarios.model import OrderSale, Step, Tap

ORDERS = ("capture", "void", "refund")
ENDS = {SaleStep.DONE: "done", SaleStep.FAILED: "refused", SaleStep.OPEN: "open"}


def read_order(what: str) -> Callable[[Fields, str, list[Step]], OrderSale]:
    """A reader of the steps of one kind."""
    return lambda fields, name, earlier: _read(what, fields, name, earlier)


def _read(what: str, fields: Fields, name: str, earlier: list[Step]) -> OrderSale:
    taps = {step.name: step for step in earlier if isinstance(step, Tap)}
    tap = fields.choice("tap", tuple(taps))
    amount_minor = 0
    if what == "refund" and fields.has("amount"):
        try:
            amount_minor = parse_amount(fields.text("amount"), taps[tap].currency)
        except WrongUse as wrong:
            fields.wrong("amount", str(wrong))
    ends = fields.choice("ends", tuple(ENDS.values()), "done")
    return OrderSale(name, what, tap, amount_minor, ends)


async def carry_out(after: AfterSale, step: OrderSale, payment_id: str) -> None:
    """Choose the sale and order it.

    Raises:
        NotDone: the till does not have the sale or does not offer that, or it ended otherwise.
    """
    after.choose(payment_id)
    if not payment_id or after.state.payment_id != payment_id:
        raise NotDone(f"the till has no sale of {step.tap} any more")
    try:
        if after.state.step is SaleStep.OPEN:
            await after.confirm()
        elif step.what not in after.state.orders:
            raise NotDone(f"the till offers no {step.what} of a sale that is {after.state.state}")
        elif step.what == "refund":
            await after.refund(step.amount_minor or after.left_minor)
        else:
            await (after.capture if step.what == "capture" else after.void)()
        ended = ENDS.get(after.state.step, "not begun")
        if ended != step.ends:
            detail = after.state.detail.key.rpartition(".")[2] if after.state.detail else ""
            raise NotDone(f"the {step.what} ended {ended} ({detail}), not {step.ends}")
    finally:
        after.close()
