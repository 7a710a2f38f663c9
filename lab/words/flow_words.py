"""Sentences that the flows (wallet, POS, console, command line) cause: key → (plain, field)."""

from __future__ import annotations


def _same(text: str) -> tuple[str, str]:
    return (text, text)


NETWORK_NAMES = {"visa": "Visa", "mastercard": "Mastercard", "amex": "Amex"}
_BROKEN = {
    "slow": ("slow", "latency"),
    "silent": ("no answer", "timeout"),
    "request_lost": ("request lost", "lost_request"),
    "answer_lost": ("answer lost", "lost_response"),
    "reset": ("line cut", "reset_peer"),
    "garbled": ("garbled", "corrupt"),
}

_POS: dict[str, tuple[str, str]] = {
    "pos.idle": _same("Enter an amount"),
    "pos.amount": _same("Press Charge"),
    "pos.present": ("Present card or phone", "Present card (15)"),
    "pos.reading": ("Reading, hold still", "Processing (16)"),
    "pos.authorizing": ("Card read. Asking the bank", "Card read OK (17), authorising (1B)"),
    "pos.approved": ("Approved", "Approved (03)"),
    "pos.declined": ("Not approved", "Declined (07)"),
    "pos.not_completed": (
        "Not completed. Do not tap again",
        "No answer by the channel deadline. Do not tap again",
    ),
    "pos.try_again": ("Please tap again", "Present card again (21)"),
    "pos.other_card": ("Please use another card", "Use another card (1C)"),
    "pos.see_phone": ("See your phone", "See phone (20)"),
    "pos.one_card": ("Present one card only", "Present one card only (19)"),
    "pos.timed_out": ("Nobody tapped in time", "No card within the time-out"),
    "pos.failed": ("Not possible at the moment", "Reader or engine out of reach"),
    "pos.lights.idle": _same("First light blinks: switched on"),
    "pos.lights.ready": _same("First light on: ready for a card"),
    "pos.lights.reading": _same("First light on: reading the card"),
    "pos.lights.read": _same("All four lights: card read, not yet approved"),
    "pos.lights.alert": _same("Alert: see the display"),
    "pos.lights.off": _same("Lights off"),
    "pos.detail.approved": ("{network}, code {auth_code}", "{network}, DE 38 = {auth_code}"),
    "pos.late.paid": ("The bank answered: paid", "Late answer: approved"),
    "pos.late.not_paid": (
        "The bank answered: not paid. You may tap again",
        "Late answer: not approved, no hold",
    ),
    "pos.late.approved": ("The bank answered: paid", "Resolved: approved"),
    "pos.late.declined": (
        "The bank declined: nothing was taken. You may tap again",
        "Resolved: declined, no hold",
    ),
    "pos.late.reversed": (
        "Taken back: no money moved. You may tap again",
        "Resolved: reversed (0400/0410), hold released",
    ),
    "pos.late.not_sent": (
        "Nothing had been sent: no money moved. You may tap again",
        "Resolved: never sent",
    ),
    "pos.steered.insufficient_funds": _same("Insufficient funds ({code}): the {steered}"),
    "pos.steered.expired_card": _same("Expired card ({code}): the {steered}"),
    "pos.steered.exceeds_limit": _same("Over the limit ({code}): the {steered}"),
    "pos.steered.restricted_card": _same("Restricted card ({code}): the {steered}"),
    "pos.steered.issuer_unavailable": _same("Bank out of reach ({code}): the {steered}"),
    "pos.steered.system_malfunction": _same("Fault at the bank ({code}): the {steered}"),
    "pos.steered.other": _same("Refused ({code}): the {steered}"),
    "pos.gate": _same("{reader}, transit gate"),
    "pos.gate.silent": _same("{reader}, transit gate that cannot announce itself"),
    "pos.why.other": _same("{reason}"),
    "pos.why.insufficient_funds": ("Not enough money on the account", "51 insufficient funds"),
    "pos.why.expired_card": ("The card has expired", "54 expired card"),
    "pos.why.exceeds_limit": ("Over the card's limit", "61 exceeds amount limit"),
    "pos.why.restricted_card": ("The card may not be used here", "62 restricted card"),
    "pos.why.issuer_unavailable": ("The bank cannot be reached", "91 issuer unavailable"),
    "pos.why.system_malfunction": ("The bank has a fault", "96 system malfunction"),
    "pos.why.invalid_token": ("This card is not known", "Unknown token"),
    "pos.why.token_not_active": ("This card is suspended", "Token not active"),
    "pos.why.atc_replay": ("This tap was used before", "ATC already used"),
    "pos.why.cryptogram_invalid": ("The card's signature is wrong", "ARQC invalid"),
    "pos.why.cvc3_invalid": ("The code on the card's track is wrong", "CVC3 invalid"),
    "pos.why.atc_not_higher": ("This tap was used before", "ATC not above the last one seen"),
    "pos.why.key_of_other_channel": (
        "This card's answer was made for another kind of payment",
        "Key index of another channel (proximity or remote): refused by the network",
    ),
    "pos.why.breaker_open": (
        "{network} is blocked at the moment. Nothing was sent",
        "{network} breaker open, not sent",
    ),
    "pos.why.no_connection": (
        "{network} cannot be reached. Nothing was sent",
        "No connection to {network}, not sent",
    ),
    "pos.why.network_unavailable": (
        "{network} cannot be reached. Nothing was sent",
        "{network} unavailable, not sent",
    ),
    "pos.why.no_answer_in_time": (
        "The bank did not answer in time. We will find out",
        "No answer in 500 ms; status query and reversal follow",
    ),
    "pos.why.engine_silent": (
        "The connection broke. We keep asking",
        "Response lost; repeating with the same key",
    ),
    "pos.why.engine_down": (
        "The payment service is away. The amount is kept",
        "Engine unreachable, nothing sent, amount kept",
    ),
    "pos.why.refused": _same("The payment service refused: {code}"),
    "pos.why.kernel_not_available": (
        "This till cannot read {network} cards",
        "No kernel for {network}: this till has kernels 2, 3 and 4",
    ),
    "pos.why.pulled_too_early": ("The card left too early", "Card removed during the exchange"),
    "pos.why.real_card": (
        "A real bank card: not read here. Nothing was charged",
        "No lab mark in SELECT: stopped before GPO",
    ),
    "pos.why.see_phone": ("Unlock the phone and tap again", "6986 at GPO: not armed"),
    "pos.why.reader_gone": (
        "Reader unplugged: plug it in and try again. The amount is kept",
        "Reader lost, amount kept",
    ),
    "pos.why.nonsense": ("The card's answer makes no sense", "{reason}"),
    "pos.why.relay_suspected": (
        "The card seems to be somewhere else",
        "Relay resistance: time limits exceeded, declined by the issuer's action code",
    ),
    "pos.why.unauthentic": (
        "This card could not prove that it is real. Nothing was charged",
        "Offline data authentication failed: {part}",
    ),
    "pos.why.card_held": (
        "Another program holds the card: close it and try again. The amount is kept",
        "Sharing violation: another program's transaction does not end",
    ),
    "pos.why.card_silent": (
        "The card stopped answering: hold it still and try again",
        "No answer from the card",
    ),
    "pos.why.no_card": ("The amount is kept", "Time-out, amount kept"),
    "pos.why.two_cards": ("More than one card is in the field", "Collision"),
}

