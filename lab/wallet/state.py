"""What the phone shows, as one immutable value. The flow makes it, the view draws it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from lab.words import Message


class PhoneScreen(Enum):
    """The phone's screens."""

    STARTING = "starting"  # the engine is not up yet, and no cards are cached
    FIRST_START = "first_start"  # no card: "start with three demo cards" or "add a card"
    STACK = "stack"
    CARD_DETAIL = "card_detail"
    ADD_CARD = "add_card"
    LETTERS = "letters"  # what banks and shops wrote
    DEVICES = "devices"  # phone and watch: lost and found
    LOST = "lost"  # this phone is marked as lost
    SIGNED_OUT = "signed_out"  # nobody is signed in: no card is shown, none pays
    VERIFY = "verify"
    PAY_SHEET = "pay_sheet"
    FACE_SCAN = "face_scan"
    PASSCODE = "passcode"
    HOLD_NEAR = "hold_near"  # armed
    IN_APP = "in_app"  # a shop asks in an app or on a page
    READ = "read"  # tick: the card was read, which is not "approved"


GIVES_WAY = frozenset(
    {
        PhoneScreen.STARTING,
        PhoneScreen.FIRST_START,
        PhoneScreen.STACK,
        PhoneScreen.LOST,
        PhoneScreen.SIGNED_OUT,
    }
)
"""Screens that change by themselves when cards or the account do."""
SHOWS_CHOSEN = frozenset(
    {
        PhoneScreen.CARD_DETAIL,
        PhoneScreen.PAY_SHEET,
        PhoneScreen.FACE_SCAN,
        PhoneScreen.PASSCODE,
        PhoneScreen.HOLD_NEAR,
        PhoneScreen.IN_APP,
    }
)
"""Screens on which the card that was brought forward is the one to pay with."""


@dataclass(frozen=True, slots=True)
class CardView:
    """One card in the stack.

    Attributes:
        label: the product's name on the card's face ("Everyday").
        art: which drawing: the name of a design, "plain" for one that is not known.
        status: "active", "pending" (to be verified), "suspended" or "rejected" (not verified).
        is_express: it pays at transit gates without its owner being recognised.
        is_spent: its transaction counter is at its end; it has to be refreshed.
        is_here: its keys are in this phone.
        suspended_by: who holds it: CARDHOLDER, TOKEN_REQUESTOR (its device is lost), ISSUER …
        waiting_for: "reactivate" or "refresh" while that waits for the network, else "".
        watch: "" without a watch, "there" when it is on the watch too, else "offered".
    """

    id: str
    token_ref: str
    label: str
    network: str
    last4: str
    token_last4: str
    art: str
    status: str
    is_default: bool
    is_express: bool = False
    is_spent: bool = False
    is_here: bool = True
    suspended_by: tuple[str, ...] = ()
    waiting_for: str = ""
    watch: str = ""

    @property
    def can_pay(self) -> bool:
        """Whether the phone knows of nothing that is against it."""
        return self.status == "active" and self.is_here and not self.is_spent


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device of the person.

    Attributes:
        kind: "phone" or "watch".
        is_this: whether it is the phone that shows it.
        cards: how many cards it holds.
        stopped: how many of them are suspended.
    """

    id: str
    kind: str
    name: str
    is_this: bool
    is_lost: bool
    cards: int
    stopped: int


@dataclass(frozen=True, slots=True)
class LetterView:
    """One message in the mailbox.

    Attributes:
        sender: who wrote it.
        says: what.
        payment_id: what it is about, or "".
    """

    id: str
    sender: Message
    at_text: str
    says: Message
    payment_id: str = ""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One payment in a card's history; `back_text` is what was paid back of it, if anything."""

    payment_id: str
    merchant: str
    at_text: str
    amount_text: str
    state: str
    back_text: str = ""


@dataclass(frozen=True, slots=True)
class AddCardForm:
    """The add-card form. The number is masked to groups; it is never kept after sealing.

    Attributes:
        network: recognised while typing, or "".
        errors: field name → what is wrong with it.
        terms_accepted: the box above the button.
        busy: the network is being asked.
        terms_text: what the box accepts, as the card's network tells it; "" until it is there.
        terms_version: of that text.
        asking: the network is being asked what card it is.
        product: the card's name, "" while it is not known.
        card_type: "credit" or "debit".
        designs: id and name of each face that can be chosen.
        design: the chosen one.
    """

    number_text: str = field(default="", repr=False)
    expiry_text: str = ""
    cvv_text: str = field(default="", repr=False)
    network: str = ""
    errors: tuple[tuple[str, Message], ...] = ()
    terms_accepted: bool = False
    can_submit: bool = False
    busy: bool = False
    terms_text: str = ""
    terms_version: str = ""
    asking: bool = False
    product: str = ""
    card_type: str = ""
    designs: tuple[tuple[str, str], ...] = ()
    design: str = ""


