"""Kernel 4: American Express, partial online (Book C-4): which mode, and EMV mode's own ways.

The reader says in GPO what it can do and whether it needs the cardholder verified (9F6D, 9F6E); a
phone says in 9F71 how that went. 6984 means that the phone wants to be looked at first. A card
whose profile does not offer EMV mode takes mag-stripe mode (`kernel4_stripe`). The values of 9F6D
and 9F71 are from working knowledge (lab approximation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.emv.bitfields import AIP_EMV_MODE, TTQ_ONLINE_PIN, TTQ_SIGNATURE, has_bit
from hardware.terminal import verdicts
from hardware.terminal.card_data import BrokenRule, CardData
from hardware.terminal.config import Modes
from hardware.terminal.emv_mode import Mode, Rules, run_emv_mode
from hardware.terminal.kernel import SELECT_NEXT, Kernel, Step
from hardware.terminal.kernel4_stripe import run_stripe_mode
from hardware.terminal.outcome import CardholderVerification
from hardware.terminal.verification import DEVICE_VERIFIED, NOT_NEEDED, Chosen

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from hardware.terminal.entry_point import Prepared
    from hardware.terminal.verdicts import Verdicts

KERNEL_ID = 4
_CONTACT, _PARTIAL_ONLINE, _MOBILE = 0x80, 0x10, 0x08
_MOBILE_VERIFICATION, _ONLINE_PIN, _SIGNATURE = 0x80, 0x40, 0x20
_VERIFICATION_REQUIRED = 0x40
_KERNEL_VERSION = 0x03
_DEVICE_FAILED = bytes.fromhex("010001")


def run_kernel(
    pdol: bytes | None, prepared: Prepared, values: MutableMapping[int, bytes], step: Step
) -> Kernel:
    """The dialogue from GPO on; see `run_emv_mode`."""
    return run_emv_mode(_RULES, pdol, prepared, values, step)


def _reader_values(prepared: Prepared) -> Mapping[int, bytes]:
    """9F6D and 9F6E as a reader fills them for one payment (Book C-4, 4.3.4)."""
    ways = _MOBILE_VERIFICATION
    ways |= _ONLINE_PIN if has_bit(prepared.ttq, TTQ_ONLINE_PIN) else 0
    ways |= _SIGNATURE if has_bit(prepared.ttq, TTQ_SIGNATURE) else 0
    required = _VERIFICATION_REQUIRED if prepared.cvm_required else 0
    modes = _CONTACT | _PARTIAL_ONLINE | _MOBILE
    return {
        0x9F6D: b"\xc8" if prepared.cvm_required else b"\xc0",
        0x9F6E: bytes([modes, ways, required, _KERNEL_VERSION]),
    }


def _other_mode(profile: bytes, prepared: Prepared) -> Mode | None:
    """EMV mode where both have it (profile, byte 2 bit 8), else mag-stripe mode.

    Raises:
        BrokenRule: the till has EMV mode alone, and the card has it not.
    """
    modes = prepared.combination.modes
    if has_bit(profile, AIP_EMV_MODE) and modes is not Modes.MAG_STRIPE_ONLY:
        return None
    if modes is Modes.EMV_ONLY:
        raise BrokenRule("magstripe_mode_only")

    def stripe_mode(
        data: CardData, prepared: Prepared, values: Mapping[int, bytes], step: Step
    ) -> Kernel:
        return run_stripe_mode(_RULES, data, prepared, values, step)

    return stripe_mode


def _verify_on_device(data: CardData, prepared: Prepared, found: Verdicts) -> Chosen | None:
    """What the phone says of its owner.

    Raises:
        BrokenRule: the phone has still to verify its owner.
    """
    mobile = data.get(0x9F71)
    if mobile is None:
        return None
    if not prepared.cvm_required:
        return Chosen(CardholderVerification.NONE, NOT_NEEDED)
    match mobile[2]:
        case 0x02:
            return Chosen(CardholderVerification.DEVICE, DEVICE_VERIFIED)
        case 0x01 | 0x03:  # failed, or blocked after too many tries
            found.note(verdicts.VERIFICATION_FAILED)
            return Chosen(CardholderVerification.NONE, _DEVICE_FAILED)
        case _:
            raise BrokenRule("see_phone")


_RULES = Rules(
    application_version=bytes.fromhex("0001"),
    refusals={0x6984: "see_phone", 0x6985: SELECT_NEXT, 0x6986: "see_phone"},
    own_values=_reader_values,
    other_mode=_other_mode,
    skipped_entry=b"",
    verify_on_device=_verify_on_device,
    static_authentication=True,
)
