"""Which of the phone's cards a command means: by network, and by cryptogram version.

A version belongs to a card product; where the phone has no such card, its published test number is
added, as a person would do it in the form.
"""

from __future__ import annotations

import argparse

from backend.api import TEST_NUMBER_OF_VERSION
from hardware.api import shows_stripe
from lab.commands.shared import remark
from lab.engine_shapes import CardRecord
from lab.errors import NotDone, WrongUse
from lab.wallet.add_card import CardDraft
from lab.world import World

VERSIONS = sorted({version for _, version in TEST_NUMBER_OF_VERSION})
_EXPIRY = "1230"
_CODES = {"amex": "1234"}
_ORDINARY_CODE = "123"


def version_option(parser: argparse.ArgumentParser) -> None:
    """Which cryptogram version the card shall speak."""
    parser.add_argument(
        "--cryptogram",
        choices=VERSIONS,
        metavar="VERSION",
        help="a card that speaks this cryptogram version: visa 10 17 18 22, mastercard 10 11 14 "
        "15, amex 01 (its test card is added where the wallet has none)",
    )


def mag_stripe_option(parser: argparse.ArgumentParser) -> None:
    """Whether the phone's card is one of the stripe age."""
    parser.add_argument(
        "--mag-stripe",
        action="store_true",
        help="the card has no EMV mode: a track with dynamic digits (mastercard, amex)",
    )


def demand_stripe(world: World, card: CardRecord) -> None:
    """Refuse a card that cannot be shown as asked for, before anything is tapped.

    Raises:
        WrongUse: Visa has no such mode.
        NotDone: the token came to this phone before its network made it one.
    """
    if not world.settings.mag_stripe or shows_stripe(world.element, card.token_ref):
        return
    if card.network == "visa":
        raise WrongUse("Visa has no mag-stripe mode any more: --card mastercard or amex")
    raise NotDone(
        f"{card.network} ·{card.last4} has no mag-stripe mode: remove the card and add it again"
    )


async def card_for(world: World, network: str, version: str | None = None) -> CardRecord:
    """The wallet's card of a network; on an empty wallet the demo cards are added first.

    Raises:
        NotDone: the wallet has cards, but none of that network that may pay.
        WrongUse: the network has no such cryptogram version.
    """
    if version is not None:
        return await _card_of_version(world, network, version)
    if not world.wallet.cards:
        remark("the wallet is empty: adding the lab's demo cards")
        await world.wallet.start_with_demo_cards()
    for card in world.wallet.cards:
        if card.network == network and card.is_verified:
            return card
    raise NotDone(f"the wallet has no {network} card: add one in the window")


async def _card_of_version(world: World, network: str, version: str) -> CardRecord:
    number = TEST_NUMBER_OF_VERSION.get((network, version))
    if number is None:
        known = ", ".join(name for whose, name in TEST_NUMBER_OF_VERSION if whose == network)
        raise WrongUse(f"{network} cards speak cryptogram version {known}, not {version}")
    for card in world.wallet.cards:
        if (card.network, card.last4) == (network, number[-4:]) and card.is_verified:
            return card
    remark(f"adding the test card ending {number[-4:]}, which speaks version {version}")
    code = _CODES.get(network, _ORDINARY_CODE)
    return await world.wallet.add(CardDraft(number, _EXPIRY, code, terms=True))
