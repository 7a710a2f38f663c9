"""`tap-lab tap`: one whole tap without a window, and the JSON that describes it.

At the emulated reader it is phone (or watch) and till. At a real one it is the till alone: it waits
for whatever card comes and never opens the folder's secure element, which another program may hold.
"""

from __future__ import annotations

import argparse
import asyncio
import math

from hardware.api import TapResult
from lab.amounts import currency_of, format_amount, parse_amount
from lab.commands.card_choice import (
    card_for,
    demand_stripe,
    mag_stripe_option,
    version_option,
)
from lab.commands.shared import (
    FAILED,
    SUCCESS,
    Subparsers,
    command,
    in_world,
    profile_option,
    remark,
    settings_of,
    terminal_option,
    write,
    write_json,
)
from lab.commands.watch import watch_card_for
from lab.engine_shapes import CardRecord, PaymentRecord
from lab.errors import NotDone, WrongUse
from lab.in_hand import PHONE, WATCH
from lab.pos.flow import PosFlow
from lab.pos.sale import Sale
from lab.pos.state import OUTCOMES
from lab.readers import check_there, is_emulated
from lab.settings import Settings
from lab.shop import Till, till_opened
from lab.wallet.pocket_cards import POCKET_CARDS
from lab.words import tell
from lab.world import World

WAIT_S, WAIT_MAX_S = 60.0, 3600.0


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
    parser.add_argument(
        "--wait", type=_seconds, default=WAIT_S, metavar="S",
        help="at a real reader: seconds to wait for a card (default %(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--pocket",
        action="store_true",
        help="pay with a card that may approve small payments alone (see --terminal)",
    )
    parser.add_argument(
        "--device",
        choices=(PHONE, WATCH),
        default=PHONE,
        help="pay with the phone or with the watch, which gets the card first where it has it not "
        "(default %(default)s)",
    )
    mag_stripe_option(parser)
    version_option(parser)
    parser.add_argument(
        "--transit",
        action="store_true",
        help="at a transit gate: the card is the phone's express card and pays without a face scan",
    )
    terminal_option(parser)
    profile_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Tap; exit 0 only when approved."""
    amount_minor = parse_amount(chosen.amount, chosen.currency)
    currency = currency_of(chosen.currency).code
    settings = settings_of(chosen)
    _demand_sense(chosen, settings)
    if not is_emulated(settings.reader):
        return _at_real_reader(chosen, settings, amount_minor, currency)

    async def work(world: World) -> tuple[Sale, CardRecord, str]:
        if chosen.pocket:
            card = await pocket_card_for(world, chosen.card)
        else:
            card = await card_for(world, chosen.card, chosen.cryptogram)
        demand_stripe(world, card)
        if chosen.device == WATCH:
            card = await watch_card_for(world, card)
        if settings.transit:
            world.wallet.set_express(card.id, chosen=True)
        sale = await world.hands.tap(amount_minor, currency, card.id)
        if sale is None:
            raise NotDone(f"the {chosen.device} did not arm{_reason(world, chosen.device)}")
        return sale, card, _said(world.pos)

    sale, card, said = in_world(settings, work)
    by = " on the watch" if chosen.device == WATCH else ""
    with_card = f" with {card.network} ·{card.last4}{by}"
    return _tell(chosen, describe(sale, card), said, amount_minor, with_card)


def _demand_sense(chosen: argparse.Namespace, settings: Settings) -> None:
    """Refuse options that speak of two cards, or of a card that is not here.

    Raises:
        WrongUse: they do.
    """
    by_watch = chosen.device == WATCH
    if chosen.pocket and chosen.cryptogram:
        raise WrongUse("--pocket and --cryptogram name two cards: choose one")
    if by_watch and (settings.mag_stripe or settings.transit):
        raise WrongUse("--mag-stripe and --transit are the phone's: a watch has neither")
    if is_emulated(settings.reader):
        return
    if by_watch:
        raise WrongUse("--device watch: at a real reader whichever card comes pays")
    if chosen.pocket:
        raise WrongUse("--pocket is the phone's: at a real reader whichever card comes pays")
    if settings.mag_stripe:
        raise WrongUse("--mag-stripe is the phone's: at a real reader the card decides")


def _at_real_reader(
    chosen: argparse.Namespace, settings: Settings, amount_minor: int, currency: str
) -> int:
    """The till alone; exit 0 only when approved."""
    if chosen.cryptogram is not None:
        raise WrongUse("at a real reader whatever card comes pays: --cryptogram chooses none")
    check_there(settings.reader)

    async def work() -> tuple[Sale, str, str | None]:
        async with till_opened(settings) as till:
            await till.ready()
            till.pos.set_amount(amount_minor, currency)
            remark(f"{till.pos.state.reader_text}: waiting for a card")
            sale = await till.pos.charge(wait_s=chosen.wait)
            assert sale is not None, "nobody cancels, and there is an amount"
            return sale, _said(till.pos), await _token_ref(till, sale)

    sale, said, token_ref = asyncio.run(work())
    document = describe(sale, None) | {"token_ref": token_ref}
    return _tell(chosen, document, said, amount_minor, "")


async def _token_ref(till: Till, sale: Sale) -> str | None:
    """Whose card it was, as the engine knows it: the till only saw a number."""
    if sale.answer is None:
        return None
    return PaymentRecord.from_json(await till.client.payment(sale.answer.payment_id)).token_ref


def _reason(world: World, device: str) -> str:
    flow = world.watch.flow
    notice = flow.state.notice if device == WATCH and flow else world.wallet.state.notice
    return "" if notice is None else f": {tell(notice)}"


def _said(pos: PosFlow) -> str:
    """What the till's display says."""
    state = pos.state
    return tell(state.headline) + (f". {tell(state.detail)}" if state.detail else "")


