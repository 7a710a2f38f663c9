"""The engine's way to the networks' dispute desks: the same line as to their token services.

A refusal is told as the network said it; a desk that cannot be reached or answers nonsense is a
fault. Knows nothing of ledgers or storage.
"""

from __future__ import annotations

from backend.networks.dispute_terms import Case, CaseOrder, Outcome, Submission, Verdict
from backend.networks.message import transmission_time
from backend.runtime.errors import MessageError
from backend.switch.answers import NetworkReference
from backend.switch.tsp_client import TspClient, expect_done, text_of


class DisputeClient:
    """Asks networks to raise cases and to judge evidence."""

    def __init__(self, services: TspClient) -> None:
        """Over the line to the token services."""
        self._services = services

    async def raise_case(
        self,
        network: str,
        reference: NetworkReference,
        *,
        amount_minor: int,
        currency: str,
        reason: str,
    ) -> Case:
        """Have a cardholder's bank dispute a sale; asked again, the same case.

        Raises:
            TransportError: the desk cannot be reached, or did not answer.
            MessageError: it answered something else.
            NotFound: `no_such_sale`: the network has not booked it (yet).
            Conflict: `amount_beyond_sale`.
        """
        order = CaseOrder(
            reference.rrn, reference.stan, transmission_time(reference.sent_at_us),
            amount_minor, currency, reason,
        )  # fmt: skip
        status, body = await self._services.call(
            "POST",
            f"/{network}/disputes",
            {
                "rrn": order.rrn,
                "stan": order.stan,
                "sent": order.sent,
                "amount_minor": order.amount_minor,
                "currency": order.currency,
                "reason": order.reason,
            },
        )
        expect_done(status, body)
        return Case(
            text_of(body, "case_id"), _whole(body, "amount_minor"), text_of(body, "currency"),
            text_of(body, "reason"),
        )  # fmt: skip

    async def judge(self, network: str, case_id: str, submission: Submission) -> Verdict:
        """What the network says now of the evidence; may be asked as often as wanted.

        Raises:
            TransportError: the desk cannot be reached, or did not answer.
            MessageError: it answered something else.
            BadRequest: it does not take this.
        """
        status, body = await self._services.call(
            "POST",
            f"/{network}/disputes/{case_id}/evidence",
            {
                "reason": submission.reason,
                "submitted_at_us": submission.submitted_at_us,
                "evidence": submission.evidence,
            },
        )
        expect_done(status, body)
        try:
            outcome = Outcome(text_of(body, "outcome"))
        except ValueError as error:
            raise MessageError("the dispute desk named an outcome that is none") from error
        again = _whole(body, "again_at_us") if outcome is Outcome.UNDER_REVIEW else None
        return Verdict(outcome, again)


def _whole(body: dict[str, object], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MessageError(f"the dispute desk left out {name}")
    return value
