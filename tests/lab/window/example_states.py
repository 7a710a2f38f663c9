"""Example states for the window's tests and for looking at it: what a flow might show.

Nothing here is product data; the pictures in the documentation are rendered from a running lab.
"""

from __future__ import annotations

import math

from backend.runtime.events import Event
from lab.console.state import (
    ApduLine,
    BenchState,
    ConsoleState,
    DecodedNode,
    Deviation,
    FaultPreset,
    FaultSpan,
    FilmMark,
    Hop,
    LastTap,
    LatencyBucket,
    LatencyPoint,
    LatencySeries,
    LedgerLine,
    NetworkTile,
    PaymentDetail,
    PaymentRow,
    ReaderView,
)
from lab.pos.state import Light, PosPhase, PosState, Receipt, RecentSale
from lab.wallet.state import AddCardForm, CardView, HistoryRow, PhoneScreen, WalletState
from lab.words import Message, words

NOW_US = 1_780_000_000_000_000
EXAMPLE = "example.text"


def allow_example_words() -> None:
    """Let examples say any sentence: the flows' own sentences are not this package's."""
    words()._catalogue[EXAMPLE] = ("{text}", "{text}")


def say(text: str, kind: str = "neutral") -> Message:
    return Message(EXAMPLE, kind, (("text", text),))


CARDS = (
    CardView("c1", "ref1", "Travel", "Mastercard", "5454", "8812", "travel", "active", False, True),
    CardView("c2", "ref2", "Reserve", "Amex", "0005", "1199", "reserve", "active", False, True),
    CardView("c3", "ref3", "Everyday", "Visa", "4242", "7719", "everyday", "active", True, True),
)
MARKED = (
    CardView("c4", "ref4", "Plain", "Visa", "1111", "", "plain", "pending", False, True),
    CardView("c1", "ref1", "Travel", "Mastercard", "5454", "8812", "travel", "suspended", False, True),
    CARDS[1],
    CARDS[2],
)
HISTORY = (
    HistoryRow("pay_1", "Corner Market", "Today, 14:02", "$12.40", "approved"),
    HistoryRow("pay_2", "Corner Market", "Today, 14:01", "$12.51", "declined"),
    HistoryRow("pay_3", "Blue Door Coffee and Bakery", "Today, 13:58", "$5.10", "unknown"),
    HistoryRow("pay_4", "Corner Market", "Yesterday", "$8.20", "reversed"),
)


def wallet_states() -> dict[str, WalletState]:
    base = {"clock_text": "14:02", "cards": CARDS, "reader_text": "Lab reader"}
    pay = base | {"selected_id": "c3", "amount_text": "$12.40"}
    s = PhoneScreen
    return {
        "starting": WalletState(clock_text="14:02"),
        "first-start": WalletState(screen=s.FIRST_START, clock_text="14:02"),
        "stack": WalletState(screen=s.STACK, **base),
        "stack-marked": WalletState(screen=s.STACK, **(base | {"cards": MARKED, "offline": True})),
        "card-detail": WalletState(s.CARD_DETAIL, **base, selected_id="c3", history=HISTORY),
        "card-detail-empty": WalletState(s.CARD_DETAIL, **base, selected_id="c1"),
        "add-empty": WalletState(s.ADD_CARD, **base),
        "add-errors": WalletState(
            s.ADD_CARD,
            **base,
            add=AddCardForm(
                "4242 4242 4242 4241",
                "13/2",
                "12",
                "Visa",
                errors=(
                    ("number", say("This number has a typing error in it.", "bad")),
                    ("expiry", say("Month 01 to 12.", "bad")),
                    ("cvv", say("Three digits.", "bad")),
                ),
            ),
        ),
        "add-ready": WalletState(
            s.ADD_CARD,
            **base,
            add=AddCardForm(
                "4242 4242 4242 4242", "12/29", "123", "Visa", (), terms_accepted=True,
                can_submit=True,
            ),
        ),
        "verify": WalletState(s.VERIFY, **(base | {"cards": MARKED}), selected_id="c4"),
        "pay-sheet": WalletState(s.PAY_SHEET, **pay),
        "pay-sheet-refused": WalletState(
            s.PAY_SHEET, **pay,
            notice=say("The bank said no to Travel. No money moved; try another card.", "bad"),
        ),
        "face-scan": WalletState(s.FACE_SCAN, **pay, scan="scanning"),
        "face-failed": WalletState(s.FACE_SCAN, **pay, scan="failed", scans_left=2),
        "passcode": WalletState(s.PASSCODE, **pay, scans_left=0),
        "hold-near": WalletState(s.HOLD_NEAR, **pay, armed_left_s=24),
        "read": WalletState(s.READ, **pay),
        "banner": WalletState(
            s.READ, **pay, banner=say("Approved: $12.40 at Corner Market", "good"),
            banner_payment_id="pay_1",
        ),
        "banner-declined": WalletState(
            s.STACK, **pay,
            banner=say("Declined: $12.51 at Corner Market. Insufficient funds.", "bad"),
            banner_payment_id="pay_2",
        ),
    }