_WALLET: dict[str, tuple[str, str]] = {
    "wallet.no_card": _same("There is no card yet: add one first"),
    "wallet.bank_message": _same("{text}"),
    "wallet.demo.adding": ("Adding three demo cards", "Provisioning three demo tokens"),
    "wallet.add.number_missing": _same("Enter the card number"),
    "wallet.add.number_short": _same("The number is not complete"),
    "wallet.add.number_mistyped": (
        "A digit is mistyped: the check digit does not fit",
        "Luhn check failed",
    ),
    "wallet.add.network_unknown": _same("Visa, Mastercard and Amex numbers work here"),
    "wallet.add.expiry_missing": _same("Enter month and year: MM/YY"),
    "wallet.add.expiry_month": _same("The month is 01 to 12"),
    "wallet.add.expiry_past": _same("This card has expired"),
    "wallet.add.cvv_length": _same("The code has {digits} digits"),
    "wallet.add.terms": _same("Accept the lab's terms first"),
    "wallet.add.already": ("This card is on this phone already", "Already provisioned"),
    "wallet.add.not_installed": (
        "The card's keys could not be installed. Try again",
        "Secure element refused the provisioning payload",
    ),
    "wallet.verify.code_wrong": (
        "That is not the code. Tries left: {left}",
        "Code wrong, {left} tries left for this method",
    ),
    "wallet.verify.code_expired": (
        "This code has expired. Ask for a new one",
        "Code expired (10 min): send another",
    ),
    "wallet.verify.code_not_sent": _same("No code was sent yet"),
    "wallet.verify.method_spent": (
        "That way is used up. Choose another one",
        "Method spent (3 wrong tries): take another",
    ),
    "wallet.verify.no_more_codes": (
        "This way sends no more codes. Choose another one",
        "3 codes sent by this method: no resend",
    ),
    "wallet.verify.resend_too_early": (
        "A code was sent just now. Wait a little",
        "Resend refused: 30 s between two codes",
    ),
    "wallet.verify.no_mail": (
        "The bank has sent the code; its message cannot be shown here",
        "Notice mailbox out of reach",
    ),
    "wallet.notice.sms": _same("Lab Bank: {code} is your code for the card ending {last4}"),
    "wallet.notice.email": _same("E-mail, Lab Bank: {code} adds the card ending {last4}"),
    "wallet.notice.bank_app": _same("Lab Bank app: {code} adds the card ending {last4}"),
    "wallet.notice.call": _same("Call from Lab Bank: a voice says {code}, card ending {last4}"),
    "wallet.cannot_pay.pending": (
        "This card cannot pay yet: finish adding it first",
        "Token INACTIVE: verification pending",
    ),
    "wallet.cannot_pay.rejected": (
        "This card cannot pay: call your bank",
        "Token DEACTIVATED: verification failed",
    ),
    "wallet.engine_unreachable": (
        "No connection at the moment. Nothing was changed",
        "Engine unreachable",
    ),
    "wallet.refused": _same("Not done: {why}"),
    "wallet.scan_failed": ("Not recognised. {left} tries left", "No match, {left} scans left"),
    "wallet.passcode_needed": ("Enter your passcode", "Sensor locked: passcode"),
    "wallet.passcode_wrong": _same("That passcode is not right"),
    "wallet.disarmed": ("A minute is over: press twice again", "Disarmed after 60 s"),
    "wallet.no_till_waiting": ("No till is asking for money", "Reader field is off"),
    "wallet.real_reader": (
        "The till waits at a real reader: hold a real card or phone to it",
        "This phone has no antenna: publish its card with card serve",
    ),
    "wallet.not_here": (
        "This card is not in this phone at the moment",
        "Token not in this secure element (card serve may hold it)",
    ),
    "wallet.needs_refresh": (
        "This card has made all its payments. It has to be refreshed before it pays again",
        "ATC at 65535: the token has to be replaced (refresh)",
    ),
    "wallet.express.on": (
        "This card pays at transit gates, without your face",
        "Express (transit) card: no CDCVM at a gate that announces itself",
    ),
    "wallet.express.off": (
        "No card pays at transit gates without your face",
        "No express card: every GPO needs CDCVM",
    ),
    "wallet.not_read": (
        "The card was not read. Nothing was charged",
        "No cryptogram left the phone",
    ),
    "wallet.read_torn": (
        "Moved away too early. Nothing was charged: press twice again",
        "Torn after the cryptogram: ATC spent, nothing sent",
    ),
    "wallet.bank.approved": ("{amount} at {merchant}: paid", "{merchant} {amount}: approved"),
    "wallet.bank.declined": (
        "{amount} at {merchant}: not paid. No money moved",
        "{merchant} {amount}: declined",
    ),
    "wallet.bank.not_sent": (
        "{amount} at {merchant}: not paid. Nothing was sent",
        "{merchant} {amount}: not sent",
    ),
    "wallet.bank.reversed": (
        "{amount} at {merchant}: taken back. No money moved",
        "{merchant} {amount}: reversed",
    ),
}

