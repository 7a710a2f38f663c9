"""Bodies of payments in apps, judged once: a shop's session, a wallet's order, a merchant's token.

Every field by name, and nothing else; what a chip signed is compared by `NfcOrder` itself. Knows no
database, no key and no envelope.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.domain.money import AMOUNT_MINOR_MAX, check_amount, is_currency
from backend.gateway.in_app_records import LineItem, SessionOrder
from backend.payments.order import NfcOrder
from backend.payments.records import Channel
from backend.runtime.errors import BadRequest

NETWORKS = ("visa", "mastercard", "amex")
CAPABILITIES = ("supports3DS", "supportsEMV", "supportsCredit", "supportsDebit")
LINE_ITEMS_MAX = 20
LABEL_LENGTH_MAX = 60
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_REFERENCE = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_SESSION = frozenset({"merchantId", "amount", "currency"})
_SESSION_OPTIONAL = frozenset(
    {"countryCode", "lineItems", "supportedNetworks", "merchantCapabilities", "deviceId"}
)
_WALLET = frozenset(
    {"cardId", "sessionId", "merchantId", "amount", "currency", "token", "expiry", "cryptogram",
     "atc", "emvData", "deviceVerification"}
)  # fmt: skip
_MERCHANT = frozenset({"merchantId", "paymentToken", "amount", "currency"})
WORD_LENGTH_MAX = 2_000
_WORD = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class WalletOrder:
    """What a wallet sends for its owner.

    Attributes:
        order: as the device signed it; only its chip data goes into the token.
        word: the device's word for this payment: compact JWS (`wallet.payment_word`).
    """

    card_id: str
    session_id: str
    merchant_id: str
    order: NfcOrder
    word: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MerchantOrder:
    """What a merchant's server sends with a token that it was given."""

    merchant_id: str
    token: Mapping[str, object] = field(repr=False)
    amount_minor: int
    currency: str
    session_id: str | None = None


def session_order(body: Mapping[str, object], default_device_id: str) -> SessionOrder:
    """Read the body of `POST /api/merchant-sessions`.

    Raises:
        BadRequest: `field_missing`, `field_unknown`, `amount_…`, `currency_unknown`, `…_invalid`;
            `line_items_total` when the lines are not what the amount says.
    """
    _demand_fields(body, _SESSION, _SESSION_OPTIONAL)
    amount_minor = check_amount(body["amount"])
    items = _line_items(body.get("lineItems", []))
    if items and sum(item.amount_minor for item in items) != amount_minor:
        raise BadRequest(
            "line_items_total", "the line items do not add up to the amount", field="lineItems"
        )
    country = _text(body, "countryCode") if "countryCode" in body else "US"
    if _COUNTRY.fullmatch(country) is None:
        raise _invalid("countryCode", "two letters of ISO 3166")
    return SessionOrder(
        merchant_id=_reference(body, "merchantId"),
        device_id=_reference(body, "deviceId") if "deviceId" in body else default_device_id,
        amount_minor=amount_minor,
        currency=_currency(body),
        country=country,
        line_items=items,
        networks=_some_of(body, "supportedNetworks", NETWORKS, NETWORKS),
        capabilities=_some_of(body, "merchantCapabilities", CAPABILITIES, CAPABILITIES[:2]),
    )


def wallet_order(body: Mapping[str, object]) -> WalletOrder:
    """Read the body of `POST /api/payments/in-app`.

    Raises:
        BadRequest: `field_missing`, `field_unknown`, `…_invalid`, and all of `NfcOrder`.
    """
    _demand_fields(body, _WALLET)
    word = _text(body, "deviceVerification")
    if len(word) > WORD_LENGTH_MAX or _WORD.fullmatch(word) is None:
        raise _invalid("deviceVerification", "the device's word: compact JWS, ES256")
    session_id, merchant_id = _reference(body, "sessionId"), _reference(body, "merchantId")
    order = NfcOrder(
        token=_text(body, "token"),
        cryptogram=_hex(body, "cryptogram"),
        atc=_whole(body, "atc"),
        amount_minor=check_amount(body["amount"]),
        currency=_currency(body),
        merchant_id=merchant_id,
        terminal_id="WALLET",
        emv_data=_hex(body, "emvData"),
        expiry=_text(body, "expiry"),
        tap_id=session_id,
        channel=Channel.IN_APP,
    )
    return WalletOrder(_reference(body, "cardId"), session_id, merchant_id, order, word)


