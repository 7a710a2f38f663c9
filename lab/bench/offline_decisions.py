"""Decisions about asking the issuer or not, in words: what the till asked for, and why it ended.

Book 3, 10.7 for what is asked, Books C-2 to C-4 for what comes of it. Knows no conversation.
"""

from __future__ import annotations

from lab.words import Message

_ASKED = {0x00: "wants_aac", 0x40: "wants_tc", 0x80: "wants_arqc"}
_KIND = 0xC0
_ENDED = {
    "offline_approved": "good",
    "card_declined": "bad",
    "till_declined": "bad",
    "online_not_possible": "bad",
    "offline_not_supported": "bad",
    "application_expired": "bad",
}


def asked_for(command_hex: str) -> Message | None:
    """What the till asked of the card, out of GENERATE AC's first parameter."""
    word = _ASKED.get(int(command_hex[4:6], 16) & _KIND)
    return None if word is None else Message(f"bench.why.{word}")


def ended_by(reason: str) -> Message | None:
    """How a tap ended without its issuer; None where another sentence says it."""
    kind = _ENDED.get(reason)
    return None if kind is None else Message(f"bench.why.{reason}", kind)
