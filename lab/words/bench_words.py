"""Sentences of the bench: the conversation, why the kernel decided, two taps side by side."""

from __future__ import annotations

_BOTH: dict[str, str] = {
    "bench.readers": "Readers",
    "bench.no_readers": "No reader yet: plug one in, or tap without one (Space).",
    "bench.reader.unplugged": "Not plugged in",
    "bench.reader.no_card": "no card",
    "bench.conversation": "Conversation",
    "bench.conversation.file": "From a file",
    "bench.conversation.replayed": "Replayed",
    "bench.from_file": "Read from {name}: nothing here happens now, and nothing can be changed.",
    "bench.empty": "Nothing was said to a card yet: tap, or open a trace.",
    "bench.decoded": "Decoded",
    "bench.hex.asked": "Bytes of the command",
    "bench.hex.answered": "Bytes of the answer",
    "bench.number": "#",
    "bench.command": "Command",
    "bench.sw": "SW",
    "bench.time": "ms",
    "bench.asked": "Asked · {count} bytes",
    "bench.answered": "Answered · {count} bytes",
    "bench.no_answer": "no answer",
    "bench.tag": "Object",
    "bench.value": "Value and meaning",
    "bench.legend": "tag|length|value",
    "bench.find": "Find (F3): tag, name or hex",
    "bench.find.count": "{at} of {count}",
    "bench.find.none": "not found",
    "bench.choose": "Conversation to look at",
    "bench.compare": "Compare with",
    "bench.compare.with": "Compare…",
    "bench.compare.title": "Side by side",
    "bench.compare.back": "Back to one",
    "bench.compare.same": "{name}: {same} objects the same, {count} differ",
    "bench.compare.only_left": "{name}: only in this one",
    "bench.compare.only_right": "{name}: only in the other",
    "bench.compare.gained": "the other says also: {words}",
    "bench.compare.lost": "only this one says: {words}",
    "bench.compare.asked": "asked {tag}",
    "bench.compare.nothing": "not there",
    "bench.open.long": "Open a trace from a file, to read",
    "bench.export.long": "Write this conversation as .apdu, .json, .html or .pcapng",
    "bench.replay.long": "Play our kernel against these answers, as if the card lay here",
    "bench.replay.title": "Replayed: {title}",
    "bench.replayed": "Our kernel against recorded answers: nothing went online, and hidden "
    "digits were played as zeros.",
    "bench.nothing_to_replay": "There is no conversation to replay yet: tap, or open a trace.",
    "bench.copy": "Copy",
    "bench.copy.long": "Copy the bytes that are lit up (Ctrl+C); Ctrl+Shift+C copies the tree",
    "bench.copy.tree": "Copy tree",
    "bench.copy.tree.long": "Copy the tree as text (Ctrl+Shift+C)",
    "bench.exported": "The conversation is written to {path}",
    "bench.nothing_to_export": "There is no conversation to write yet: tap first.",
    "bench.files.trace": "Traces (*.apdu)",
    "bench.files.export": "Wireshark (*.pcapng);;Page (*.html);;JSON (*.json);;Trace (*.apdu)",
}

