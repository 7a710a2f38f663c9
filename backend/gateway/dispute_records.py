"""A dispute as a value, its reasons, and what may be handed in as evidence.

Evidence is text of named kinds, and files by their names: a laboratory keeps no documents. Knows
no SQL, no network and no state table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from backend.domain.money import format_amount
from backend.gateway.dispute_machine import DisputeState
from backend.payments.machine import State
from backend.payments.records import Payment
from backend.runtime.errors import BadRequest, Conflict

REASONS = (
    "fraudulent",
    "product_not_received",
    "product_unacceptable",
    "duplicate",
    "credit_not_processed",
    "subscription_canceled",
    "unrecognized",
    "general",
)
EVIDENCE_TEXTS = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
EVIDENCE_FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)
EVIDENCE_FIELDS = frozenset({*EVIDENCE_TEXTS, *EVIDENCE_FILES})
TEXT_LENGTH_MAX = 20_000
FILE_NAME_LENGTH_MAX = 255
EVIDENCE_LENGTH_MAX = 150_000


class Liability(Enum):
    """Who bears a dispute that stands."""

    MERCHANT = "merchant"
    ISSUER = "issuer"  # the cardholder was authenticated (3-D Secure), and calls it fraud


class ClosedWhy(Enum):
    """How a dispute came to its end."""

    DECIDED = "decided"  # by the network, on the evidence
    LAPSED = "lapsed"  # nothing was handed in by the deadline
    ACCEPTED = "accepted"  # the merchant gave it up
    SHIFTED = "liability_shift"  # the issuer bears it


@dataclass(frozen=True, slots=True)
class DisputeNotice:
    """What a network tells when a cardholder disputes a payment.

    Attributes:
        case_id: the network's name for it; the same in every repeat.
        amount_minor: how much of the payment is in question.
        reason: one of `REASONS`.
    """

    case_id: str
    payment_id: str
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as stored.

    Attributes:
        id: "dp_…".
        fee_minor: what it costs the merchant; 0 where the issuer bears it.
        evidence: kind to text, or to a file's name.
        evidence_due_at_us: until when evidence is taken; then it lapses.
        submitted_at_us: when the network got the evidence.
        due_at_us: when something has to be done next: let it lapse, ask for the verdict.
        tries: how often the network was asked and did not answer.
        version: 1 at creation, one more with every event.
    """

    id: str
    case_id: str
    payment_id: str
    merchant_id: str
    network: str
    amount_minor: int
    currency: str
    fee_minor: int
    reason: str
    state: DisputeState
    liability: Liability
    created_at_us: int
    updated_at_us: int
    evidence_due_at_us: int
    due_at_us: int | None
    version: int = 1
    tries: int = 0
    fee_returned: bool = False
    submitted_at_us: int | None = None
    closed_at_us: int | None = None
    closed_why: ClosedWhy | None = None
    evidence: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def with_evidence(self, given: Mapping[str, str | None]) -> Dispute:
        """The dispute with more evidence; an empty text takes a kind out again.

        Raises:
            BadRequest: `evidence_unknown`, `evidence_too_long`.
        """
        kept = dict(self.evidence)
        for name, text in given.items():
            if name not in EVIDENCE_FIELDS:
                raise _bad("evidence_unknown", name, f"there is no evidence {name[:40]}")
            longest = FILE_NAME_LENGTH_MAX if name in EVIDENCE_FILES else TEXT_LENGTH_MAX
            if text is not None and len(text) > longest:
                raise _bad("evidence_too_long", name, f"{name} has at most {longest} characters")
            if text:
                kept[name] = text
            else:
                kept.pop(name, None)
        if sum(map(len, kept.values())) > EVIDENCE_LENGTH_MAX:
            raise BadRequest(
                "evidence_too_long",
                f"evidence has at most {EVIDENCE_LENGTH_MAX} characters in all",
                field="evidence",
            )
        return replace(self, evidence=MappingProxyType(kept))

    def closed(self, why: ClosedWhy, at_us: int) -> Dispute:
        """The dispute with its end, still in its old state; nothing is due any more."""
        return replace(self, closed_at_us=at_us, closed_why=why, due_at_us=None)

    def facts(self) -> dict[str, object]:
        """What its events and audit lines tell."""
        return {
            "merchant_id": self.merchant_id,
            "object": "dispute",
            "object_id": self.id,
            "payment_id": self.payment_id,
            "version": self.version,
            "state": self.state.value,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "fee_minor": self.fee_minor,
            "reason": self.reason,
            "liability": self.liability.value,
            "closed_why": None if self.closed_why is None else self.closed_why.value,
        }

    def to_json(self) -> dict[str, object]:
        """As `/lab` shows it."""
        return {
            "id": self.id,
            "case_id": self.case_id,
            "payment_id": self.payment_id,
            "merchant_id": self.merchant_id,
            "network": self.network,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "fee_minor": self.fee_minor,
            "fee_returned": self.fee_returned,
            "reason": self.reason,
            "status": self.state.value,
            "liability": self.liability.value,
            "evidence": dict(self.evidence),
            "evidence_due_at_us": self.evidence_due_at_us,
            "submitted_at_us": self.submitted_at_us,
            "closed_at_us": self.closed_at_us,
            "closed_why": None if self.closed_why is None else self.closed_why.value,
            "created_at_us": self.created_at_us,
            "metadata": dict(self.metadata),
        }


def _bad(code: str, name: str, detail: str) -> BadRequest:
    return BadRequest(code, detail, field=f"evidence[{name[:40]}]")


def check_notice(notice: DisputeNotice, payment: Payment) -> None:
    """Judge a notice against the payment that it is about.

    Raises:
        BadRequest: `reason_unknown`, `currency_differs`.
        Conflict: `not_captured`, `dispute_exceeds_capture`.
    """
    if notice.reason not in REASONS:
        raise BadRequest("reason_unknown", f"one of {', '.join(REASONS)}", field="reason")
    if payment.state is not State.CAPTURED:
        raise Conflict("not_captured", f"this payment is {payment.state.value}: nobody lost money")
    if notice.currency != payment.currency:
        raise BadRequest("currency_differs", "a dispute is in the payment's currency")
    left_minor = payment.captured_minor - payment.refunded_minor
    if not 0 < notice.amount_minor <= left_minor:
        raise Conflict(
            "dispute_exceeds_capture",
            f"{format_amount(left_minor, payment.currency)} are left to dispute",
            field="amount_minor",
        )
