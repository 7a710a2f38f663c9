"""What a payment token says once it is open: device account number, amount, cryptogram.

A closed document: what is missing, of a wrong type or out of range is refused by name. Knows no
envelope, no key and no merchant. Source: the public description of the payment token format.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.domain.pan import luhn_ok
from backend.paytoken.errors import TokenRefused

AMOUNT_MINOR_MAX = 10**12 - 1
NUMBER_DIGITS = re.compile(r"[0-9]{13,19}")
EXPIRY = re.compile(r"[0-9]{2}(0[1-9]|1[0-2])([0-2][0-9]|3[01])")
CURRENCY = re.compile(r"[0-9]{3}")
MANUFACTURER = re.compile(r"[0-9A-Fa-f]{8,16}")
ECI = re.compile(r"[0-9]{1,2}")
NAME_LENGTH_MAX = 100
CRYPTOGRAM_BYTES_MAX = 255
KIND_CRYPTOGRAM, KIND_EMV = "3DSecure", "EMV"


@dataclass(frozen=True, slots=True)
class ClearToken:
    """The payment inside a token.

    Attributes:
        number: the device account number (a token of the network, never a card number).
        expiry: YYMMDD.
        currency_numeric: ISO 4217 digits.
        amount_minor: minor units of that currency.
        manufacturer: "0" and the token requestor's eleven digits.
        kind: "3DSecure" with a cryptogram, or "EMV" with the chip's data.
        cryptogram: the cryptogram for `3DSecure`, BER-TLV for `EMV`.
        eci: electronic commerce indicator, only with `3DSecure`.
        name: cardholder's name, where the wallet passes one on.
    """

    number: str = field(repr=False)
    expiry: str
    currency_numeric: str
    amount_minor: int
    manufacturer: str
    cryptogram: bytes = field(repr=False)
    eci: str | None = None
    kind: str = KIND_CRYPTOGRAM
    name: str | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, object]:
        """The document with the format's own names."""
        sealed = base64.b64encode(self.cryptogram).decode()
        payment: dict[str, object]
        if self.kind == KIND_EMV:
            payment = {"emvData": sealed}
        else:
            payment = {"onlinePaymentCryptogram": sealed}
            if self.eci is not None:
                payment["eciIndicator"] = self.eci
        document: dict[str, object] = {
            "applicationPrimaryAccountNumber": self.number,
            "applicationExpirationDate": self.expiry,
            "currencyCode": self.currency_numeric,
            "transactionAmount": self.amount_minor,
            "deviceManufacturerIdentifier": self.manufacturer,
            "paymentDataType": self.kind,
            "paymentData": payment,
        }
        if self.name is not None:
            document["cardholderName"] = self.name
        return document


def read_content(document: object) -> ClearToken:
    """The payment of an opened document. Members that are not known are left aside.

    Raises:
        TokenRefused: `token_content`, with the member to blame.
    """
    content = _object(document, "")
    payment = _object(content.get("paymentData"), "paymentData")
    kind = content.get("paymentDataType")
    if kind == KIND_CRYPTOGRAM:
        cryptogram = _bytes(payment, "onlinePaymentCryptogram")
        eci = _text(payment, "eciIndicator", ECI) if "eciIndicator" in payment else None
    elif kind == KIND_EMV:
        cryptogram, eci = _bytes(payment, "emvData"), None
    else:
        raise _refused("paymentDataType", f"is {str(kind)[:20]!r}, not 3DSecure or EMV")
    number = _text(content, "applicationPrimaryAccountNumber", NUMBER_DIGITS)
    if not luhn_ok(number):
        raise _refused("applicationPrimaryAccountNumber", "has a wrong check digit")
    return ClearToken(
        number=number,
        expiry=_text(content, "applicationExpirationDate", EXPIRY),
        currency_numeric=_text(content, "currencyCode", CURRENCY),
        amount_minor=_amount(content.get("transactionAmount")),
        manufacturer=_text(content, "deviceManufacturerIdentifier", MANUFACTURER),
        cryptogram=cryptogram,
        eci=eci,
        kind=str(kind),
        name=_name(content.get("cardholderName")),
    )


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _refused(name or "the content", "is no JSON object")
    return value


def _text(content: Mapping[str, object], name: str, form: re.Pattern[str]) -> str:
    value = content.get(name)
    if not isinstance(value, str) or form.fullmatch(value) is None:
        raise _refused(name, "is missing" if value is None else "is not of its form")
    return value


def _bytes(content: Mapping[str, object], name: str) -> bytes:
    value = content.get(name)
    if not isinstance(value, str):
        raise _refused(name, "is missing" if value is None else "is no text")
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise _refused(name, "is no base64") from wrong
    if not 1 <= len(decoded) <= CRYPTOGRAM_BYTES_MAX:
        raise _refused(name, f"has {len(decoded)} bytes")
    return decoded


def _amount(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _refused("transactionAmount", "is no whole number of minor units")
    if not 0 <= value <= AMOUNT_MINOR_MAX:
        raise _refused("transactionAmount", "is out of range")
    return int(value)


def _name(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > NAME_LENGTH_MAX:
        raise _refused("cardholderName", "is no short text")
    return value


def _refused(name: str, why: str) -> TokenRefused:
    return TokenRefused("token_content", f"{name} {why}", field=name)
