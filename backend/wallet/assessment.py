"""What the wallet itself says to a card that somebody wants to add: its colour, one of three.

The network and the issuer say theirs; the wallet only knows the device and what happened on it. It
does not know the card number. Test behaviour: the security code may choose (`networks.decisions`).
"""

from __future__ import annotations

from collections.abc import Iterable

from backend.networks.decisions import decisions_of
from backend.networks.tsp_terms import Colour, combine
from backend.wallet.model import Card


def assess(code: str, cards_on_device: Iterable[Card]) -> Colour:
    """Green, unless the device was lost lately, or the security code asks for another colour.

    Args:
        code: the card's security code.
        cards_on_device: what is on the device already; a card that is still suspended because the
            device was lost makes the wallet careful.
    """
    was_lost = any(card.suspend_reason == "device_lost" for card in cards_on_device)
    device = Colour.YELLOW if was_lost else Colour.GREEN
    return combine((device, decisions_of(code).wallet))
