"""Disputes on the small world of the payments tests: real rows and rules, a desk without a wire.

`CaseDesk` is the network outside; its verdicts are the host's own. It can fall silent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from backend.gateway.desk import Desk
from backend.gateway.dispute_letters import DisputeLetters
from backend.gateway.dispute_records import Dispute, DisputeNotice
from backend.gateway.dispute_schedule import DisputeSchedule, SchedulePorts
from backend.gateway.disputes import DisputeChange, DisputePorts, Disputes
from backend.gateway.merchant_notices import MerchantNotices
from backend.gateway.merchants import MerchantPorts, Merchants
from backend.networks.dispute_terms import Case, Submission, Verdict
from backend.networks.disputes import DisputeDesk
from backend.networks.ports import HostStore
from backend.payments.posting import Poster
from backend.runtime.entropy import Entropy
from backend.runtime.errors import LinkBroken
from backend.storage.database import Transaction
from backend.storage.dispute_rows import SqlDisputeRows
from backend.storage.gateway_rows import SqlGatewayRows
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.merchant_rows import SqlMerchantRows
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payment_rows import SqlPaymentRows
from backend.switch.answers import NetworkReference


class CaseDesk:
    """The network's desk.

    Attributes:
        is_silent: it does not answer.
        asked: cases of which a verdict was asked.
    """

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.is_silent = False
        self.asked: list[str] = []

    async def raise_case(
        self,
        network: str,
        reference: NetworkReference,
        *,
        amount_minor: int,
        currency: str,
        reason: str,
    ) -> Case:
        """A case over anything."""
        return Case(f"{network}-{reference.rrn}", amount_minor, currency, reason)

    async def judge(self, network: str, case_id: str, submission: Submission) -> Verdict:
        """The host's verdict."""
        self.asked.append(case_id)
        if self.is_silent:
            raise LinkBroken("silence")
        desk = DisputeDesk(network, cast("HostStore", None), self._clock)  # judging reads no books
        return desk.judge(case_id, submission)


class Disputing:
    """Disputes over a `lab` of the payments tests; `start` again after its restart."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab
        self.rows = SqlDisputeRows()
        self.desk = CaseDesk(lab.clock)
        self.start()

    def start(self) -> None:
        """A new process's services on the lab's store."""
        lab, outbox, merchant_rows = self.lab, SqlOutbox(), SqlMerchantRows()
        identifiers = Entropy(11, simulated=True).stream(f"disputes {lab.events.next_seq()}")
        self.merchants: Merchants[Transaction] = Merchants(
            MerchantPorts(
                store=lab.database,
                rows=merchant_rows,
                outbox=outbox,
                events=lab.events,
                clock=lab.clock,
                identifiers=identifiers,
            )
        )
        notices = MerchantNotices(lab.database, merchant_rows, lab.clock)
        self.disputes: Disputes[Transaction] = Disputes(
            DisputePorts(
                rows=self.rows,
                advices=SqlGatewayRows(),
                payments=SqlPaymentRows(),
                merchants=self.merchants,
                letters=DisputeLetters(self.rows, notices, outbox, lab.events),
                poster=Poster(SqlLedgerRows(), lab.events),
                outbox=outbox,
                events=lab.events,
                clock=lab.clock,
                identifiers=identifiers,
            )
        )
        self.schedule: DisputeSchedule[Transaction] = DisputeSchedule(
            SchedulePorts(
                store=lab.database,
                rows=self.rows,
                payments=SqlPaymentRows(),
                disputes=self.disputes,
                references=lab.engine.references,
                network=self.desk,
                clock=lab.clock,
                scheduler=lab.scheduler,
                events=lab.events,
            )
        )

        lab.desk = Desk(replace(lab.desk._ports, forbids_refund=self.disputes.forbids_refund))

    def notice(
        self, payment_id: str, amount_minor: int, reason: str = "fraudulent"
    ) -> DisputeNotice:
        """What the network tells."""
        return DisputeNotice(f"visa-{payment_id}", payment_id, amount_minor, "USD", reason)

    def write(self, work: Any) -> Dispute:
        """One unit of work on disputes, told afterwards."""
        change: DisputeChange = self.lab.run(self.lab.database.write(work))
        self.disputes.publish(change)
        return change.dispute

    def open(self, payment_id: str, amount_minor: int, reason: str = "fraudulent") -> Dispute:
        """Take a notice in."""
        notice = self.notice(payment_id, amount_minor, reason)
        return self.write(lambda tx: self.disputes.open(tx, notice))

    def hand_in(self, dispute_id: str, text: str) -> Dispute:
        """The network gets the evidence."""
        return self.write(
            lambda tx: self.disputes.update(
                tx, None, dispute_id, evidence={"uncategorized_text": text}, submit=True
            )
        )

    def accept(self, dispute_id: str) -> Dispute:
        """Give it up."""
        own = self.lab.run(self.schedule.reference())
        return self.write(lambda tx: self.disputes.accept(tx, None, dispute_id, own))

    def look(self, dispute_id: str) -> Dispute:
        """As it stands."""
        dispute: Dispute = self.lab.database.read(lambda tx: self.disputes.of(tx, None, dispute_id))
        return dispute

    def of_payment(self, payment_id: str) -> Dispute | None:
        """The dispute over a payment."""
        found: Dispute | None = self.lab.database.read(
            lambda tx: self.rows.dispute_of_payment(tx, payment_id)
        )
        return found

    def pass_time(self, seconds: float) -> None:
        """Let lab time pass with the schedule running."""

        async def passing() -> None:
            task = self.lab.scheduler.spawn(self.schedule.run_forever(), "disputes")
            await self.lab.scheduler.sleep(seconds)
            task.cancel()

        self.lab.run(passing())
