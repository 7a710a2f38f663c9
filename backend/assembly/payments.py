"""Wires taps: the payment engine over its rows, ledger, outbox and switch."""

from __future__ import annotations

from functools import partial

from backend.assembly.caches import Caches
from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.gateway.merchant_keys import SHOPS
from backend.payments.engine import PaymentEngine, PaymentPorts
from backend.payments.records import DEFAULT_MERCHANT
from backend.payments.spent_counters import SpentCounters
from backend.runtime.events import EventLog
from backend.storage.counter_rows import SqlCounterRows
from backend.storage.database import Transaction
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payment_rows import SqlPaymentRows
from backend.storage.token_rows import SqlTokenDirectory
from backend.switch.switch import Switch


async def open_payments(
    files: Files,
    switch: Switch,
    events: EventLog,
    ground: Ground,
    caches: Caches,
) -> PaymentEngine[Transaction]:
    """The payment engine, with the merchants that every laboratory has."""
    rows = SqlPaymentRows()
    now_us = ground.clock.now_us()
    for merchant in (DEFAULT_MERCHANT, *SHOPS):
        await files.engine.write(partial(rows.add_merchant, merchant=merchant, at_us=now_us))
    return PaymentEngine(
        PaymentPorts(
            store=files.engine,
            rows=rows,
            ledger=SqlLedgerRows(),
            outbox=SqlOutbox(),
            tokens=SqlTokenDirectory(),
            switch=switch,
            clock=ground.clock,
            scheduler=ground.scheduler,
            events=events,
            identifiers=ground.entropy.secret("payment.identifiers"),
            fingerprint=files.named_keys.fingerprint,
            cache=caches.answers,
            merchants=caches.merchants,
            counters=_counters(files, ground, caches),
        )
    )


def _counters(files: Files, ground: Ground, caches: Caches) -> SpentCounters[Transaction] | None:
    """A look at used up counters, where a server keeps them."""
    if caches.counters is None:
        return None
    rows, tokens = SqlCounterRows(), SqlTokenDirectory()
    return SpentCounters(caches.counters, files.engine, rows, tokens, ground.scheduler)
