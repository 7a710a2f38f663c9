"""Paying at a transit gate without being looked at: when a phone does so, and when it does not.

A gate announces itself before the first command (`readers.polling`), and asks for a signature that
it can check at once, because it cannot wait for the issuer: Visa's readers ask in GPO (transaction
qualifiers, byte 1 bit 1), the others in GENERATE AC (P1, the request for a combined signature). The
card that its owner chose for gates then answers, and says that nobody was recognised. A gate that
wants the owner verified is told to have the phone looked at. How phones decide this is not public:
reverse-engineered by others, and a lab approximation. Knows no key and no counter.
"""

from __future__ import annotations

from enum import Enum, auto

from hardware.readers.polling import read_announcement


class Permission(Enum):
    """What a phone that recognised nobody does."""

    PASS = auto()
    SEE_PHONE = auto()
    NO_GATE = auto()
    """The reader announced a gate and does not behave like one."""


class Gate:
    """What the phone has heard in this field."""

    def __init__(self) -> None:
        self._is_transit = False

    @property
    def is_transit(self) -> bool:
        """Whether a transit gate announced itself."""
        return self._is_transit

    def hear(self, frame: bytes) -> None:
        """The last announcement counts; what is no announcement changes nothing."""
        announcement = read_announcement(frame)
        if announcement is not None:
            self._is_transit = announcement.is_transit


def permission(*, is_express: bool, is_signed: bool, owner_wanted: bool) -> Permission:
    """Decide for a token whose owner was not recognised.

    Args:
        is_express: a gate announced itself, and this is the card for gates.
        is_signed: the reader asks for a signature; not known yet counts as asked.
        owner_wanted: the reader requires the cardholder to be verified.
    """
    if not is_express or owner_wanted:
        return Permission.SEE_PHONE
    return Permission.PASS if is_signed else Permission.NO_GATE
