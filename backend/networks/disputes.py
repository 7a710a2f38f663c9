"""One network's desk for disputes: cases over sales in its own books, and verdicts on evidence.

Theory of operation. A case is a function of the sale it is about: raised twice, it is the same
case, so a lost answer costs nothing. It can be raised over what was completed and not returned,
no more. A verdict is a function of case and evidence: two texts of the published test behaviour
decide at once ("winning_evidence", "losing_evidence"); anything else is looked at for three days of
lab time and then wins the more likely the more of what the reason calls for was handed in. The
roll is the case's own, so that a repeat hears the same. Nothing is stored here. Knows no HTTP.
"""

from __future__ import annotations

import hashlib

from backend.networks.dispute_terms import Case, CaseOrder, Outcome, Submission, Verdict
from backend.networks.issuing import APPROVED
from backend.networks.ports import HostRows, HostStore
from backend.runtime.clock import Clock
from backend.runtime.errors import BadRequest, Conflict, NotFound

WINNING_TEXT = "winning_evidence"
LOSING_TEXT = "losing_evidence"
REVIEW_US = 3 * 86_400 * 1_000_000
CHANCE_WITH_NOTHING = 20  # of 100
CHANCE_WITH_ALL = 90
CASE_DIGITS = 20
_CALLED_FOR = {
    "fraudulent": ("customer_signature", "customer_communication", "access_activity_log"),
    "product_not_received": (
        "shipping_tracking_number", "shipping_documentation", "customer_communication",
    ),
    "product_unacceptable": ("product_description", "refund_policy", "customer_communication"),
    "duplicate": ("duplicate_charge_explanation", "duplicate_charge_documentation", "receipt"),
}  # fmt: skip
_IN_GENERAL = ("receipt", "customer_communication", "refund_policy")


class DisputeDesk:
    """Raises and judges the cases of one network."""

    def __init__(self, network: str, store: HostStore, clock: Clock) -> None:
        """Over the network's own books."""
        self.network = network
        self._store = store
        self._clock = clock

    def raise_case(self, order: CaseOrder) -> Case:
        """A case over a sale, as the cardholder's bank asks for it.

        Raises:
            NotFound: `no_such_sale`.
            Conflict: `amount_beyond_sale`.
            BadRequest: `bad_fields`.
        """
        if order.amount_minor <= 0:
            raise BadRequest("bad_fields", "a disputed amount is above zero")
        self._store.read(lambda rows: self._check(rows, order))
        case_id = case_of(self.network, (order.rrn, order.stan, order.sent))
        return Case(case_id, order.amount_minor, order.currency, order.reason)

    def _check(self, rows: HostRows, order: CaseOrder) -> None:
        original = (order.rrn, order.stan, order.sent)
        seen = rows.authorization(self.network, original)
        booked = rows.presentments(self.network, original)
        completed = sum(each.amount_minor for each in booked if each.kind == "completion")
        returned = sum(each.amount_minor for each in booked if each.kind == "refund")
        unknown = seen is None or seen.response_code != APPROVED or seen.currency != order.currency
        if unknown or not completed:
            raise NotFound("no_such_sale", "this network has booked no such sale")
        if order.amount_minor > completed - returned:
            raise Conflict("amount_beyond_sale", "more than was paid and not given back")

    def judge(self, case_id: str, submission: Submission) -> Verdict:
        """What the network says now of the evidence in a case."""
        said = submission.evidence.get("uncategorized_text", "").strip()
        if said in {WINNING_TEXT, LOSING_TEXT}:
            return Verdict(Outcome.WON if said == WINNING_TEXT else Outcome.LOST)
        decided_at_us = submission.submitted_at_us + REVIEW_US
        if self._clock.now_us() < decided_at_us:
            return Verdict(Outcome.UNDER_REVIEW, decided_at_us)
        return Verdict(Outcome.WON if _convinces(case_id, submission) else Outcome.LOST)


def case_of(network: str, original: tuple[str, str, str]) -> str:
    """The name of the case over a sale; there is one at most."""
    digest = hashlib.sha256("|".join((network, *original)).encode()).hexdigest()
    return f"{network}-{digest[:CASE_DIGITS]}"


def _convinces(case_id: str, submission: Submission) -> bool:
    wanted = _CALLED_FOR.get(submission.reason, _IN_GENERAL)
    given = sum(1 for kind in wanted if submission.evidence.get(kind))
    chance = CHANCE_WITH_NOTHING
    chance += (CHANCE_WITH_ALL - CHANCE_WITH_NOTHING) * given // len(wanted)
    roll = int.from_bytes(hashlib.sha256(case_id.encode()).digest()[:4], "big") % 100
    return roll < chance
