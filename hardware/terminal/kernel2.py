"""Kernel 2: Mastercard (Book C-2): which mode, and what EMV mode does in its own way.

Where the card's profile says that the device verifies its owner, that stands (CVM.2 to CVM.4);
else its list of methods is read. A card without EMV mode, or a till without it, takes mag-stripe
mode (`kernel2_stripe`); where they have no mode in common the card is asked to be used elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.emv.bitfields import AIP_CDCVM_SUPPORTED, AIP_EMV_MODE, has_bit
from hardware.terminal.card_data import BrokenRule, CardData
from hardware.terminal.config import Modes
from hardware.terminal.emv_mode import Mode, Rules, run_emv_mode
from hardware.terminal.kernel import SELECT_NEXT, Kernel, Step
from hardware.terminal.kernel2_stripe import STRIPE_ENTRY, run_stripe_mode
from hardware.terminal.outcome import CardholderVerification
from hardware.terminal.verification import DEVICE_VERIFIED, NOT_NEEDED, Chosen

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from hardware.terminal.entry_point import Prepared
    from hardware.terminal.verdicts import Verdicts

KERNEL_ID = 2


def run_kernel(
    pdol: bytes | None, prepared: Prepared, values: MutableMapping[int, bytes], step: Step
) -> Kernel:
    """The dialogue from GPO on; see `run_emv_mode`."""
    return run_emv_mode(_RULES, pdol, prepared, values, step)


def _other_mode(profile: bytes, prepared: Prepared) -> Mode | None:
    """EMV mode where both have it, else mag-stripe mode where the till has it.

    Raises:
        BrokenRule: the till has EMV mode alone, and the card has it not.
    """
    modes = prepared.combination.modes
    if has_bit(profile, AIP_EMV_MODE) and modes is not Modes.MAG_STRIPE_ONLY:
        return None
    if modes is Modes.EMV_ONLY:
        raise BrokenRule("magstripe_mode_only")
    return run_stripe_mode


def _by_device(data: CardData, prepared: Prepared) -> bool:
    allowed = prepared.combination.options.on_device_verification
    return allowed and has_bit(data.need(0x82), AIP_CDCVM_SUPPORTED)


def _check_limit(data: CardData, prepared: Prepared) -> None:
    """One limit for devices that verify their owner, another for the rest (DF8124, DF8125).

    Raises:
        BrokenRule: too much for this card; the next candidate may do.
    """
    combination = prepared.combination
    limit = combination.reader_limit_minor
    if _by_device(data, prepared):
        limit = combination.options.on_device_limit_minor
    if limit is not None and prepared.amount_minor >= limit:
        raise BrokenRule("over_device_limit", select_next=True)


def _verify_on_device(data: CardData, prepared: Prepared, _found: Verdicts) -> Chosen | None:
    """The profile alone says it: the device would not have answered an owner it does not know."""
    if not _by_device(data, prepared):
        return None
    if prepared.cvm_required:
        return Chosen(CardholderVerification.DEVICE, DEVICE_VERIFIED)
    return Chosen(CardholderVerification.NONE, NOT_NEEDED)


_RULES = Rules(
    application_version=bytes.fromhex("0002"),
    refusals={0x6984: "switch_interface", 0x6985: SELECT_NEXT, 0x6986: "see_phone"},
    own_values=lambda _prepared: {},
    other_mode=_other_mode,
    # The record that only mag-stripe mode reads (Book C-2, 6.2.3).
    skipped_entry=STRIPE_ENTRY,
    verify_on_device=_verify_on_device,
    check_limit=_check_limit,
    relay_resistance=True,
    recovery=True,
)
