"""When a card approves by itself: its allowance, and what the reader wants (Books C-2 to C-4).

A card that has no allowance left asks its issuer, or declines where the reader has none. Knows no
state of the conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hardware.card.allowance import Spent, decide
from hardware.card.personality import profile
from hardware.emv.bitfields import (
    AIP_DYNAMIC_AUTHENTICATION,
    TTQ_OFFLINE_ONLY,
    TTQ_ONLINE_CRYPTOGRAM_REQUIRED,
    CryptogramType,
    has_bit,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.card.credentials import Credentials


class Allowing(Protocol):
    """Who keeps the counters of approvals."""

    def offline_spent(self, token_ref: str, /) -> Spent:
        """What the token has approved without its issuer."""

    def count_offline(self, token_ref: str, values: Mapping[int, bytes], /) -> None:
        """Count one approval, on disk when this returns; 9F02 is read."""


def approve_or_ask(
    element: Allowing, credentials: Credentials, values: Mapping[int, bytes]
) -> CryptogramType:
    """TC where the allowance covers this payment, else ARQC."""
    spent = element.offline_spent(credentials.token_ref)
    return decide(credentials.allowance, spent, values)


def visa_kind(
    element: Allowing, credentials: Credentials, values: Mapping[int, bytes]
) -> CryptogramType:
    """An approval only where it can be signed and the reader does not want the issuer asked."""
    qualifiers = values[0x9F66]
    kind = CryptogramType.ARQC
    signs = has_bit(profile(credentials), AIP_DYNAMIC_AUTHENTICATION)
    if signs and not has_bit(qualifiers, TTQ_ONLINE_CRYPTOGRAM_REQUIRED):
        kind = approve_or_ask(element, credentials, values)
    if kind is CryptogramType.ARQC and has_bit(qualifiers, TTQ_OFFLINE_ONLY):
        return CryptogramType.AAC
    return kind