def _tell(
    chosen: argparse.Namespace,
    document: dict[str, object],
    said: str,
    amount_minor: int,
    with_card: str,
) -> int:
    approved = document["outcome"] == "approved"
    if chosen.json:
        write_json(document)
        if not approved:
            remark(said)
    else:
        currency = currency_of(chosen.currency).code
        write(f"{format_amount(amount_minor, currency)}{with_card}: {said}")
        write(_figures(document))
    return SUCCESS if approved else FAILED


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= WAIT_MAX_S or math.isnan(seconds):
        raise argparse.ArgumentTypeError(f"{text} is not more than 0 and up to {WAIT_MAX_S:g}")
    return seconds


async def pocket_card_for(world: World, network: str) -> CardRecord:
    """The wallet's card of a network that may approve alone; added where it is not there yet.

    Raises:
        NotDone: its keys did not arrive.
    """
    draft = POCKET_CARDS[network]
    for card in world.wallet.cards:
        if (card.network, card.last4) == (network, draft.last4) and card.is_verified:
            return card
    remark(f"adding the lab's {network} pocket card")
    return await world.wallet.add(draft)


def describe(sale: Sale, card: CardRecord | None) -> dict[str, object]:
    """The document that `tap --json` promises; without a card, no token reference."""
    answer, tap = sale.answer, sale.tap
    latency = {} if answer is None else dict(answer.latency_ms)
    reader_ms = 0.0 if tap is None else tap.reader_us / 1000
    return {
        "outcome": OUTCOMES.get(sale.phase, "error"),
        "auth_code": answer.auth_code if answer else None,
        "response_code": answer.response_code if answer else None,
        "reason": sale.problem or None,
        "kernel": tap.kernel if tap else None,
        "cryptogram": tap.cryptogram_type if tap else None,
        "offline": tap.reason == "offline_approved" if tap else False,
        "mode": _mode_of(tap),
        "apdu_count": tap.apdu_count if tap else 0,
        "transaction_id": answer.payment_id if answer else None,
        "tap_id": sale.tap_id,
        "token_ref": card.token_ref if card else None,
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


def _mode_of(tap: TapResult | None) -> str | None:
    """How the card was read; None where it did not come to that."""
    if tap is None:
        return None
    if "magstripe_mode" in tap.steps:
        return "mag_stripe"
    return "emv" if tap.cryptogram else None


def _figures(document: dict[str, object]) -> str:
    latency = document["latency_ms"]
    parts = ""
    if isinstance(latency, dict):
        parts = ", ".join(f"{name} {ms:g} ms" for name, ms in latency.items())
    known = ("auth_code", "response_code", "kernel", "apdu_count", "atc", "transaction_id")
    words = ", ".join(f"{name} {document[name]}" for name in known if document[name] is not None)
    return f"{words}\n{parts}"
