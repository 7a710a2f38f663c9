"""The picture of a shop's sheet: what a shop asks in the session that the pictures tell."""

from __future__ import annotations

from collections.abc import Callable

from lab.wallet.state import PhoneScreen
from lab.world import World

NAMES = ("29-in-app-sheet", "29-in-app-sheet-light")
ORDER = {
    "merchantId": "mer_tea_house",
    "amount": 3350,
    "currency": "USD",
    "lineItems": [
        {"label": "2 \N{MULTIPLICATION SIGN} Sencha, 100 g", "amount": 2400},
        {"label": "1 \N{MULTIPLICATION SIGN} Genmaicha, 100 g", "amount": 950},
    ],
}


def ask(
    world: World, io: Callable[[Callable[[], object]], None], until: Callable[..., None]
) -> None:
    """Have a shop ask, and wait for its sheet."""
    io(world.wallet.close)
    io(lambda: world.client.open_merchant_session(ORDER))
    until(lambda: world.wallet.state.screen is PhoneScreen.IN_APP)
