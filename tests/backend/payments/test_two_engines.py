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


class HungUpOn(Database):
    """A database whose caller goes away while its unit is on the way to the disk."""

    caller: asyncio.Task | None = None

    async def write(self, work):
        if self.caller is not None:
            asyncio.get_running_loop().call_soon(self.caller.cancel)
            self.caller = None
        return await super().write(work)


def an_engine(lab, database, number, listener=None):
    clock = LabClock()
    events = EventLog(clock, source="engine", first_seq=1 + 1_000 * number)
    if listener is not None:
        events.subscribe(listener)
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
            events=events,
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
                return await engine.pay(
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


def test_a_caller_that_hangs_up_during_the_first_commit_leaves_no_open_key(lab, order):
    async def hang_up():
        database = HungUpOn(lab.path)
        reversed_ = asyncio.Event()

        def listen(event):
            if event.kind == "payment.reversed":
                reversed_.set()

        engine = an_engine(lab, database, 0, listen)
        await engine.pay(order(atc=1), account="till", key="k1", request_hash=b"1")
        follow_ups = asyncio.create_task(engine.follow_up_forever())
        call = asyncio.create_task(
            engine.pay(order(atc=2), account="till", key="k2", request_hash=b"2")
        )
        database.caller = call
        with pytest.raises(asyncio.CancelledError):
            await call
        async with asyncio.timeout(5):
            await reversed_.wait()
        follow_ups.cancel()
        reply = await engine.pay(order(atc=2), account="till", key="k2", request_hash=b"2")
        database.close()
        return reply

    reply = asyncio.run(hang_up())
    assert reply.replayed
    assert b'"status":"declined"' in reply.body
    assert len(lab.networks.authorizations) == 1
