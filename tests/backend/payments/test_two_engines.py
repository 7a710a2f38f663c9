"""Two engine processes' worth of connections on one file, in real time and with real threads."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from backend.payments.engine import PaymentEngine, PaymentPorts
from backend.payments.idempotency import KeyInFlight
from backend.runtime.clock import LabClock
from backend.runtime.entropy import Entropy
from backend.runtime.events import EventLog
from backend.runtime.scheduler import LabScheduler
from backend.storage.database import Database
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payment_rows import SqlPaymentRows
from backend.storage.verify import verify


def an_engine(lab, database, number):
    clock = LabClock()
    return PaymentEngine(
        PaymentPorts(
            store=database,
            rows=SqlPaymentRows(),
            ledger=SqlLedgerRows(),
            outbox=SqlOutbox(),
            tokens=lab.card_table,
            switch=lab.networks,
            clock=clock,
            scheduler=LabScheduler(clock),
            events=EventLog(clock, source="engine", first_seq=1 + 1_000 * number),
            identifiers=Entropy(number, simulated=True).stream("payments"),
            fingerprint=lab.fingerprint,
        )
    )


@pytest.mark.inv(81, 107, 109)
def test_racers_on_two_engines_make_one_authorization_a_key(lab, order):
    """Slower than others: every attempt is a real commit on a real disk."""
    orders = [order(atc=atc) for atc in (1, 2, 3)]

    async def racer(engine, number):
        digest = hashlib.sha256(orders[number].emv_data).digest()
        while True:
            try:
                return await engine.pay_nfc(
                    orders[number], account="till", key=f"k{number}", request_hash=digest
                )
            except KeyInFlight:
                await asyncio.sleep(0)

    async def race():
        databases = [Database(lab.path), Database(lab.path)]
        engines = [an_engine(lab, database, at) for at, database in enumerate(databases)]
        replies = await asyncio.gather(
            *(racer(engines[at % 2], at % len(orders)) for at in range(24))
        )
        for database in databases:
            database.close()
        return replies

    replies = asyncio.run(race())
    assert len(lab.networks.authorizations) == len(orders)
    references = {request.reference.rrn for request in lab.networks.authorizations}
    assert len(references) == len(orders)
    assert len({reply.body for reply in replies}) == len(orders)
    assert [check for check in verify(lab.database) if not check.ok] == []
