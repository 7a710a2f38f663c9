"""What a till is and what it is asked to do: combinations, limits, identity, and one request.

Amounts are integer minor units; countries and currencies ISO numbers. The default combinations
name every kernel of the public books, so that a card of a network without a kernel here is refused
by name instead of being unknown (Book B, 3.1 and table 3-6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from hardware.terminal.authorities import NO_AUTHORITIES, Authorities
from hardware.terminal.limits import DEFAULT_LIMITS, ResponseLimits
from hardware.terminal.relay import RelaySettings
from hardware.terminal.risk import NO_SELECTION, ActionCodes, RandomSelection
from hardware.terminal.torn import LIFETIME_DEFAULT_S, RECORDS_DEFAULT

AMOUNT_MINOR_MAX = 999_999_999_999
"""Twelve digits (tag 9F02)."""

KERNEL_OF_RID: dict[bytes, int] = {
    bytes.fromhex("A000000004"): 2,
    bytes.fromhex("A000000003"): 3,
    bytes.fromhex("A000000025"): 4,
    bytes.fromhex("A000000065"): 5,
    bytes.fromhex("A000000152"): 6,
    bytes.fromhex("A000000324"): 6,
    bytes.fromhex("A000000333"): 7,
}
"""Which kernel a card means when its directory entry names none (Book B, table 3-6)."""

_COMBINED = {2, 4}
"""Kernels whose cards sign the cryptogram itself, which costs no command."""
_OFFLINE_ONLY, _ONLINE_ONLY = {3, 6}, {1, 4}


@dataclass(frozen=True, slots=True)
class KernelOptions:
    """What one kernel may do, where its book leaves it to the till.

    Attributes:
        on_device_verification: take the device's word for its owner (kernel 2, DF811B bit 6).
        on_device_limit_minor: from this amount on no payment by a device that verifies its owner
            (kernel 2, DF8125); None does not limit. Others have the reader's limit.
    """

    on_device_verification: bool = True
    on_device_limit_minor: int | None = None


class Modes(Enum):
    """Which modes a till has with a network's cards (DF811B of kernel 2, bits 8 and 7)."""

    BOTH = "both"
    EMV_ONLY = "emv"
    MAG_STRIPE_ONLY = "mag_stripe"


@dataclass(frozen=True, slots=True)
class Combination:
    """One application identifier with one kernel, and its limits (Book B, table 3-1).

    `aid` matches every card application that begins with it. A limit of None does not limit.
    """

    aid: bytes
    kernel: int
    transaction_type: int | None = None
    """Tag 9C for which it stands; None stands for every type."""
    reader_limit_minor: int | None = None
    """From this amount on no contactless payment."""
    floor_limit_minor: int | None = 0
    """Above this amount an online cryptogram is required; None never requires one for it."""
    cvm_limit_minor: int | None = 50_00
    """From this amount on the cardholder must be verified."""
    zero_amount_allowed: bool = True
    action_codes: ActionCodes = field(default_factory=ActionCodes)
    """Which findings decline and which go online (kernels 2 and 4)."""
    selection: RandomSelection = NO_SELECTION
    """Which payments below the floor limit go online all the same."""
    offline_authentication: bool = False
    """Have the card sign the payment and check it, where both can. For Visa it costs four more
    commands (transaction qualifiers, byte 1 bit 1); kernels 2 and 4 sign the cryptogram itself."""
    modes: Modes = Modes.BOTH
    """Kernels 2 and 4; kernel 3 has EMV mode alone."""
    status_check: bool = False
    """Ask for an online cryptogram where the amount is a single unit of currency."""
    ttq: bytes | None = None
    """Static transaction qualifiers of this combination; None takes the till's."""
    capabilities: bytes | None = None
    """9F33 of this combination; None takes the till's."""
    options: KernelOptions = KernelOptions()
    limits: ResponseLimits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        assert self.ttq is None or len(self.ttq) == 4
        assert self.capabilities is None or len(self.capabilities) == 3

    @property
    def entry_limit_minor(self) -> int | None:
        """What entry point refuses by: a kernel that knows two limits looks for itself."""
        own, device = self.reader_limit_minor, self.options.on_device_limit_minor
        if self.kernel != 2 or own is None or not self.options.on_device_verification:
            return own
        return None if device is None else max(own, device)