RECEIPT = Receipt(
    "pay_1",
    (
        ("Corner Market", ""),
        ("T0000001", "14:02:07"),
        ("Visa •••• 7719", "CONTACTLESS"),
        ("AID", "A0000000031010"),
        ("ARQC", "3B9C 04D1 77A2 E5F0"),
        ("AUTH", "7F21C0"),
        ("TOTAL USD", "12.40"),
        ("APPROVED 00", ""),
    ),
)
RECENT = (
    RecentSale("pay_1", "14:02", "$12.40", "approved"),
    RecentSale("pay_2", "14:01", "$12.51", "declined"),
    RecentSale("pay_3", "13:58", "$5.10", "unknown"),
)
ON4 = (Light.ON,) * 4
FIRST = (Light.ON, Light.OFF, Light.OFF, Light.OFF)
BLINK = (Light.BLINK, Light.OFF, Light.OFF, Light.OFF)
ALERT = (Light.ALERT,) * 4


def pos_states() -> dict[str, PosState]:
    p = PosPhase
    ready, asking = say("Ready: present card or phone"), say("Card read: remove it", "neutral")
    return {
        "idle": PosState(lights=BLINK, lights_caption=say("Idle: first light blinks")),
        "amount": PosState(
            p.AMOUNT, amount_text="$12.40", can_charge=True, headline=say("Press Charge"),
            lights=BLINK, lights_caption=say("Idle: first light blinks"), recent=RECENT,
        ),
        "present": PosState(
            p.PRESENT, amount_text="$12.40", headline=say("Present card or phone"),
            lights=FIRST, lights_caption=ready, can_cancel=True, reader_text="Lab reader",
        ),
        "authorizing": PosState(
            p.AUTHORIZING, amount_text="$12.40", headline=say("Asking Visa…", "waiting"),
            lights=ON4, lights_caption=asking, tone="read", detail=say("Visa •••• 7719"),
        ),
        "approved": PosState(
            p.APPROVED, amount_text="$12.40", headline=say("Approved", "good"),
            detail=say("Visa •••• 7719 · Auth 7F21C0"), receipt=RECEIPT, recent=RECENT,
            lights_caption=say("Lights out: the card may go"), payment_id="pay_1",
        ),
        "declined": PosState(
            p.DECLINED, amount_text="$12.51", headline=say("Declined", "bad"),
            detail=say("Insufficient funds: the amount ends .51. No money moved."),
            lights=ALERT, lights_caption=say("Alert"), tone="alert", recent=RECENT,
        ),
        "not-completed": PosState(
            p.NOT_COMPLETED, amount_text="$5.10", headline=say("Not completed", "waiting"),
            detail=say("Do not tap again: the bank's answer is not known yet."),
            lights=ALERT, lights_caption=say("Alert"), tone="alert", can_cancel=True,
        ),
        "big-amount": PosState(
            p.AMOUNT, amount_text="¥123,456,789,012", can_charge=True,
            headline=say("Press Charge"), currency="JPY",
        ),
    }
