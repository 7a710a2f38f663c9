"""Outcomes: what a tap can end in, as values; one table says what each reason means.

A reason is a stable code that people and programs may match on; the table gives its outcome, the
message for the display and where a next attempt would start (Book A, tables 6-1 and 9-1; Book B,
3.5). Reasons about one tag end in its number (`missing_9F26`) and follow their family. Knows no
card and no bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardware.readers.exchange import Exchange


class Outcome(StrEnum):
    """How a tap ended."""

    APPROVED = "approved"
    """By card and till alone; the issuer hears of it afterwards."""
    ONLINE_REQUEST = "online_request"
    DECLINED = "declined"
    TRY_AGAIN = "try_again"
    TRY_ANOTHER_INTERFACE = "try_another_interface"
    USE_ANOTHER_CARD = "use_another_card"
    SEE_PHONE = "see_phone"
    PRESENT_ONE_CARD = "present_one_card"
    READ_ONLY = "read_only"
    """A real card was read with consent: nothing charged, nothing stored."""
    ERROR = "error"


class StartPoint(StrEnum):
    """Where a restart would begin (Book B, 3.1); N means there is none."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    NONE = "N"


class UiMessage(IntEnum):
    """Message identifiers of the books (Book A, table 9-3)."""

    APPROVED = 0x03
    DECLINED = 0x07
    PROCESSING_ERROR = 0x0F
    REMOVE_CARD = 0x10
    PRESENT_CARD = 0x15
    PROCESSING = 0x16
    CARD_READ_OK = 0x17
    INSERT_OR_SWIPE = 0x18
    PRESENT_ONE_CARD = 0x19
    AUTHORISING = 0x1B
    USE_ANOTHER_CARD = 0x1C
    SEE_PHONE = 0x20
    PRESENT_AGAIN = 0x21


class UiStatus(StrEnum):
    """What the lights and the tone say (Book A, table 9-3)."""

    READY_TO_READ = "ready_to_read"
    PROCESSING = "processing"
    CARD_READ_OK = "card_read_ok"
    PROCESSING_ERROR = "processing_error"


class CardholderVerification(Enum):
    """How the cardholder was or will be verified; each kernel has its own coding of it (9F34)."""

    NONE = "none"
    DEVICE = "device"
    SIGNATURE = "signature"
    ONLINE_PIN = "online_pin"


NO_VERIFICATION = bytes.fromhex("3F0000")
"""9F34: no verification was performed (Book 4, A4)."""


@dataclass(frozen=True, slots=True)
class UiRequest:
    """What the display shall show."""

    message: UiMessage
    status: UiStatus

    @property
    def message_id(self) -> int:
        """The message's number."""
        return int(self.message)


@dataclass(frozen=True, slots=True)
class Ending:
    """What a reason means."""

    outcome: Outcome
    ui: UiRequest
    start_point: StartPoint = StartPoint.NONE


def _ending(
    outcome: Outcome,
    message: UiMessage,
    status: UiStatus = UiStatus.PROCESSING_ERROR,
    start_point: StartPoint = StartPoint.NONE,
) -> Ending:
    return Ending(outcome, UiRequest(message, status), start_point)


_OTHER_CARD = _ending(Outcome.USE_ANOTHER_CARD, UiMessage.USE_ANOTHER_CARD)
_OTHER_INTERFACE = _ending(Outcome.TRY_ANOTHER_INTERFACE, UiMessage.INSERT_OR_SWIPE)
_DECLINED = _ending(Outcome.DECLINED, UiMessage.DECLINED, UiStatus.CARD_READ_OK)
_AGAIN = _ending(Outcome.TRY_AGAIN, UiMessage.PRESENT_AGAIN, UiStatus.READY_TO_READ, StartPoint.B)
_BAD_CARD = _ending(Outcome.ERROR, UiMessage.USE_ANOTHER_CARD)
_FAILED = _ending(Outcome.ERROR, UiMessage.PROCESSING_ERROR)

