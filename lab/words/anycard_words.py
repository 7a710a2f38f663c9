"""Sentences about any card or tag: what was read and what was not done to it, enrolling, raw."""

from __future__ import annotations

_BOTH: dict[str, str] = {
    "anycard.title.lab_card": "A card of this lab",
    "anycard.title.payment_card": "Somebody's own card",
    "anycard.title.other": "Not a payment card",
    "anycard.promise": "Not charged. Nothing stored.",
    "anycard.promise.spent": "Not charged. Nothing stored. Its counter went up by one.",
    "anycard.evidence": "{where}: {says}",
    "anycard.fact.application": "Application",
    "anycard.fact.number": "Number, masked",
    "anycard.fact.kind": "Kind",
    "anycard.fact.uid": "Identifier",
    "anycard.fact.uid.random": "Identifier, drawn anew each time",
    "anycard.fact.selection": "Selection",
    "anycard.fact.atr": "Answer to reset",
    "anycard.stop.nothing_to_pay_with": "It offers no payment application.",
    "anycard.stop.broke_a_rule": "Its answer broke a rule ({why}); reading ended there.",
    "anycard.stop.left": "It left the reader, or fell silent ({why}); this is what was read.",
}

_BY_AUDIENCE: dict[str, tuple[str, str]] = {
    "anycard.medium.phone": ("A phone or watch", "Phone or wearable"),
    "anycard.medium.plastic": ("Plastic", "Plastic, no consumer device"),
    "anycard.medium.unknown": (
        "Phone or plastic: unknown, it has not said",
        "Phone or plastic: unknown",
    ),
    "anycard.stop.read_whole": ("Read to the end.", "GPO and all records of the AFL read."),
    "anycard.stop.no_consent": (
        "Read as far as its name: more would need its owner's consent.",
        "Stopped after SELECT: no lab IIN in BF0C (tag 42), no consent.",
    ),
    "anycard.stop.refused": (
        "It did not let itself be read further ({why}). A phone does so until it is unlocked.",
        "Refused: {why}.",
    ),
}

WORDS: dict[str, tuple[str, str]] = {
    **{key: (text, text) for key, text in _BOTH.items()},
    **_BY_AUDIENCE,
}
