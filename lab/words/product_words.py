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
    # the phone's mailbox
    "phone.letters": ("Messages", "Notices"),
    "phone.letters.open": ("Messages from banks and shops", "Notices"),
    "phone.letters.none": ("Nobody has written yet: pay with a card", "No notices yet: pay"),
    "phone.letters.payment": _same("Show this payment"),
    "wallet.letter.from_bank": _same("Lab Bank"),
    "wallet.letter.from_shop": _same("{shop}, mail"),
    "wallet.letter.payment_made": (
        "You paid {amount} at {merchant} with the card ending {last4}.",
        "{merchant} {amount}, card {last4}: approved.",
    ),
    "wallet.letter.payment_declined": (
        "{amount} at {merchant} was not paid: {reason}. Nothing was taken.",
        "{merchant} {amount}, card {last4}: declined, {reason}.",
    ),
    "wallet.letter.payment_taken_back": (
        "{amount} at {merchant} was let go: nothing is held any more.",
        "{merchant} {amount}, card {last4}: reversed.",
    ),
    "wallet.letter.paid_back": (
        "{merchant} paid {amount} back to the card ending {last4}.",
        "{merchant} {amount}, card {last4}: refund booked.",
    ),
    "wallet.letter.receipt": (
        "Thank you for your order: {amount}, paid with the card ending {last4}.",
        "Receipt: {amount}, card {last4}.",
    ),
    "wallet.letter.refund_announced": (
        "Your money is on its way back to the card ending {last4}.",
        "Refund under way, card {last4}.",
    ),
    "wallet.letter.card_stopped": (
        "Your bank has stopped the card ending {last4}. It cannot pay until the bank lets it.",
        "Card {last4} suspended by its issuer.",
    ),
    "wallet.letter.card_works_again": (
        "The card ending {last4} can pay again.",
        "Card {last4} active.",
    ),
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
