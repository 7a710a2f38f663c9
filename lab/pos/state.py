"""What the till shows, as one immutable value. The flow makes it, the view draws it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lab.words import Message


class PosPhase(Enum):
    """Where a sale stands."""

    IDLE = "idle"
    AMOUNT = "amount"
    PRESENT = "present"
    READING = "reading"
    AUTHORIZING = "authorizing"
    APPROVED = "approved"
    STORED = "stored"  # taken offline, at the shop's risk: nobody has promised to pay
    DECLINED = "declined"
    NOT_COMPLETED = "not_completed"  # do not tap again: the bank's answer is not known
    TRY_AGAIN = "try_again"
    OTHER_CARD = "other_card"
    SEE_PHONE = "see_phone"
    ONE_CARD = "one_card"
    TIMED_OUT = "timed_out"  # nobody presented a card
    FAILED = "failed"  # reader or engine out of reach


OUTCOMES = {  # how a sale stands in one stable word; every other phase is an "error"
    PosPhase.APPROVED: "approved",
    PosPhase.STORED: "stored",
    PosPhase.DECLINED: "declined",
    PosPhase.NOT_COMPLETED: "unknown",
    PosPhase.TRY_AGAIN: "try_again",
    PosPhase.SEE_PHONE: "try_again",
    PosPhase.ONE_CARD: "try_again",
    PosPhase.OTHER_CARD: "other_card",
}


class Light(Enum):
    """One of the four lights."""

    OFF = "off"
    ON = "on"
    BLINK = "blink"
    ALERT = "alert"


IDLE_MESSAGE = Message("pos.idle")
OFF4 = (Light.OFF, Light.OFF, Light.OFF, Light.OFF)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt that is worth nothing, as lines of (left, right)."""

    payment_id: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RecentSale:
    """A line in "last payments"."""

    payment_id: str
    time_text: str
    amount_text: str
    state: str


@dataclass(frozen=True, slots=True)
class OfflineState:
    """What the till keeps for its bank, and what became of it.

    Attributes:
        mode: "never", "when_down" or "now".
        risk: "3 taps, $41.20 at the shop's risk"; None when nothing waits.
        waiting: the stored taps, the oldest first.
        sending: whether one of them is on the wire.
        uploaded: how many of the last ended ones were paid.
        lost: declined after the fact or expired, the newest first; `lost_reasons` says why.
        limits: one payment and total in major units, count, hours.
    """

    mode: str = "never"
    risk: Message | None = None
    waiting: tuple[RecentSale, ...] = ()
    sending: bool = False
    uploaded: int = 0
    lost: tuple[RecentSale, ...] = ()
    lost_reasons: tuple[str, ...] = ()
    limits: tuple[int, int, int, int] = (50, 200, 10, 24)


@dataclass(frozen=True, slots=True)
class PosState:
    """Everything that the till shows.

    Attributes:
        amount_text: "$12.40", formatted for the currency.
        currency: ISO 4217 letters; `currencies` are those on offer.
        headline: what the display says below the amount.
        detail: the smaller second line: network and last four, auth code, why declined.
        lights: the four lights, with `lights_caption` saying them in words.
        tone: "", "read" or "alert": what the speaker would say (always captioned).
        can_charge: whether the Charge key does something now.
        payment_id: the payment on the display, once known.
    """

    phase: PosPhase = PosPhase.IDLE
    merchant: str = "Corner Market"
    terminal_id: str = "T0000001"
    amount_text: str = ""
    currency: str = "USD"
    currencies: tuple[str, ...] = ("USD", "EUR", "GBP", "JPY")
    headline: Message = IDLE_MESSAGE
    detail: Message | None = None
    lights: tuple[Light, Light, Light, Light] = OFF4
    lights_caption: Message = IDLE_MESSAGE
    tone: str = ""
    can_charge: bool = False
    can_cancel: bool = False
    receipt: Receipt | None = None
    recent: tuple[RecentSale, ...] = ()
    payment_id: str = ""
    reader_text: str = ""
    offline: OfflineState = OfflineState()
