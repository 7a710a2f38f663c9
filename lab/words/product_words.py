"""Sentences about cards as products, in-app tokens as their merchant saw them, and notices.

Key → (plain, field). Used by phone, console and reports alike.
"""

from __future__ import annotations


def _same(text: str) -> tuple[str, str]:
    return (text, text)


WORDS: dict[str, tuple[str, str]] = {
    # a card before it is added
    "phone.add.type.debit": ("Debit card", "Debit"),
    "phone.add.type.credit": ("Credit card", "Credit"),
    "phone.add.face": _same("The card's face: {name}"),
    # what a merchant saw of a payment token
    "event.payment_token.opened": (
        "The shop opened its token: no card number in it",
        "Payment token unsealed by the merchant",
    ),
    "payment.merchant_view": ("What the merchant saw", "The token, opened by the merchant"),
    "payment.merchant_view.words": (
        "Sealed for this shop alone. The card's number was never in it; what was in it pays once.",
        "Decrypted with the merchant's key. DPAN only; the cryptogram covers this transaction.",
    ),
    "merchant_view.card_number": _same("Card number"),
    "merchant_view.card_number.none": _same("not in the token"),
    "merchant_view.device_account_number": ("Device account", "DPAN"),
    "merchant_view.expires": _same("Expires"),
    "merchant_view.amount": ("Amount signed for", "Amount"),
    "merchant_view.data_type": ("What it carries", "Payment data type"),
    "merchant_view.data_type.EMV": ("Chip data (EMV)", "EMV"),
    "merchant_view.data_type.3DSecure": ("Cryptogram (3DSecure)", "3DSecure"),
    "merchant_view.cryptogram": ("Cryptogram, good once", "Cryptogram"),
    "merchant_view.eci": ("Commerce indicator", "ECI"),
    "merchant_view.atc": ("Counter", "ATC"),
    "merchant_view.holder_name": _same("Name"),
    "merchant_view.version": ("Sealed as", "Version"),
    "merchant_view.object_id": ("Token", "Transaction id"),
    "merchant_view.signed_at": ("Signed", "Signing time"),
}