def merchant_order(body: Mapping[str, object]) -> MerchantOrder:
    """Read the body of `POST /api/merchant-payments`.

    Raises:
        BadRequest: `field_missing`, `field_unknown`, `amount_…`, `currency_unknown`, `…_invalid`.
    """
    _demand_fields(body, _MERCHANT, frozenset({"sessionId"}))
    token = body["paymentToken"]
    if not isinstance(token, Mapping):
        raise _invalid("paymentToken", "the token's JSON object")
    return MerchantOrder(
        merchant_id=_reference(body, "merchantId"),
        token=token,
        amount_minor=check_amount(body["amount"]),
        currency=_currency(body),
        session_id=_reference(body, "sessionId") if body.get("sessionId") is not None else None,
    )


def _line_items(value: object) -> tuple[LineItem, ...]:
    if not isinstance(value, list) or len(value) > LINE_ITEMS_MAX:
        raise _invalid("lineItems", f"at most {LINE_ITEMS_MAX} objects")
    return tuple(_line_item(each) for each in value)


def _line_item(value: object) -> LineItem:
    if not isinstance(value, Mapping) or value.keys() != {"label", "amount"}:
        raise _invalid("lineItems", "objects with label and amount")
    label, amount = value["label"], value["amount"]
    if not isinstance(label, str) or not 1 <= len(label) <= LABEL_LENGTH_MAX:
        raise _invalid("lineItems", f"a label has 1 to {LABEL_LENGTH_MAX} characters")
    if not label.isprintable():
        raise _invalid("lineItems", "a label is printable")
    if not isinstance(amount, int) or isinstance(amount, bool) or abs(amount) > AMOUNT_MINOR_MAX:
        raise _invalid("lineItems", "an amount is whole minor units; a discount is below zero")
    return LineItem(label, amount)


def _some_of(
    body: Mapping[str, object], name: str, known: tuple[str, ...], default: tuple[str, ...]
) -> tuple[str, ...]:
    if name not in body:
        return default
    value = body[name]
    if not isinstance(value, list) or not value or not set(map(str, value)) <= set(known):
        raise _invalid(name, f"one or more of {', '.join(known)}")
    return tuple(word for word in known if word in value)


def _demand_fields(
    body: Mapping[str, object], required: frozenset[str], optional: frozenset[str] = frozenset()
) -> None:
    if missing := sorted(required - body.keys()):
        raise BadRequest("field_missing", f"{missing[0]} is missing", field=missing[0])
    if unknown := sorted(body.keys() - required - optional):
        raise BadRequest("field_unknown", f"{unknown[0][:40]} is unknown", field=unknown[0][:40])


def _text(body: Mapping[str, object], name: str) -> str:
    value = body[name]
    if not isinstance(value, str):
        raise _invalid(name, "a text")
    return value


def _reference(body: Mapping[str, object], name: str) -> str:
    value = _text(body, name)
    if _REFERENCE.fullmatch(value) is None:
        raise _invalid(name, "1 to 64 of A-Z 0-9 _.:-")
    return value


def _currency(body: Mapping[str, object]) -> str:
    letters = _text(body, "currency")
    if not is_currency(letters):
        raise BadRequest("currency_unknown", "no ISO 4217 currency", field="currency")
    return letters


def _whole(body: Mapping[str, object], name: str) -> int:
    value = body[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise _invalid(name, "a whole number")
    return value


def _hex(body: Mapping[str, object], name: str) -> bytes:
    text = _text(body, name)
    if _HEX.fullmatch(text) is None:
        raise _invalid(name, "hex, two digits a byte")
    return bytes.fromhex(text)


def _invalid(name: str, rule: str) -> BadRequest:
    word = re.sub("([A-Z])", r"_\1", name).lower()
    return BadRequest(f"{word}_invalid", f"{name}: {rule}", field=name)
