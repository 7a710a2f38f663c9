"""`tap-lab tap`: one whole tap without a window, and the JSON that describes it."""

from __future__ import annotations

import argparse

from lab.amounts import currency_of, format_amount, parse_amount
from lab.commands.shared import (
    FAILED,
    SUCCESS,
    Subparsers,
    command,
    in_world,
    profile_option,
    remark,
    settings_of,
    write,
    write_json,
)
from lab.engine_shapes import CardRecord
from lab.errors import NotDone
from lab.pos.flow import Sale
from lab.pos.state import OUTCOMES
from lab.words import tell
from lab.world import World


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(
        commands,
        "tap",
        "pay once by phone at the till, without a window",
        "tap-lab tap --amount 12.40 --currency USD --json",
        run,
    )
    parser.add_argument("--amount", required=True, help="decimal amount, such as 12.40")
    parser.add_argument("--currency", default="USD", help="ISO 4217 letters (default %(default)s)")
    parser.add_argument("--card", choices=("visa", "mastercard", "amex"), default="visa")
    parser.add_argument(
        "--reader", default=argparse.SUPPRESS, help="URL or name of a reader (default sim:)"
    )
    profile_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Tap; exit 0 only when approved."""
    amount_minor = parse_amount(chosen.amount, chosen.currency)
    currency = currency_of(chosen.currency).code

    async def work(world: World) -> tuple[Sale, CardRecord, str]:
        card = await card_for(world, chosen.card)
        sale = await world.hands.tap(amount_minor, currency, card.id)
        if sale is None:
            raise NotDone("the phone did not arm")
        state = world.pos.state
        said = tell(state.headline) + (f". {tell(state.detail)}" if state.detail else "")
        return sale, card, said

    sale, card, said = in_world(settings_of(chosen), work)
    document = describe(sale, card)
    if chosen.json:
        write_json(document)
    else:
        write(f"{format_amount(amount_minor, currency)} with {card.network} ·{card.last4}: {said}")
        write(_figures(document))
    remark(said) if chosen.json and document["outcome"] != "approved" else None
    return SUCCESS if document["outcome"] == "approved" else FAILED


async def card_for(world: World, network: str) -> CardRecord:
    """The wallet's card of a network; on an empty wallet the demo cards are added first.

    Raises:
        NotDone: the wallet has cards, but none of that network.
    """
    if not world.wallet.cards:
        remark("the wallet is empty: adding the lab's demo cards")
        await world.wallet.start_with_demo_cards()
    for card in world.wallet.cards:
        if card.network == network:
            return card
    raise NotDone(f"the wallet has no {network} card: add one in the window")


def describe(sale: Sale, card: CardRecord) -> dict[str, object]:
    """The document that `tap --json` promises."""
    answer, tap = sale.answer, sale.tap
    latency = {} if answer is None else dict(answer.latency_ms)
    reader_ms = 0.0 if tap is None else tap.reader_us / 1000
    return {
        "outcome": OUTCOMES.get(sale.phase, "error"),
        "auth_code": answer.auth_code if answer else None,
        "response_code": answer.response_code if answer else None,
        "reason": sale.problem or None,
        "kernel": tap.kernel if tap else None,
        "apdu_count": tap.apdu_count if tap else 0,
        "transaction_id": answer.payment_id if answer else None,
        "tap_id": sale.tap_id,
        "token_ref": card.token_ref,
        "atc": tap.atc if tap else None,
        "latency_ms": {
            "total": round(sale.total_us / 1000, 3),
            "reader": round(reader_ms, 3),
            **{
                name: round(latency.get(name, 0.0), 3)
                for name in ("engine", "network", "issuer", "database")
            },
        },
    }


def _figures(document: dict[str, object]) -> str:
    latency = document["latency_ms"]
    parts = ""
    if isinstance(latency, dict):
        parts = ", ".join(f"{name} {ms:g} ms" for name, ms in latency.items())
    known = ("auth_code", "response_code", "kernel", "apdu_count", "atc", "transaction_id")
    words = ", ".join(f"{name} {document[name]}" for name in known if document[name] is not None)
    return f"{words}\n{parts}"