_BY_AUDIENCE: dict[str, tuple[str, str]] = {
    "bench.medium.phone": (
        "A phone or watch: it verified its owner itself ({where})",
        "Phone or wearable: CDCVM performed ({where})",
    ),
    "bench.medium.device": (
        "A phone or watch: it can verify its owner itself ({where})",
        "Phone or wearable: on-device CVM supported ({where})",
    ),
    "bench.medium.token": (
        "Its number is a device's own ({requestor}); no verification on it is seen",
        "Token (requestor {requestor}), no CDCVM seen",
    ),
    "bench.medium.plastic": (
        "Plastic, as far as it says: no device's number, nobody verified on it",
        "Plastic, as far as it says: no token requestor, no CDCVM",
    ),
    "bench.medium.unknown": (
        "Phone or plastic: it did not come far enough to say",
        "Phone or plastic: undetermined, no cryptogram",
    ),
    "bench.why.offered": ("It offers one application: {names}", "PPSE: one candidate, {names}"),
    "bench.why.several": (
        "It offers {count} applications, best first: {names}",
        "PPSE: {count} candidates: {names}",
    ),
    "bench.why.kernel": (
        "{network}'s rules from here on (kernel {kernel}), because of {name}",
        "Kernel {kernel} ({network}), because AID {name}",
    ),
    "bench.why.list": (
        "The card wants {count} things to know from the till",
        "PDOL: {count} objects",
    ),
    "bench.why.no_list": ("The card asks the till for nothing", "No PDOL: empty template 83"),
    "bench.why.must_ask": (
        "The till insists on asking the bank",
        "TTQ: online cryptogram required",
    ),
    "bench.why.must_verify": (
        "The till wants to know who pays: the amount is over its limit",
        "CVM required: amount over the CVM limit",
    ),
    "bench.why.nobody": (
        "The card went on although nobody was recognised, as a phone does at a transit gate",
        "No CDCVM: express (transit) mode, or a card that verifies nobody",
    ),
    "bench.why.verified": (
        "No PIN, because the phone had verified its owner",
        "CVM: on-device (CDCVM)",
    ),
    "bench.why.records": ("The card keeps more to read: {where}", "AFL: {where}"),
    "bench.why.no_records": (
        "The cryptogram is here already: nothing else to read",
        "Cryptogram in the GPO answer, no AFL",
    ),
    "bench.why.stripe_mode": (
        "It has no chip payment to offer: it is read as a stripe with digits that change",
        "AIP without EMV mode: mag-stripe mode",
    ),
    "bench.why.places": ("Room on its track: {where}", "Track 2: {where}"),
    "bench.why.number": (
        "The till throws in a random number: {number}",
        "Unpredictable number (numeric): {number}",
    ),
    "bench.why.code": (
        "The card makes a {code} for its payment number {counter}; it goes into the track",
        "CVC3 ({code}) over ATC {counter}, into the discretionary data",
    ),
    "bench.why.no_code": ("No code, because: {why}", "No CVC3: {why}"),
    "bench.why.rules": ("Who pays is settled by the card's rule: {first}", "CVM list: {first}"),
    "bench.why.risk_list": (
        "The card wants {count} things to know before it signs",
        "CDOL1: {count} objects",
    ),
    "bench.why.found": ("The till found: {what}", "TVR: {what}"),
    "bench.why.nothing_found": ("The till found nothing wrong", "TVR: all zero"),
    "bench.why.arqc": (
        "The card says: ask the bank ({tag})",
        "ARQC: online authorization requested ({tag})",
    ),
    "bench.why.tc": ("The card approves by itself ({tag})", "TC: approved offline ({tag})"),
    "bench.why.aac": ("The card declines ({tag})", "AAC: declined offline ({tag})"),
    "bench.why.online": (
        "So it went online: the bank decides",
        "Outcome: online request",
    ),
    "bench.why.ended": ("So it ended: {outcome}", "Outcome: {outcome}"),
    "bench.why.ended_because": (
        "So it ended: {outcome}, because {reason}",
        "Outcome: {outcome} ({reason})",
    ),
    "bench.why.recovered": (
        "The last tap was torn: the card repeats its answer and counts nothing",
        "RECOVER AC: torn transaction recovered, no new ATC",
    ),
    "bench.why.nothing_to_recover": (
        "The card has nothing to repeat: a new cryptogram is made ({sw})",
        "RECOVER AC {sw}: GENERATE AC anew",
    ),
    "bench.why.relay": (
        "How near: {took} ms; the card says {least} to {greatest} ms, and {air} on the air",
        "RRP: {took} ms measured; min {least}, max {greatest}, R-APDU {air} ms",
    ),
    "bench.why.authenticates": (
        "The card signs the till's number: it is real",
        "INTERNAL AUTHENTICATE: SDAD over the DDOL",
    ),
    "bench.why.refused": ("The card refuses: {meaning} ({sw})", "{sw}: {meaning}"),
    "bench.why.torn": ("No answer came: the card was gone", "No response to {name}"),
}

WORDS: dict[str, tuple[str, str]] = {
    **{key: (text, text) for key, text in _BOTH.items()},
    **_BY_AUDIENCE,
}
