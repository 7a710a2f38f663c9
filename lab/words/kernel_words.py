"""What till and bench say of a kernel's own decisions: approved or declined without the bank.

Plain words and field words; the rules themselves are the kernels' (`hardware.terminal`).
"""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "pos.offline.kept": (
        "Approved offline by card and till",
        "Offline approved (TC, Y1); advice on its way",
    ),
    "pos.offline.told": (
        "Approved offline. {network} has booked it, code {auth_code}",
        "Offline approved (TC, Y1); advice booked, DE 38 = {auth_code}",
    ),
    "pos.offline.refused": (
        "Approved offline, but the bank does not book it: {reason}",
        "Offline approved (TC, Y1); advice refused: {reason}",
    ),
    "pos.why.card_declined": ("The card declined", "AAC: declined by the card (Z1)"),
    "pos.why.till_declined": (
        "The till may not accept this payment",
        "Terminal action analysis: denial, AAC asked for (Z1)",
    ),
    "pos.why.online_not_possible": (
        "The card wants its bank asked, and this till has no line",
        "ARQC at an offline-only terminal (Z1)",
    ),
    "pos.why.offline_not_supported": (
        "The card approved, but this till wants the bank asked",
        "TC although an online cryptogram was required",
    ),
    "pos.why.application_expired": (
        "The card has expired",
        "TC, application expired, CTQ does not go online for it",
    ),
    "pos.why.over_reader_limit": (
        "Too much for a tap here: insert or swipe the card",
        "At or over the contactless transaction limit",
    ),
    "pos.why.no_candidates": (
        "This till cannot read this card",
        "No application that this till is configured for at this amount",
    ),
    "pos.why.over_device_limit": (
        "Too much for a tap with this card",
        "At or over kernel 2's limit for this kind of verification",
    ),
    "pos.why.transaction_type_not_configured": (
        "This till does not do that by tap: insert or swipe the card",
        "No combination for this transaction type",
    ),
    "bench.why.left_to_card": (
        "The till leaves it to the card: no need to ask the bank",
        "TTQ: no online cryptogram required (under the floor limit)",
    ),
    "bench.why.wants_tc": (
        "Nothing speaks against it: the till asks the card to approve",
        "Action analysis: no denial, no online bit; TC asked for",
    ),
    "bench.why.wants_arqc": (
        "The till wants the bank asked",
        "Action analysis: an online bit or the terminal type; ARQC asked for",
    ),
    "bench.why.wants_aac": (
        "The till declines, and tells the card so",
        "Action analysis: a denial bit; AAC asked for",
    ),
    "bench.why.offline_approved": (
        "So it is approved offline, because nothing speaks against it and the card allows it",
        "Outcome: approved offline (TC), under the floor limit, no action code met",
    ),
    "bench.why.card_declined": (
        "So it is declined offline, because the card said no",
        "Outcome: declined offline (card's AAC)",
    ),
    "bench.why.till_declined": (
        "So it is declined offline, because of what the till found",
        "Outcome: declined offline (denial or default action code met)",
    ),
    "bench.why.online_not_possible": (
        "So it is declined, because the card wants its bank and the till has no line",
        "Outcome: declined (ARQC, offline-only terminal)",
    ),
    "bench.why.offline_not_supported": (
        "So it is declined, because the till demanded the bank and the card did not ask it",
        "Outcome: declined (TC, online cryptogram required)",
    ),
    "bench.why.application_expired": (
        "So it is declined offline, because the card has expired",
        "Outcome: declined offline (application expired)",
    ),
}