@dataclass(frozen=True, slots=True)
class MethodView:
    """One way to get a code.

    Attributes:
        destination: masked, or "".
        state: "ready", "sent" (a code is on its way or there) or "spent".
    """

    method: str
    destination: str
    state: str


@dataclass(frozen=True, slots=True)
class VerifyForm:
    """A card that its bank wants to check first.

    Attributes:
        step: "choose" a method, enter the "code", "done", or "failed" for good.
        method: the chosen one.
        code_text: digits typed so far; never kept after they were sent.
        problem: what is wrong with the last step.
        resend_in_s: until another code may be asked for.
        sends_left: codes that can still be asked for by this method.
        expires_in_s: how long the code can still be used.
        busy: the bank is being asked.
    """

    step: str = "choose"
    methods: tuple[MethodView, ...] = ()
    method: str = ""
    destination: str = ""
    code_digits: int = 6
    code_text: str = field(default="", repr=False)
    problem: Message | None = None
    resend_in_s: int = 0
    sends_left: int = 0
    expires_in_s: int = 0
    busy: bool = False

    @property
    def can_submit(self) -> bool:
        """Whether every digit is there."""
        return len(self.code_text) == self.code_digits and not self.busy

    @property
    def can_resend(self) -> bool:
        """Whether another code may be asked for now."""
        return self.sends_left > 0 and self.resend_in_s == 0 and not self.busy


@dataclass(frozen=True, slots=True)
class InAppSheet:
    """What a shop asks for, and how far that is.

    Attributes:
        lines: label and amount of each line above the total.
        networks: whose cards the shop takes.
        step: "offer", "scanning", "paying", "done", "refused" (another card can be chosen),
            "not_sent" (the same can be sent again) or "pending" (no answer yet).
        notice: what was said about it.
        token_text: the payment token as the shop saw it, once it was opened.
    """

    session_id: str = ""
    merchant: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    total_text: str = ""
    networks: tuple[str, ...] = ()
    step: str = "offer"
    notice: Message | None = None
    token_text: str = ""


@dataclass(frozen=True, slots=True)
class WalletState:
    """Everything that the phone shows.

    Attributes:
        clock_text: lab time as "14:02".
        selected_id: the card brought forward, or the one chosen to pay with.
        amount_text: "$12.40" when the till asks for money, else "".
        scan: "idle", "scanning", "success", "failed" while the face is scanned.
        scans_left: tries before the passcode is asked.
        armed_left_s: seconds until an armed phone disarms.
        reader_text: the reader it would be held to.
        banner: the bank's message that drops from the top, with its payment.
        notice: one line under the card: a refusal, a hint.
        offline: cached cards are shown because the engine is out of reach.
        devices: the person's devices, this phone first.
        in_app: the sheet of a shop that asks.
        letters: what banks and shops wrote, newest first.
    """

    screen: PhoneScreen = PhoneScreen.STARTING
    clock_text: str = ""
    cards: tuple[CardView, ...] = ()
    selected_id: str = ""
    amount_text: str = ""
    scan: str = "idle"
    scans_left: int = 3
    armed_left_s: int = 0
    reader_text: str = ""
    add: AddCardForm = AddCardForm()
    verify: VerifyForm = VerifyForm()
    history: tuple[HistoryRow, ...] = ()
    banner: Message | None = None
    banner_payment_id: str = ""
    notice: Message | None = None
    offline: bool = False
    busy: bool = False
    devices: tuple[DeviceView, ...] = ()
    in_app: InAppSheet = InAppSheet()
    letters: tuple[LetterView, ...] = ()

    @property
    def other_card(self) -> CardView | None:
        """Another card that could pay instead of the one that was tried last."""
        default = next((card.id for card in self.cards if card.is_default), "")
        tried = self.selected_id or default
        return next((card for card in self.cards if card.id != tried and card.can_pay), None)
