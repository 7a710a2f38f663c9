"""What the watch shows, as one immutable value. The flow makes it, the view draws it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lab.wallet.state import CardView
from lab.words import Message


class WatchScreen(Enum):
    """The watch's screens."""

    OFF = "off"  # on nobody's wrist: locked, and nothing pays
    LOCKED = "locked"  # on a wrist: the passcode is wanted
    EMPTY = "empty"  # no card yet: the phone adds one
    CARDS = "cards"
    READY = "ready"  # armed: hold it near a reader
    READ = "read"  # tick: the card was read, which is not "approved"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class WatchState:
    """Everything that the watch shows.

    Attributes:
        is_there: whether there is a watch at all.
        is_worn: whether it is on a wrist.
        clock_text: lab time as "14:02".
        cards: those whose tokens are for this watch, the default first.
        selected_id: the card brought forward.
        amount_text: "$12.40" when the till asks for money, else "".
        code_length: digits of the passcode typed so far.
        armed_left_s: seconds until an armed watch disarms.
        notice: one line: a refusal, a hint.
        told: the bank's message, with its payment.
        offline: the engine is out of its reach; it pays all the same.
        is_cut: its line was cut by us.
        in_hand: it, and not the phone, is what is held to the reader.
    """

    is_there: bool = False
    is_worn: bool = False
    screen: WatchScreen = WatchScreen.OFF
    clock_text: str = ""
    cards: tuple[CardView, ...] = ()
    selected_id: str = ""
    amount_text: str = ""
    code_length: int = 0
    armed_left_s: int = 0
    notice: Message | None = None
    told: Message | None = None
    told_payment_id: str = ""
    offline: bool = False
    is_cut: bool = False
    in_hand: bool = False

    @property
    def front(self) -> CardView | None:
        """The card that would pay: the one brought forward, else the default one."""
        chosen = next((card for card in self.cards if card.id == self.selected_id), None)
        default = next((card for card in self.cards if card.is_default), None)
        return chosen or default or (self.cards[0] if self.cards else None)
