"""Sentences of a card's later life: suspended, refreshed, stopped by its bank, lost and found."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "wallet.suspended": ("Suspended. It cannot pay until you reactivate it", "Token SUSPENDED"),
    "wallet.found": ("Found. Its cards stay suspended until you reactivate them", "Device found"),
    "wallet.reactivate.waits": (
        "The card's network does not answer. It is reactivated as soon as it does",
        "RESUME queued: token service unreachable",
    ),
    "wallet.refresh.waits": (
        "The card's network does not answer. The new number comes as soon as it does",
        "Refresh queued: token service unreachable",
    ),
    "wallet.stopped_by_bank": (
        "The bank stopped this card. Only the bank can let it go",
        "Suspended by ISSUER: RESUME refused",
    ),
    "wallet.device_lost": (
        "This device is marked as lost. Mark it as found first",
        "Device lost: refused",
    ),
    "wallet.bank.card_stopped": (
        "Your bank stopped the card ending {last4}",
        "ISSUER suspended the token of ·{last4}",
    ),
    "wallet.bank.card_removed": (
        "Your bank removed the card ending {last4}",
        "ISSUER deleted the token of ·{last4}",
    ),
    "wallet.bank.card_replaced": (
        "Your bank sent a new card, ending {last4}. You can go on paying",
        "ISSUER replaced the FPAN: now ·{last4}, same token",
    ),
    "wallet.add.issuer_declined": (
        "The bank does not want this card in a wallet. Try another card",
        "Red: the issuer declined the token request",
    ),
    "wallet.add.network_declined": (
        "The card's network does not want this card in a wallet. Try another card",
        "Red: the network declined the token request",
    ),
    "wallet.add.wallet_declined": (
        "This wallet does not take this card. Try another card",
        "Red: the wallet provider declined",
    ),
    "wallet.add.terms_changed": (
        "The terms have changed: read and accept them again",
        "Terms version outdated",
    ),
    "wallet.pay.instead": (
        "No money moved. Pay with this card instead?",
        "Nothing was captured. Other card selected",
    ),
    "wallet.pay.no_other": ("No other card can pay now", "No other ACTIVE token here"),
    "wallet.signed_out.unheard": (
        "This phone is cleared. The engine did not hear it: the session there ends by itself",
        "Local store cleared; POST /api/auth/logout was not answered",
    ),
    "wallet.add.ready": (
        "Ready: the card ending {last4} can pay",
        "Green: token of ·{last4} ACTIVE",
    ),
    "phone.history.all": ("All", "All"),
    "phone.history.paid": ("Paid", "Approved"),
    "phone.history.not_paid": ("Not paid", "Declined"),
    "phone.history.still_open": ("Open", "Open"),
    "phone.history.none_such": ("None of this card's payments is like that.", "No such row"),
    "phone.banner.other": ("Use another card", "Use another card"),
    "phone.sign_out": ("Sign out on this phone", "End this session"),
    "phone.sign_in": ("Sign in", "Begin a session"),
    "phone.sign_in.busy": ("Signing in…", "Signing in…"),
    "phone.signed_out.title": ("Nobody is signed in", "Signed out"),
    "phone.signed_out.text": (
        "Your cards stay in your account. None pays from here.",
        "Session ended, cached cards and history deleted. The keys stay, disarmed.",
    ),
    "phone.suspend": ("Suspend", "Suspend token"),
    "phone.reactivate": ("Reactivate", "Resume token"),
    "phone.refresh": ("New number", "Refresh token"),
    "phone.remove.sure": ("Really remove?", "Really delete?"),
    "phone.held.CARDHOLDER": ("Suspended by you", "Suspended by CARDHOLDER"),
    "phone.held.TOKEN_REQUESTOR": (
        "Suspended because its device was lost",
        "Suspended by TOKEN_REQUESTOR (LOST)",
    ),
    "phone.held.ISSUER": ("Stopped by your bank", "Suspended by ISSUER"),
    "phone.held.MOBILE_PIN_LOCKED": (
        "Stopped: the passcode is locked",
        "Suspended by MOBILE_PIN_LOCKED",
    ),
    "phone.waits.reactivate": ("Waiting for the network to let it go", "RESUME pending"),
    "phone.waits.refresh": ("Waiting for the network's new number", "Refresh pending"),
    "wallet.pay.suspended": (
        "This card is suspended: the bank will say no",
        "Token SUSPENDED: expect a decline",
    ),
    "wallet.in_app.approved": ("Paid", "Approved"),
    "wallet.in_app.declined": (
        "Your bank said no, and nothing was charged. Choose another card",
        "Declined: {reason}. No hold",
    ),
    "wallet.in_app.pending": (
        "No answer from the bank yet. You will be told what became of it",
        "No answer in time: status query, reversal",
    ),
    "wallet.in_app.not_sent": (
        "The bank cannot be reached, and nothing was charged. Try again",
        "Not sent: {reason}",
    ),
    "wallet.in_app.device_not_verified": (
        "The engine does not know this phone, so it cannot pay in apps. At tills it can.",
        "Device not verified: no payments:in_app. Another key is registered under this id.",
    ),
    "wallet.in_app.no_card": (
        "This shop takes none of your cards",
        "No active token on supportedNetworks",
    ),
    "wallet.in_app.shop_cancelled": (
        "The shop took its order back. Nothing was charged",
        "Session cancelled by the merchant",
    ),
    "phone.in_app.pay": ("Pay {amount}", "Pay {amount}"),
    "phone.in_app.title": ("Pay {merchant}", "Pay {merchant}"),
    "phone.in_app.total": ("Total", "Total"),
    "phone.in_app.scanning": ("Looking at you…", "Verifying the cardholder…"),
    "phone.in_app.paying": ("Paying…", "Authorizing…"),
    "phone.in_app.done": ("Paid", "Approved"),
    "phone.in_app.again": ("Try again", "Send again, same key"),
    "phone.in_app.wait": ("Waiting for the bank", "Outcome unknown"),
    "phone.in_app.token": (
        "Sealed for {merchant} alone, opened there: {token}",
        "Opened by {merchant}: signature, chain, 5 min, key hash, once · {token}",
    ),
    "phone.devices": ("Your devices", "Your devices"),
    "phone.devices.open": ("Devices, lost and found", "Devices, lost and found"),
    "phone.devices.text": (
        "A lost device stops paying at once. The others go on.",
        "LOST suspends every token of that device; other devices keep theirs.",
    ),
    "phone.devices.none": ("No device is known yet.", "No device is registered yet."),
    "phone.device.this": ("{name} (this one)", "{name} (this one)"),
    "phone.device.phone": ("Phone", "Phone"),
    "phone.device.watch": ("Watch", "Watch"),
    "phone.device.state": (
        "Cards: {cards}. Suspended: {stopped}",
        "Tokens {cards}, SUSPENDED {stopped}",
    ),
    "phone.device.is_lost": ("Marked as lost", "LOST"),
    "phone.device.lost": ("It is lost", "Report lost"),
    "phone.device.found": ("It is found", "Report found"),
    "phone.device.found_all": ("Found, reactivate all", "Found: RESUME all"),
    "phone.lost.title": ("This phone is marked as lost", "Device LOST"),
    "phone.lost.text": (
        "None of its cards pays. Whoever finds it cannot change that without your account.",
        "Every token on it is SUSPENDED and its sessions have ended.",
    ),
}
