"""Sentences about what happens after a sale: capture, void, refund, the end of a till's day.

Key → (plain, field). Used by till, phone, console and reports alike.
"""

from __future__ import annotations


def _same(text: str) -> tuple[str, str]:
    return (text, text)


WORDS: dict[str, tuple[str, str]] = {
    # states and beliefs
    "state.booked": ("Booked", "Booked"),
    "state.part_refunded": ("Partly paid back", "Partly refunded"),
    "payment.captured": ("Paid", "Captured"),
    "payment.part_refunded": ("Partly paid back", "Partly refunded"),
    "payment.refunded": ("Paid back", "Refunded"),
    # events
    "event.payment.captured": ("The merchant takes the money", "Captured"),
    "event.payment.voided": ("The merchant lets the money go", "Voided, reversal follows"),
    "event.payment.refunded": ("The merchant gives money back", "Refund booked"),
    "event.payment.refund_failed": (
        "The bank did not take the refund: it is booked back",
        "Refund refused, booked back",
    ),
    "event.capture.completed": ("The bank has booked the sale", "Completion advice answered, 0230"),
    "event.refund.succeeded": ("The bank has paid the money back", "Refund advice answered, 0230"),
    "event.refund.failed": ("The bank refused the refund", "Refund advice refused"),
    "event.vault.rotated": ("The keys that seal shops' cards were changed", "Vault keys rewrapped"),
    "event.vault.refused": ("The vault could not open what was asked for", "Vault refused"),
    # the phone
    "wallet.bank.refunded": (
        "{merchant}: {back} paid back",
        "{merchant}: refund {back} of {amount}",
    ),
    "phone.history.back": ("{back} paid back", "Refund {back}"),
    # the till: the chosen sale
    "till.sale.more": _same("More"),
    "till.sale.open": _same("Refund, void or capture {amount}"),
    "till.sale.close": _same("Close"),
    "till.sale.title": ("Sale of {amount}", "Sale of {amount}"),
    "till.sale.back": _same("Back to the list"),
    "till.sale.receipt": ("Print again", "Reprint"),
    "till.sale.refund": _same("Refund"),
    "till.sale.void": _same("Void"),
    "till.sale.capture": _same("Capture"),
    "till.sale.repeat": ("Ask again", "Repeat, same key"),
    "till.sale.left": ("{back} of {taken} paid back", "Refunded {back} of {taken}"),
    "till.day.close": ("Close the day", "Capture all"),
    # the till: what its display says
    "sale.chosen": ("What shall be done?", "Capture, void or refund"),
    "sale.nothing": ("Nothing is left to do", "No order possible in this state"),
    "sale.refund": ("How much goes back?", "Refund amount"),
    "sale.refund.most": ("At most {most}", "Captured less refunded: {most}"),
    "sale.refund.too_much": ("More than was paid: at most {most}", "Over the capture: {most}"),
    "sale.working": ("One moment", "Asking the engine"),
    "sale.done.capture": ("Money taken: {amount}", "Captured: {amount}"),
    "sale.done.void": ("Sale cancelled: {amount}", "Voided: {amount}"),
    "sale.done.refund": ("{amount} goes back", "Refund of {amount} booked"),
    "sale.done.refund.late": (
        "The bank hears of it now; the customer is told",
        "Refund advice (0220) under way",
    ),
    "sale.done.void.late": (
        "The bank lets the money go",
        "Reversal (0400) under way",
    ),
    "sale.done.capture.late": (
        "The bank is told to book it",
        "Completion advice (0220) under way",
    ),
    "sale.done.day": ("The day is closed", "All waiting approvals captured"),
    "sale.day.count": ("{count} sales: {totals}", "{count} captured: {totals}"),
    "sale.day.one": ("1 sale: {totals}", "1 captured: {totals}"),
    "sale.day.none": ("No sale was waiting", "No approval was waiting"),
    "sale.failed": _same("Not done"),
    "sale.open": ("Not known yet", "No answer"),
    "sale.why.engine_down": (
        "The payment service is away. Nothing was changed",
        "Engine unreachable, nothing sent",
    ),
    "sale.why.engine_silent": (
        "No answer: ask again, it is done once at most",
        "Answer lost: repeat with the same key",
    ),
    "sale.why.trouble": (
        "The payment service is in trouble ({code}): ask again, it is done once at most",
        "Engine in trouble ({code}): repeat with the same key",
    ),
    "sale.why.other": ("Refused: {code}", "Refused: {code}"),
    "sale.why.payment_not_found": (
        "The payment service does not know this sale",
        "payment_not_found",
    ),
    "sale.why.not_approved": ("This sale is not open any more", "not_approved"),
    "sale.why.already_captured": ("The money was taken before", "already_captured"),
    "sale.why.partial_void": (
        "A sale that waits is cancelled whole",
        "partial_void: not captured yet",
    ),
    "sale.why.refund_exceeds_capture": (
        "More than was paid",
        "refund_exceeds_capture",
    ),
    "sale.why.capture_exceeds_authorization": (
        "More than was approved",
        "capture_exceeds_authorization",
    ),
}  # fmt: skip