_CONSOLE: dict[str, tuple[str, str]] = {
    "payment.authorizing": ("Asking the bank", "Authorizing"),
    "payment.approved": ("Approved", "Approved"),
    "payment.declined": ("Not approved", "Declined"),
    "payment.not_sent": ("Nothing was sent", "Not sent"),
    "payment.pending": ("Not completed", "No answer yet"),
    "payment.unknown": ("Finding out", "Unknown"),
    "payment.reversing": ("Taking it back", "Reversing"),
    "payment.reversed": ("Taken back", "Reversed"),
    "hop.till": ("Till and way to the engine", "Till, HTTP"),
    **{
        f"fault.{network}.{kind}": (f"{name}: {plain}", f"{name}: {field}")
        for network, name in NETWORK_NAMES.items()
        for kind, (plain, field) in _BROKEN.items()
    },
    "fault.card.pulled": ("Card pulled away too early", "Card: pull"),
    "fault.card.slow": ("Card answers slowly", "Card: slow"),
    "fault.card.silent": ("Card stops answering", "Card: mute"),
    "fault.card.nonsense": ("Card sends nonsense", "Card: short_data"),
    "fault.reader.two_cards": ("Two cards at once", "Reader: collision"),
    "fault.reader.unplugged": ("Reader unplugged", "Reader: unplug"),
    "fault.phone.offline": ("Phone offline", "Phone: timeout"),
    "fault.phone.slow": ("Phone's line slow", "Phone: latency"),
    "fault.watch.offline": ("Watch offline", "Watch: timeout"),
    "fault.till.request_lost": ("Till's question lost", "Till: lost_request"),
    "fault.till.answer_lost": ("Till's answer lost", "Till: lost_response"),
    "fault.till.cut": ("Till's line cut", "Till: reset_peer"),
    "fault.till.twice": ("Till's question sent twice", "Till: duplicate"),
    "fault.slow": ("Answers late", "latency"),
    "fault.silent": ("Says nothing", "timeout (black hole)"),
    "fault.request_lost": ("Question lost on the way", "lost_request"),
    "fault.answer_lost": ("Answer lost on the way back", "lost_response"),
    "fault.reset": ("Hangs up", "reset_peer"),
    "fault.garbled": ("Talks nonsense", "corrupt"),
    "deviation.preset": ("We broke {what}{amount}", "{what}{amount}"),
    "deviation.own": ("Our fault: {what}{amount}", "{what}{amount}"),
    "deviation.fault": ("We broke {link}: {effect}{amount}", "{link} {effect}{amount}"),
    "deviation.at_apdu": (", command {number}", ", APDU {number}"),
    "deviation.breaker": ("{network} is held {state} by hand", "{network} breaker forced {state}"),
    "deviation.clock": ("The lab clock was moved", "Clock moved"),
    "deviation.rate": ("The lab clock runs {rate} times as fast", "Clock rate {rate}"),
    "deviation.traffic": ("Quiet shop traffic (synthetic)", "Synthetic traffic"),
    "deviation.card": ("{network} ·{last4} is suspended", "Token of {network} ·{last4} suspended"),
    "supervision.starting": ("The till can take an amount meanwhile", "Engine process starting"),
    "supervision.up": ("Everything runs", "Engine up"),
    "supervision.down": ("The amount stays; payments wait until it is back", "Supervision: {why}"),
    "supervision.restarting": ("It is being started again. The amount stays", "Supervision: {why}"),
    "supervision.stopped": ("The payment service was stopped", "Engine stopped"),
    "console.clock_stays": (
        "Lab time runs normally again. It cannot go back: a world reset does that",
        "Rate 1; the offset stays until a world reset",
    ),
    "console.no_timer": ("Nothing is due", "No timer is set"),
    "console.faults_written": _same("Written to {path}: fault apply puts it back"),
    "console.faults_read": _same("{count} fault(s) from {name} are on"),
    "console.refused": _same("Not done: {why}"),
    "console.unreachable": (
        "Not done: the payment service is away",
        "Not done: engine unreachable",
    ),
    "console.no_card": ("Add a card first", "No token installed"),
    "console.no_card_of": ("Add a {network} card first", "No token of {network} installed"),
}

WORDS: dict[str, tuple[str, str]] = {**_POS, **_WALLET, **_CONSOLE}