ENDINGS: dict[str, Ending] = {
    # The card did its part.
    "online_request": _ending(Outcome.ONLINE_REQUEST, UiMessage.AUTHORISING, UiStatus.CARD_READ_OK),
    "real_card_read_only": _ending(
        Outcome.READ_ONLY, UiMessage.CARD_READ_OK, UiStatus.CARD_READ_OK
    ),
    "offline_approved": _ending(Outcome.APPROVED, UiMessage.APPROVED, UiStatus.CARD_READ_OK),
    "card_declined": _DECLINED,
    "till_declined": _DECLINED,
    "application_expired": _DECLINED,
    "online_not_possible": _DECLINED,
    "offline_not_supported": _DECLINED,
    "cvm_not_satisfied": _DECLINED,
    "unauthentic": _DECLINED,
    "relay_suspected": _DECLINED,
    # The card, the phone or the limits ask for something else.
    "over_reader_limit": _OTHER_INTERFACE,
    "over_device_limit": _OTHER_CARD,
    "transaction_type_not_configured": _OTHER_INTERFACE,
    "switch_interface": _OTHER_INTERFACE,
    "see_phone": _ending(
        Outcome.SEE_PHONE, UiMessage.SEE_PHONE, UiStatus.READY_TO_READ, StartPoint.B
    ),
    "conditions_not_satisfied": _OTHER_CARD,
    "real_card": _OTHER_CARD,
    "no_ppse": _OTHER_CARD,
    "ppse_malformed": _OTHER_CARD,
    "no_candidates": _OTHER_CARD,
    "kernel_not_available": _OTHER_CARD,
    "select_refused": _OTHER_CARD,
    "fci_malformed": _OTHER_CARD,
    "pdol_malformed": _OTHER_CARD,
    "pdol_without_ttq": _OTHER_CARD,
    "magstripe_mode_only": _OTHER_INTERFACE,
    # The card's data break a rule.
    "gpo_refused": _BAD_CARD,
    "msd_not_supported": _BAD_CARD,
    "gpo_malformed": _BAD_CARD,
    "answer_too_long": _BAD_CARD,
    "answer_too_deep": _BAD_CARD,
    "too_many_objects": _BAD_CARD,
    "too_many_records": _BAD_CARD,
    "afl_malformed": _BAD_CARD,
    "record_refused": _BAD_CARD,
    "record_malformed": _BAD_CARD,
    "missing": _BAD_CARD,
    "bad": _BAD_CARD,
    "duplicate": _BAD_CARD,
    "pan_mismatch": _BAD_CARD,
    "cryptogram_type_unknown": _BAD_CARD,
    "cryptogram_refused": _BAD_CARD,
    "cryptogram_malformed": _BAD_CARD,
    "cryptogram_not_asked_for": _BAD_CARD,
    "checksum_refused": _BAD_CARD,
    "checksum_malformed": _BAD_CARD,
    "relay_refused": _BAD_CARD,
    "relay_malformed": _BAD_CARD,
    "relay_too_fast": _BAD_CARD,
    # The link broke.
    "pulled_too_early": _AGAIN,
    "card_silent": _AGAIN,
    "present_one_card": _ending(
        Outcome.PRESENT_ONE_CARD,
        UiMessage.PRESENT_ONE_CARD,
        UiStatus.READY_TO_READ,
        StartPoint.B,
    ),
    "reader_gone": _FAILED,
    "card_fault": _FAILED,
    "answer_malformed": _FAILED,
    "link_failed": _FAILED,
}
"""Every reason there is."""


def ending_of(reason: str) -> Ending:
    """What a reason means; one about a tag or a signature by its family."""
    known = ENDINGS.get(reason)
    if known is not None:
        return known
    family, _, tag = reason.partition("_")
    assert tag, reason
    assert family in {"missing", "bad", "duplicate", "unauthentic"}, reason
    return ENDINGS[family]


@dataclass(frozen=True, slots=True)
class TapResult:
    """One tap, finished. Everything that may be shown, and what the engine needs to go online."""

    outcome: Outcome
    reason: str
    ui: UiRequest
    start_point: StartPoint
    kernel: int | None
    candidates: tuple[str, ...]
    """Application identifiers in hex, in the order they were tried."""
    steps: tuple[str, ...]
    """Names of the steps reached."""
    token: str = field(default="", repr=False)
    """The device account number's digits, out of tag 57."""
    masked_token: str = ""
    expiry: str = ""
    """YYMM."""
    psn: str = ""
    atc: int | None = None
    cryptogram: str = ""
    """Hex."""
    cryptogram_type: str | None = None
    """ARQC, TC, AAC or None."""
    status_information: str = ""
    """Hex of the transaction status information (tag 9B)."""
    findings: str = ""
    """Hex of the terminal verification results at the end; those of DE 55 are older where the
    card's signature was looked at after its cryptogram."""
    unpredictable_number: str = ""
    """Hex."""
    emv_data: bytes = field(default=b"", repr=False)
    """What DE 55 carries; holds no account number."""
    track_2: str = field(default="", repr=False)
    """The finished track of mag-stripe mode, with the separator D; empty in EMV mode."""
    cdcvm: bool = False
    cvm: CardholderVerification = CardholderVerification.NONE
    lab_card: bool | None = None
    """Whether the card carries the lab's mark; None where it was never asked."""
    recovered: bool = False
    """Whether the cryptogram is that of an earlier tap that was torn (Book C-2)."""
    apdu_count: int = 0
    reader_us: int = 0
    """Time the exchanges took together."""
    exchanges: tuple[Exchange, ...] = ()
