"""`tap-lab payment list|capture|void|refund`: what a merchant does after the sale, from the shell.

Asks the folder's engine; no phone and no till is opened. An order carries a key of its own; where
its answer was lost, the command says with which key to ask again, so that it is done once.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from backend.api import Entropy, identifier
from lab.amounts import format_amount, parse_amount
from lab.client_sales import OrderAnswer
from lab.clock_text import date_and_time
from lab.commands.engine_only import Engine, with_engine
from lab.commands.shared import (
    FAILED,
    SUCCESS,
    Subparsers,
    remark,
    settings_of,
    shared_options,
    write,
    write_json,
)
from lab.engine_shapes import PaymentRecord
from lab.errors import EngineUnreachable, WrongUse

LISTED_MAX = 500
EXAMPLE = "tap-lab payment refund pay_0660bfcf65852a70b08f6ef4 --amount 2.40"
DOES = {
    "capture": "take an approval's money, or a part of it",
    "void": "let an approval go before its capture",
    "refund": "give captured money back, all or a part; what is not captured is voided",
}


def add(commands: Subparsers) -> None:
    """Add the command with its actions to the parser."""
    does = "list payments; capture, void or refund one"
    parser = commands.add_parser("payment", help=does, description=does + ".",
                                 epilog=f"example: {EXAMPLE}")  # fmt: skip
    parser.set_defaults(run=lambda _chosen: _no_action())
    actions = parser.add_subparsers(metavar="ACTION")
    listed = actions.add_parser("list", help="the last payments, newest first",
                                epilog="example: tap-lab payment list --json")  # fmt: skip
    shared_options(listed)
    listed.set_defaults(run=_list)
    listed.add_argument("--limit", type=int, default=20, help="how many (default %(default)s)")
    for what, told in DOES.items():
        action = actions.add_parser(what, help=told, epilog=f"example: {_example(what)}")
        shared_options(action)
        action.set_defaults(run=_order, what=what)
        action.add_argument("id", metavar="ID", help="the payment, as list shows it")
        action.add_argument("--key", metavar="K", help="of an order whose answer was lost")
        if what != "void":
            action.add_argument("--amount", metavar="A", help="a part, such as 2.40 (default all)")
        if what == "refund":
            action.add_argument("--reason", metavar="R", help="the merchant's words")


def _list(chosen: argparse.Namespace) -> int:
    if not 1 <= chosen.limit <= LISTED_MAX:
        raise WrongUse(f"--limit goes from 1 to {LISTED_MAX}")

    async def work(engine: Engine) -> tuple[PaymentRecord, ...]:
        return await engine.client.payments(limit=chosen.limit)

    payments = with_engine(settings_of(chosen), work)
    if chosen.json:
        write_json({"payments": [_row(payment) for payment in payments]})
        return SUCCESS
    for payment in payments:
        amount = format_amount(payment.amount_minor, payment.currency)
        back = f"  {_money(payment.refunded_minor, payment)} back" if payment.refunded_minor else ""
        moment = date_and_time(payment.created_at_us)
        write(f"{payment.id}  {moment}  {amount:>10}  {payment.network}  {payment.state}{back}")
    return SUCCESS


def _order(chosen: argparse.Namespace) -> int:
    key = chosen.key or identifier(Entropy().secret("orders"), "order")

    async def work(engine: Engine) -> OrderAnswer:
        payment = PaymentRecord.from_json(await engine.client.payment(chosen.id))
        typed = getattr(chosen, "amount", None)
        return await engine.client.order(
            chosen.what,
            payment.id,
            merchant_id=payment.merchant_id,
            key=key,
            amount_minor=None if typed is None else parse_amount(typed, payment.currency),
            reason=getattr(chosen, "reason", None),
        )

    try:
        answer = with_engine(settings_of(chosen), work)
    except EngineUnreachable as fault:
        if not fault.may_have_left:
            raise
        remark(f"tap-lab: {fault}: it may be done; ask again with --key {key}")
        return FAILED
    if chosen.json:
        write_json({**asdict(answer), "key": key})
        return SUCCESS
    amount = format_amount(answer.amount_minor, answer.currency)
    number = f" ({answer.refund_id})" if answer.refund_id else ""
    write(f"{chosen.what} of {amount}: {answer.status}{number}")
    return SUCCESS


def _row(payment: PaymentRecord) -> dict[str, object]:
    return {
        "id": payment.id,
        "created_at_us": payment.created_at_us,
        "network": payment.network,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "state": payment.state,
        "captured_minor": payment.captured_minor,
        "refunded_minor": payment.refunded_minor,
        "merchant_id": payment.merchant_id,
    }


def _money(amount_minor: int, payment: PaymentRecord) -> str:
    return format_amount(amount_minor, payment.currency)


def _example(what: str) -> str:
    return EXAMPLE if what == "refund" else EXAMPLE.partition(" --")[0].replace("refund", what)


def _no_action() -> int:
    raise WrongUse("payment list, capture, void or refund? (tap-lab payment --help)")
