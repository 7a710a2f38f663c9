"""What engine and networks say to each other about disputes: cases and verdicts.

Values only. A case names the sale by the reference of its authorization, as every other message
about it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What a network says of the evidence."""

    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class CaseOrder:
    """A cardholder's bank wants its money back.

    Attributes:
        rrn: DE 37 of the authorization.
        stan: its DE 11.
        sent: its DE 7.
        amount_minor: how much is in question.
        currency: ISO 4217 letters.
        reason: why, in one word.
    """

    rrn: str
    stan: str
    sent: str
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """A dispute as its network knows it; raised again, the same."""

    case_id: str
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What a merchant hands in.

    Attributes:
        reason: of the case.
        submitted_at_us: lab time; a repeat says the same.
        evidence: kind to text, or to a file's name.
    """

    reason: str
    submitted_at_us: int
    evidence: dict[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the network says now.

    Attributes:
        again_at_us: when to ask again, while it is under review.
    """

    outcome: Outcome
    again_at_us: int | None = None
