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
    "pos.stored": ("Taken offline", "Stored, to be forwarded"),
    "pos.stored.kept": (
        "The bank has not been asked: at the shop's risk until it is uploaded",
        "ARQC stored; deferred authorization at the shop's risk",
    ),
    "pos.stored.told": (
        "Uploaded. {network} has paid, code {auth_code}",
        "Stored tap approved by {network}, DE 38 = {auth_code}",
    ),
    "pos.stored.refused": (
        "Declined after the fact: {reason}. The shop is not paid",
        "Stored tap declined: {reason}",
    ),
    "pos.stored.over_single": (
        "No line to the bank, and offline only up to {limit} a payment",
        "Offline limit of {limit} for one payment",
    ),
    "pos.stored.over_total": (
        "No line to the bank, and no more than {limit} in all is taken offline",
        "Offline limit of {limit} in total",
    ),
    "pos.stored.over_count": (
        "No line to the bank, and {count} payments wait already: upload them first",
        "Offline limit of {count} stored payments",
    ),
    "pos.stored.over_age": (
        "Payments wait for more than {hours} hours: upload them first",
        "Oldest stored payment beyond {hours} h",
    ),
    "pos.stored.no_track": (
        "This card's kind of tap cannot be kept: the bank must be asked",
        "Mag-stripe mode is never stored",
    ),
    "till.tab.offline": ("Offline", "Offline"),
    "till.offline.badge": ("Offline now", "Store and forward"),
    "till.offline.at_risk": ("At risk: {amount}", "Stored: {amount}"),
    "till.offline.mode": ("Payments without the bank", "Store and forward"),
    "till.offline.mode.never": ("Always ask the bank", "Online only"),
    "till.offline.mode.when_down": ("Keep when the line is down", "Store when unreachable"),
    "till.offline.mode.now": ("Offline now", "Store now"),
    "till.offline.none": ("Nothing at the shop's risk", "Nothing stored"),
    "till.offline.waits": ("Uploaded when you are back on line", "Forwarded when online"),
    "till.offline.uploading": ("Uploading, {count} left", "Forwarding, {count} left"),
    "till.offline.again": (
        "The bank is not there: tried again every 2 seconds",
        "Unreachable: repeated every 2 s with the same keys",
    ),
    "till.offline.uploaded": ("{count} uploaded and paid", "{count} forwarded, approved"),
    "till.offline.lost": ("{state}: {reason}", "{state}: {reason}"),
    "till.offline.seen": ("Understood", "Clear list"),
    "till.offline.limit.single": ("Most for one payment", "Limit, one payment"),
    "till.offline.limit.total": ("Most in all, per currency", "Limit, total per currency"),
    "till.offline.limit.count": ("Most payments kept", "Limit, count"),
    "till.offline.limit.hours": ("Kept for hours", "Expiry, hours"),
    "state.stored": ("Taken offline", "Stored"),
    "state.stored_offline": ("At the shop's risk", "Stored"),
    "state.expired": ("Never uploaded", "Expired"),
    "till.offline.risk": (
        "{count} taps, {amount} at the shop's risk",
        "{count} stored, {amount} at the shop's risk",
    ),
    "till.offline.risk_one": (
        "1 tap, {amount} at the shop's risk",
        "1 stored, {amount} at the shop's risk",
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