def _default_combinations() -> tuple[Combination, ...]:
    known = (
        ("A0000000031010", 3),
        ("A0000000032010", 3),
        ("A0000000041010", 2),
        ("A0000000043060", 2),
        ("A00000002501", 4),
        ("A0000000651010", 5),
        ("A0000001523010", 6),
        ("A000000333010101", 7),
        ("A000000333010102", 7),
    )
    return tuple(
        Combination(bytes.fromhex(aid), kernel, offline_authentication=kernel in _COMBINED)
        for aid, kernel in known
    )


@dataclass(frozen=True, slots=True)
class TerminalConfig:
    """One till. Text fields are cut to the lengths EMV gives them."""

    terminal_id: str = "TAPLAB01"
    """Eight characters (9F1C)."""
    merchant_id: str = "TAPLABMERCHANT1"
    """Fifteen characters (9F16)."""
    merchant_name: str = "Tap Lab Coffee"
    """Merchant name and location (9F4E)."""
    merchant_category: str = "5814"
    """Four digits (9F15)."""
    country_numeric: int = 840
    ttq: bytes = bytes.fromhex("32004000")
    """Static terminal transaction qualifiers: EMV mode, contact chip, signature, CDCVM.
    Byte 2 is set for each payment from the limits."""
    terminal_type: int = 0x22
    """Attended, online with offline capability (Book 4, A1)."""
    capabilities: bytes = bytes.fromhex("E028C8")
    """9F33."""
    additional_capabilities: bytes = bytes.fromhex("6000F0A001")
    """9F40."""
    combinations: tuple[Combination, ...] = field(default_factory=_default_combinations)
    """In order of the till's preference; the card's priority comes first."""
    authorities: Authorities = NO_AUTHORITIES
    """Whose certificates the till accepts."""
    ui_hold_ms: int = 0
    """How long a result stays before the display may be used again (Book A, hold time)."""
    transit: bool = False
    """A gate of public transport: every card is to sign, since the gate cannot wait for an issuer.
    Its reader announces it (`readers.polling`), where it can."""
    relay_resistance: RelaySettings | None = field(default_factory=RelaySettings)
    """How kernel 2 measures relays; None does not."""
    torn_records_max: int = RECORDS_DEFAULT
    """Torn taps remembered (DF811D); 0 recovers none."""
    torn_lifetime_s: int = LIFETIME_DEFAULT_S
    """How long each is (DF811C)."""

    def __post_init__(self) -> None:
        assert len(self.ttq) == 4
        assert len(self.capabilities) == 3
        assert 0 < self.country_numeric < 1000
        assert self.merchant_category.isdecimal()
        assert self.torn_records_max >= 0
        assert self.torn_lifetime_s >= 0
        assert self.ui_hold_ms >= 0

    @property
    def selects_by_chance(self) -> bool:
        """Whether any combination sends payments online by chance."""
        return any(each.selection != NO_SELECTION for each in self.combinations)

    @property
    def offline_only(self) -> bool:
        """Whether this type of till never asks an issuer (Book 4, A1)."""
        return self.terminal_type & 0x0F in _OFFLINE_ONLY

    @property
    def online_only(self) -> bool:
        """Whether this type of till asks the issuer of every payment (Book 4, A1)."""
        return self.terminal_type & 0x0F in _ONLINE_ONLY


@dataclass(frozen=True, slots=True)
class TapRequest:
    """One payment to be tapped."""

    amount_minor: int
    currency_numeric: int
    exponent: int = 2
    transaction_type: int = 0x00
    """00 purchase, 09 cashback, 20 refund (ISO 8583 processing code)."""
    sequence_number: int = 1
    """The till's own count of payments (9F41)."""

    def __post_init__(self) -> None:
        assert 0 <= self.amount_minor <= AMOUNT_MINOR_MAX
        assert 0 < self.currency_numeric < 1000
        assert 0 <= self.exponent <= 4
