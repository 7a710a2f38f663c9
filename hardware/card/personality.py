"""What each network's application on a phone is: identifiers, lists, records, profile. Data only.

Visa makes its cryptogram in the answer to GPO (Book C-3, 2.4); Mastercard and Amex give a profile
and a locator there, their records hold what does not change, and GENERATE AC makes the cryptogram
(Books C-2 and C-4). Lists and profiles follow what published traces of wallet phones show; what a
phone says beyond the books (9F6E, 9F71) is a lab approximation. Knows no state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.card.credentials import Network
from hardware.card.versions import VERSIONS
from hardware.emv.bitfields import AIP_DYNAMIC_AUTHENTICATION, AIP_RELAY_RESISTANCE, has_bit
from hardware.emv.formats import encode_compressed, encode_numeric

if TYPE_CHECKING:
    from hardware.card.credentials import Credentials

FORM_FACTOR = bytes.fromhex("20700000")
"""9F6E of a phone (lab approximation: the wallet phones' table is not public)."""
_QUALIFIERS = {True: bytes.fromhex("0080"), False: bytes.fromhex("0000")}
"""9F6C: verification performed on the consumer's device, or nothing."""
_DISCRETIONARY_DIGITS = "0000000000"
_MOBILE_RESULTS = {True: bytes.fromhex("010302"), False: bytes.fromhex("3F0000")}
"""9F71: verification by the device, asked for by the reader, successful; or none was performed."""
_NO_METHOD_NEEDED = bytes.fromhex("00000000000000001F00")
"""8E: no verification, always; the device has verified its owner before."""
_USAGE = bytes.fromhex("FF00")
"""9F07: everything, everywhere."""
_LAST_DAY = "28"
SIGNED_LIST = bytes.fromhex("9F3704")
"""9F49: what INTERNAL AUTHENTICATE shall carry, the terminal's random number."""
_RELAYED_IS_DECLINED = bytes.fromhex("0000000004")
"""9F0E: a tap beyond the time limits of relay resistance is declined."""


@dataclass(frozen=True, slots=True)
class Personality:
    """One network's application.

    Attributes:
        aid: application identifier (4F, 84).
        kernel: the contactless kernel it wants (9F2A).
        pdol: list of what GPO shall carry (9F38); empty sends none.
        profile: application interchange profile (82) of a token without certificates.
        locator: where the records are (94); empty where GPO says everything.
        cdol: list of what GENERATE AC shall carry (8C); empty where GPO makes the cryptogram.
        version: application version number (9F08).
        recovery: list of what RECOVER AC shall carry (9F51); empty recovers nothing.
    """

    aid: bytes
    kernel: int
    pdol: bytes
    profile: bytes
    locator: bytes = b""
    cdol: bytes = b""
    version: bytes = b""
    recovery: bytes = b""


PERSONALITIES = {
    Network.VISA: Personality(
        aid=bytes.fromhex("A0000000031010"),
        kernel=3,
        pdol=bytes.fromhex("9F66049F02069F03069F1A0295055F2A029A039C019F3704"),
        # Cardholder verification supported; no offline data authentication.
        profile=bytes.fromhex("1000"),
    ),
    Network.MASTERCARD: Personality(
        aid=bytes.fromhex("A0000000041010"),
        kernel=2,
        pdol=b"",
        # Verification supported, by the device too; EMV mode.
        profile=bytes.fromhex("1280"),
        locator=bytes.fromhex("10010100"),
        cdol=bytes.fromhex("9F02069F03069F1A0295055F2A029A039C019F37049F35019F3403"),
        version=bytes.fromhex("0002"),
        # The terminal's random number and the amount: which of its taps is meant.
        recovery=bytes.fromhex("9F37049F0206"),
    ),
    Network.AMEX: Personality(
        aid=bytes.fromhex("A00000002501"),
        kernel=4,
        pdol=bytes.fromhex("9F35019F6E04"),
        # Verification supported; EMV mode on a mobile device.
        profile=bytes.fromhex("10C0"),
        locator=bytes.fromhex("10010100"),
        cdol=bytes.fromhex("9F02069F03069F1A0295055F2A029A039C019F3704"),
        version=bytes.fromhex("0001"),
    ),
}


def options_list(credentials: Credentials) -> bytes:
    """What GPO shall carry (9F38): the network's list, or that of the token's own version."""
    own = VERSIONS[credentials.network, credentials.cryptogram_version].pdol
    return PERSONALITIES[credentials.network].pdol if own is None else own


def profile(credentials: Credentials) -> bytes:
    """Application interchange profile (82): what its issuer's records vouch for, if it has any."""
    offline = credentials.offline
    return PERSONALITIES[credentials.network].profile if offline is None else offline.profile


def static_data(credentials: Credentials) -> dict[int, bytes]:
    """What does not change from tap to tap: token requestor and payment account reference."""
    return {
        0x9F19: encode_numeric(int(credentials.token_requestor_id), 6),
        0x9F24: credentials.par.encode("ascii"),
    }


def qualifiers(*, verified: bool) -> bytes:
    """Card transaction qualifiers (9F6C).

    Args:
        verified: whether the device has verified its owner for this payment.
    """
    return _QUALIFIERS[verified]


def record(credentials: Credentials, *, verified: bool = True) -> dict[int, bytes]:
    """The one record of a card whose GPO leaves the rest to records (Book 3, 7.2).

    Args:
        credentials: whose.
        verified: whether the device has verified its owner for this payment.
    """
    personality = PERSONALITIES[credentials.network]
    objects = {
        0x57: track_2(credentials),
        0x5A: encode_compressed(credentials.dpan),
        0x5F24: bytes.fromhex(credentials.expiry + _LAST_DAY),
        0x5F34: bytes.fromhex(credentials.psn),
        0x8C: personality.cdol,
        0x8E: _NO_METHOD_NEEDED,
        0x9F07: _USAGE,
        0x9F08: personality.version,
        0x9F6E: FORM_FACTOR,
    }
    if credentials.network is Network.AMEX:
        objects[0x9F71] = _MOBILE_RESULTS[verified]
    if personality.recovery:
        objects[0x9F51] = personality.recovery
    shown = profile(credentials)
    if has_bit(shown, AIP_DYNAMIC_AUTHENTICATION):
        objects[0x9F49] = SIGNED_LIST
    if has_bit(shown, AIP_RELAY_RESISTANCE):
        objects[0x9F0E] = _RELAYED_IS_DECLINED
    return objects | static_data(credentials)


def track_2(credentials: Credentials) -> bytes:
    """Track 2 equivalent data: number, expiry, service code, zeros where a stripe has secrets."""
    digits = f"{credentials.dpan}D{credentials.expiry}{credentials.service_code}"
    digits = (digits + _DISCRETIONARY_DIGITS)[:37]
    return bytes.fromhex(digits + "F" * (len(digits) % 2))
