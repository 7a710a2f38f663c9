"""In-app payments: the cryptogram a phone makes without a till in front of it.

Same counter, same algorithm, the token's remote key (a token is personalised with two master keys,
proximity and remote). What a terminal would have supplied comes from the app's request. Knows
no merchant and no envelope: sealing the result for a merchant is somebody else's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware.card.personality import PERSONALITIES
from hardware.card.signing import sign
from hardware.emv import tlv
from hardware.emv.bitfields import CryptogramType
from hardware.emv.formats import encode_numeric

if TYPE_CHECKING:
    from hardware.card.credentials import Credentials


@dataclass(frozen=True, slots=True)
class RemoteRequest:
    """What the app asks to be signed. Amount in minor units, codes as ISO numbers.

    Attributes:
        reference: what the payment is called where it is asked for; the device's word names it.
    """

    amount_minor: int
    currency_numeric: int
    country_numeric: int
    date_yymmdd: str
    unpredictable_number: bytes
    reference: str = ""


@dataclass(frozen=True, slots=True)
class RemoteCryptogram:
    """One in-app payment as the element signed it."""

    token: str = field(repr=False)
    expiry: str
    """YYMM."""
    psn: str
    atc: int
    cryptogram: str
    """Hex."""
    eci: str
    emv_data: bytes = field(repr=False)
    """The signed objects as BER-TLV."""
    word: str = field(default="", repr=False)
    """The device's word that it knew its owner for exactly this (`device_word`)."""


def sign_remote(credentials: Credentials, atc: int, request: RemoteRequest) -> RemoteCryptogram:
    """Sign a request with a counter that is already on disk."""
    values = {
        0x9F02: encode_numeric(request.amount_minor, 6),
        0x9F03: bytes(6),
        0x9F1A: encode_numeric(request.country_numeric, 2),
        0x95: bytes(5),
        0x5F2A: encode_numeric(request.currency_numeric, 2),
        0x9A: bytes.fromhex(request.date_yymmdd),
        0x9C: b"\x00",
        0x9F37: request.unpredictable_number,
        0x82: PERSONALITIES[credentials.network].profile,
    }
    signed = sign(
        credentials.network,
        credentials.remote,
        credentials.cryptogram_version,
        atc,
        values,
        CryptogramType.ARQC,
    )
    objects = {**values, **signed, 0x5F34: bytes.fromhex(credentials.psn)}
    return RemoteCryptogram(
        token=credentials.dpan,
        expiry=credentials.expiry,
        psn=credentials.psn,
        atc=atc,
        cryptogram=signed[0x9F26].hex().upper(),
        eci="07",
        emv_data=b"".join(tlv.build(tag, value) for tag, value in objects.items()),
    )
