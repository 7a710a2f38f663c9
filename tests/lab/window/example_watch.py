"""A watch state for every screen of the watch, and those that say more than usual."""

from __future__ import annotations

from dataclasses import replace

from lab.watch.state import WatchScreen, WatchState
from lab.words import message
from tests.lab.window.example_states import wallet_states


def watch_states() -> dict[str, WatchState]:
    cards = wallet_states()["stack"].cards
    table = WatchState(is_there=True, clock_text="14:02", cards=cards)
    worn = replace(table, is_worn=True, screen=WatchScreen.CARDS)
    stopped = tuple(replace(card, status="suspended") for card in cards)
    paid = message(
        "wallet.bank.approved", "good", amount="$1,240.00", merchant="Corner Market", back=""
    )
    return {
        "off": table,
        "off-hint": replace(table, notice=message("watch.not_worn", "waiting")),
        "locked": replace(table, is_worn=True, screen=WatchScreen.LOCKED, code_length=3),
        "locked-spent": replace(
            table,
            is_worn=True,
            screen=WatchScreen.LOCKED,
            notice=message("watch.code_spent", "bad"),
        ),
        "empty": replace(worn, screen=WatchScreen.EMPTY, cards=()),
        "cards": worn,
        "stopped": replace(worn, cards=stopped),
        "coming": replace(worn, cards=(replace(cards[0], is_here=False),)),
        "ready": replace(
            worn, screen=WatchScreen.READY, amount_text="$1,240.00", armed_left_s=57, in_hand=True
        ),
        "read": replace(worn, screen=WatchScreen.READ, in_hand=True),
        "told": replace(worn, told=paid, told_payment_id="pay_1", in_hand=True),
        "lost": replace(worn, screen=WatchScreen.LOST, told=paid),
        "cut": replace(worn, offline=True, is_cut=True),
    }
