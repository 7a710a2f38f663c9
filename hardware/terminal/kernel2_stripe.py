"""Kernel 2: Mastercard, mag-stripe mode (Book C-2).

Theory of operation: the first record of file 1 holds an empty track and says where its dynamic
digits go; COMPUTE CRYPTOGRAPHIC CHECKSUM, with the list that the card gives (UDOL) or else with the
unpredictable number alone, brings a code (CVC3) that covers number and counter. The till writes all
three into the track's discretionary data and sends the track online as a swipe's would be. The
random number has as many digits as the track has places for it. A phone that still wants its owner
answers without a code and says so (DF4B): look at the phone and tap again. No findings and no
offline authentication here: the code says all that the issuer hears.

What the mode needs of a till that kernel 2 has as configuration stands in `Combination.modes`.
The signal of a verification on the device (nUN plus five) is from working knowledge of the book.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu, ResponseApdu
from hardware.emv import tlv
from hardware.emv.bitfields import AIP_CDCVM_SUPPORTED, TTQ_ONLINE_PIN, has_bit
from hardware.emv.dol import build_dol
from hardware.emv.formats import encode_numeric
from hardware.runtime.errors import TlvError
from hardware.terminal.card_data import BrokenRule, CardData
from hardware.terminal.kernel import Kernel, KernelResult, Step, read_list, read_records
from hardware.terminal.outcome import NO_VERIFICATION, CardholderVerification
from hardware.terminal.stripe_data import (
    STRIPE_LENGTHS,
    Digits,
    Places,
    Stripe,
    complete_track_1,
    complete_track_2,
    read_places,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from hardware.terminal.entry_point import Prepared

STRIPE_ENTRY = bytes.fromhex("08010100")
"""Where the record of this mode is; a locator that begins so names nothing else for it."""
_DEFAULT_LIST = bytes.fromhex("9F6A04")
"""Default UDOL (DF811A)."""
_READER_VERSION = bytes.fromhex("0001")
"""9F6D: mag-stripe application version number of the reader."""
_MOBILE_SUPPORTED, _DEVICE_MUST_VERIFY = 0x01, 0x02
_ASKS_ITS_OWNER = 0x000F0F
"""Bits of DF4B that mean: look at the phone, then tap again (Book C-2, phone message table)."""
_VERIFIED_ON_DEVICE = (1, 0x10)
"""DF4B: the device has verified its owner."""


def run_stripe_mode(
    data: CardData, prepared: Prepared, values: Mapping[int, bytes], step: Step
) -> Kernel:
    """The dialogue behind GPO.

    Args:
        data: what GPO answered; filled.
        prepared: the combination with its limits.
        values: the terminal's objects by tag; 9F37 gives the number its randomness.
        step: told the name of each step reached.

    Raises:
        BrokenRule: the card breaks a rule.
    """
    step("magstripe_mode")
    data.expect(STRIPE_LENGTHS)
    locator = data.need(0x94)
    own = STRIPE_ENTRY if locator.startswith(STRIPE_ENTRY) else locator
    yield from read_records(own, data, step)
    step("mandatory_data")
    track_2 = data.track_2(0x9F6B)
    places_2 = read_places(data, 0x9F65, 0x9F66, 0x9F67)
    places_1 = _places_of_track_1(data, places_2)
    number = _unpredictable_number(values[0x9F37], len(places_2.number))
    step("cardholder_verification")
    on_device = has_bit(data.need(0x82), AIP_CDCVM_SUPPORTED)
    way = _way(prepared, on_device=on_device)
    step("compute_checksum")
    asked = read_list(data.get(0x9F69) or _DEFAULT_LIST, "bad_9F69")
    must = _DEVICE_MUST_VERIFY if on_device and prepared.cvm_required else 0
    own_values = {
        **values,
        0x9F6A: encode_numeric(number, 4),
        0x9F6D: _READER_VERSION,
        0x9F7E: bytes([_MOBILE_SUPPORTED | must]),
    }
    yield from _compute(build_dol(asked, own_values), data)
    step("card_decision")
    refusal = _refusal(data)
    if refusal is not None:
        return KernelResult(refusal, data, track_2)
    digits = Digits(
        code=int.from_bytes(data.need(0x9F61), "big"),
        number=number,
        counter=int.from_bytes(data.need(0x9F36), "big"),
        number_digits=len(places_2.number),
        verified_on_device=has_bit(data.get(0xDF4B) or b"", _VERIFIED_ON_DEVICE),
    )
    stripe = Stripe(
        complete_track_2(track_2, places_2, digits), _finish_track_1(data, places_1, digits)
    )
    step("track_completed")
    return KernelResult("online_request", data, track_2, None, way, NO_VERIFICATION, stripe=stripe)


def _places_of_track_1(data: CardData, places_2: Places) -> Places | None:
    """Track 1's places; both tracks carry one number, so they have the same room for it.

    Raises:
        BrokenRule: a track without its bitmaps, or another number of digits.
    """
    if data.get(0x56) is None:
        return None
    places = read_places(data, 0x9F62, 0x9F63, 0x9F64)
    if len(places.number) != len(places_2.number):
        raise BrokenRule("bad_9F63")
    return places


def _unpredictable_number(random: bytes, digits: int) -> int:
    """As many digits as the track has places; four random bytes hold eight with little bias."""
    return int(int.from_bytes(random, "big") % 10**digits)


def _way(prepared: Prepared, *, on_device: bool) -> CardholderVerification:
    """Below the limit none; above it the device, else what the till can do (Book C-2, DF811E)."""
    if not prepared.cvm_required:
        return CardholderVerification.NONE
    if on_device:
        return CardholderVerification.DEVICE
    if has_bit(prepared.ttq, TTQ_ONLINE_PIN):
        return CardholderVerification.ONLINE_PIN
    return CardholderVerification.SIGNATURE


def _compute(listed: bytes, data: CardData) -> Generator[CommandApdu, ResponseApdu, None]:
    """COMPUTE CRYPTOGRAPHIC CHECKSUM (Book C-2, 5.2); the answer is collected.

    Raises:
        BrokenRule: refused, or no template 77.
    """
    answer = yield CommandApdu(0x80, 0x2A, 0x8E, 0x80, listed, 256)
    if not answer.ok:
        raise BrokenRule("see_phone" if answer.sw == 0x6986 else "checksum_refused")
    try:
        data.add(tlv.parse_one(answer.data, 0x77))
    except TlvError:
        raise BrokenRule("checksum_malformed") from None


def _refusal(data: CardData) -> str | None:
    """Why there is no code, where the phone says it; None where there is one.

    Raises:
        BrokenRule: no counter, or neither code nor reason.
    """
    data.need(0x9F36)
    interaction = data.get(0xDF4B)
    if data.get(0x9F61) is None and interaction is not None:
        asks = int.from_bytes(interaction, "big") & _ASKS_ITS_OWNER
        return "see_phone" if asks else "card_declined"
    data.need(0x9F61)
    if data.get(0x56) is not None:
        data.need(0x9F60)
    return None


def _finish_track_1(data: CardData, places: Places | None, digits: Digits) -> str:
    if places is None:
        return ""
    own = Digits(
        int.from_bytes(data.need(0x9F60), "big"),
        digits.number,
        digits.counter,
        digits.number_digits,
        digits.verified_on_device,
    )
    return complete_track_1(data.need(0x56), places, own)
