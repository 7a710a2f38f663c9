"""What the kernel's outcome means for the till: the next event, and the words for the display.

The outcomes are EMV's (Book A, 6); the table is the whole of what the till makes of them.
"""

from __future__ import annotations

from hardware.api import (
    CardCollision,
    CardFault,
    CardHeld,
    CardLinkError,
    CardMute,
    CardRemoved,
    NoCard,
    Outcome,
    TapResult,
)
from lab.pos.machine import PosEvent
from lab.words import Message, message

_EVENTS: dict[Outcome, PosEvent] = {
    Outcome.APPROVED: PosEvent.APPROVED_OFFLINE,
    Outcome.ONLINE_REQUEST: PosEvent.CARD_READ,
    Outcome.DECLINED: PosEvent.DECLINED,
    Outcome.TRY_AGAIN: PosEvent.TRY_AGAIN,
    Outcome.TRY_ANOTHER_INTERFACE: PosEvent.OTHER_CARD,
    Outcome.USE_ANOTHER_CARD: PosEvent.OTHER_CARD,
    Outcome.SEE_PHONE: PosEvent.SEE_PHONE,
    Outcome.PRESENT_ONE_CARD: PosEvent.TWO_CARDS,
    Outcome.READ_ONLY: PosEvent.OTHER_CARD,
    Outcome.ERROR: PosEvent.OTHER_CARD,
}
_LINK_EVENTS = {
    "reader_gone": PosEvent.OUT_OF_REACH,
    "link_failed": PosEvent.OUT_OF_REACH,
    "card_fault": PosEvent.TRY_AGAIN,
    "answer_malformed": PosEvent.TRY_AGAIN,
}


_OWN_WORDS = frozenset(
    {
        "pulled_too_early",
        "real_card",
        "see_phone",
        "reader_gone",
        "card_silent",
        "two_cards",
        "card_declined",
        "till_declined",
        "online_not_possible",
        "offline_not_supported",
        "application_expired",
        "over_reader_limit",
        "over_device_limit",
        "no_candidates",
        "transaction_type_not_configured",
        "relay_suspected",
    }
)


STRANGERS = frozenset({"real_card", "no_ppse", "ppse_malformed", "no_candidates"})
"""Reasons for which the kernel leaves a card alone because it is not this lab's."""


def event_of(tap: TapResult) -> PosEvent:
    """An error of the link is another thing than a card that breaks the rules."""
    return _LINK_EVENTS.get(tap.reason, _EVENTS[tap.outcome])


def fault_of(fault: CardLinkError) -> tuple[PosEvent, str]:
    """What it means that no card came to be read, and the problem in one stable word."""
    match fault:
        case NoCard():
            return PosEvent.NOBODY_CAME, "no_card"
        case CardCollision():
            return PosEvent.TWO_CARDS, "two_cards"
        case CardHeld():
            return PosEvent.TRY_AGAIN, "card_held"
        case CardMute() | CardFault() | CardRemoved():
            return PosEvent.TRY_AGAIN, "card_silent"
        case _:
            return PosEvent.OUT_OF_REACH, "reader_gone"


def may_be_kept(tap: TapResult) -> bool:
    """Whether its conversation may be written down: never a stranger's card's."""
    return tap.lab_card is not False and tap.reason not in STRANGERS


def card_words(tap: TapResult) -> Message:
    """Why the kernel did not come to a cryptogram, for the display's second line."""
    if tap.reason == "kernel_not_available":
        names = {5: "JCB", 6: "Discover", 7: "UnionPay"}
        name = names.get(tap.kernel or 0, "This card")
        return message("pos.why.kernel_not_available", "bad", network=name)
    if tap.reason in _OWN_WORDS:
        return Message(f"pos.why.{tap.reason}", "bad")
    reason = tap.reason.replace("_", " ")
    if tap.reason.endswith("_malformed"):
        return message("pos.why.nonsense", "bad", reason=reason)
    if tap.reason.startswith("unauthentic_"):
        part = reason.removeprefix("unauthentic ")
        return message("pos.why.unauthentic", "bad", part=part)
    return message("pos.why.other", "bad", reason=reason)
