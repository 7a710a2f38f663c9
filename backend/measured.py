"""Times that only the engine's own side can take: what the audit trail adds, sealing and opening.

Each is taken in turns within one run, so that whatever else the machine does meets both sides
alike. It measures and judges nothing; the benchmark names the targets. Works in a folder that its
caller throws away.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backend.networks.numbers import TOKEN_REQUESTOR, draw_token
from backend.outbox.ports import AuditRecord, Outbox
from backend.payments.engine import PaymentEngine, PaymentPorts
from backend.payments.machine import State
from backend.payments.records import DEFAULT_MERCHANT, KnownToken, Payment
from backend.payments.sale import Begun, Intent
from backend.paytoken.authority import ec_key, make_authority, make_merchant
from backend.paytoken.content import ClearToken
from backend.paytoken.token import merchant_of, seal, unseal
from backend.runtime.clock import Clock, LabClock
from backend.runtime.entropy import Entropy
from backend.runtime.events import EventLog
from backend.runtime.scheduler import LabScheduler
from backend.storage.database import Database, Transaction
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.migrate import migrate_engine
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payment_rows import SqlPaymentRows
from backend.switch.answers import (
    Answered,
    AuthorizationAnswer,
    AuthorizationRequest,
    NetworkReference,
    NotSent,
    Reversed,
    StatusKnown,
    Unknown,
)

NETWORK, CURRENCY, AMOUNT_MINOR = "visa", "USD", 1_240
TOKEN = KnownToken("tok_measured", "card_measured", "usr_measured", NETWORK, "active", "0000")
WARM_UP = 20
SEED = 1


@dataclass(frozen=True, slots=True)
class AuditShare:
    """Medians of one round, milliseconds of a payment.

    Attributes:
        audited: as it always is.
        bare: without a line in the audit trail.
    """

    audited: float
    bare: float

    @property
    def added(self) -> float:
        """What the audit trail adds."""
        return self.audited - self.bare


@dataclass(frozen=True, slots=True)
class TokenTimes:
    """Medians of one round for one payment token, milliseconds."""

    sealed: float
    opened: float


class _Unaudited:
    """An outbox without a trail."""

    def __init__(self, below: Outbox[Transaction]) -> None:
        self.add_events = below.add_events

    def add_audit(self, tx: Transaction, record: AuditRecord) -> None:
        """Note nothing."""


class _OneToken:
    """A directory with one active token."""

    def find(self, tx: Transaction, fingerprint: bytes) -> KnownToken | None:  # noqa: ARG002 - a port
        """The token."""
        return TOKEN

    def may_pay(self, tx: Transaction, card_id: str) -> bool:  # noqa: ARG002 - a port
        """Always."""
        return True


class _Approving:
    """A way to the networks on which every answer is at hand, and is yes."""

    async def authorize(
        self,
        request: AuthorizationRequest,  # noqa: ARG002 - a port
        *,
        channel_deadline_s: float,  # noqa: ARG002 - a port
    ) -> AuthorizationAnswer:
        """Approved."""
        return Answered("00", "000001", TOKEN.token_ref, True, "approved", None, {})

    async def reverse(self, *_: object, **__: object) -> Reversed | NotSent | Unknown:
        """Nothing is ever reversed here."""
        raise AssertionError("an approved payment is not reversed")

    async def query_status(self, *_: object, **__: object) -> StatusKnown | NotSent | Unknown:
        """Nothing is ever unknown here."""
        raise AssertionError("an answered payment is not asked about")


@dataclass(frozen=True, slots=True)
class _Measured:
    """A sale with one counter."""

    atc: int
    rows: SqlPaymentRows

    @property
    def deadline_s(self) -> float:
        """Nobody waits."""
        return 1.0

    def begin(self, tx: Transaction, intent: Intent) -> Begun:
        """The payment, its counter reserved."""
        payment = Payment(
            id=intent.payment_id,
            tap_id=None,
            account=intent.account,
            key=intent.key,
            created_at_us=intent.at_us,
            updated_at_us=intent.at_us,
            version=1,
            state=State.AUTHORIZING,
            network=NETWORK,
            token_ref=TOKEN.token_ref,
            card_id=TOKEN.card_id,
            user_id=None,
            last4=TOKEN.last4,
            atc=self.atc,
            amount_minor=AMOUNT_MINOR,
            currency=CURRENCY,
            merchant=DEFAULT_MERCHANT,
            terminal_id=DEFAULT_MERCHANT.terminal_id,
            reference=intent.reference,
            synthetic=True,
        )
        assert self.rows.reserve_atc(tx, payment, below_watermark=False), "counters go up"
        return Begun(payment)

    def resume(self, tx: Transaction, payment: Payment) -> str | None:  # noqa: ARG002 - a port
        """Nothing speaks against it."""
        return None

    async def request(self, payment: Payment) -> AuthorizationRequest:
        """What nobody reads."""
        reference = payment.reference or NetworkReference("0", "0", 0)
        return AuthorizationRequest(
            payment_id=payment.id,
            tap_id=None,
            network=NETWORK,
            reference=reference,
            token="",
            expiry="",
            psn="",
            amount_minor=AMOUNT_MINOR,
            currency=CURRENCY,
            merchant_id=DEFAULT_MERCHANT.id,
            merchant_name=DEFAULT_MERCHANT.name,
            merchant_category=DEFAULT_MERCHANT.category,
            terminal_id=DEFAULT_MERCHANT.terminal_id,
            emv_data=b"",
        )


async def audit_share(folder: Path, *, rounds: int, payments: int) -> list[AuditShare]:
    """What the audit trail adds to a payment, from the key to the answer's bytes.

    Two engines take turns on one new file with its real durability; one of them has no trail.

    Args:
        folder: empty; gets the file.
        rounds: so many figures.
        payments: of each engine in a round.

    Raises:
        StorageError: the file cannot be made.
    """
    path = folder / "measured.db"
    migrate_engine(path)
    clock = LabClock()
    database = Database(path, synchronous="FULL")
    try:
        rows, outbox = SqlPaymentRows(), SqlOutbox()
        add = partial(rows.add_merchant, merchant=DEFAULT_MERCHANT, at_us=clock.now_us())
        await database.write(add)
        scheduler = LabScheduler(clock)
        events = EventLog(clock, source="measured")
        engine = partial(_engine, database, rows, clock, scheduler, events)
        turn = _Turns(rows, clock, engine(outbox), engine(_Unaudited(outbox)))
        await turn.take(WARM_UP)
        return [await turn.take(payments) for _ in range(rounds)]
    finally:
        database.close()


def _engine(
    database: Database,
    rows: SqlPaymentRows,
    clock: LabClock,
    scheduler: LabScheduler,
    events: EventLog,
    outbox: Outbox[Transaction],
) -> PaymentEngine[Transaction]:
    return PaymentEngine(
        PaymentPorts(
            store=database,
            rows=rows,
            ledger=SqlLedgerRows(),
            outbox=outbox,
            tokens=_OneToken(),
            switch=_Approving(),
            clock=clock,
            scheduler=scheduler,
            events=events,
            identifiers=Entropy(SEED, simulated=True).stream("measured"),
            fingerprint=str.encode,
        )
    )


class _Turns:
    """Two engines, one payment each in turn."""

    def __init__(
        self,
        rows: SqlPaymentRows,
        clock: Clock,
        audited: PaymentEngine[Transaction],
        bare: PaymentEngine[Transaction],
    ) -> None:
        self._rows = rows
        self._clock = clock
        self._engines = (audited, bare)
        self._atc = 0

    async def take(self, payments: int) -> AuditShare:
        """Medians over so many payments of each."""
        took_us: tuple[list[int], list[int]] = ([], [])
        for _ in range(payments):
            for engine, times in zip(self._engines, took_us, strict=True):
                self._atc += 1
                sale = _Measured(self._atc, self._rows)
                began_us = self._clock.monotonic_us()
                await engine.carry_out(
                    sale, account="measured", key=f"key-{self._atc}", request_hash=bytes(32)
                )
                times.append(self._clock.monotonic_us() - began_us)
        audited, bare = (statistics.median(times) / 1_000 for times in took_us)
        return AuditShare(audited, bare)


def token_times(clock: Clock, *, rounds: int, tokens: int) -> list[TokenTimes]:
    """How long an EC_v1 payment token takes to be sealed and to be opened.

    Sealing is the wallet's work, signature included; opening the merchant's: chain, signature,
    time, key agreement and decryption.

    Args:
        clock: measures.
        rounds: so many figures.
        tokens: in a round.
    """
    stream = Entropy(SEED, simulated=True).stream("measured tokens")
    now_us = clock.now_us()
    authority = make_authority(lambda: ec_key(stream), stream, now_us)
    identity = make_merchant(authority, "mer_measured", ec_key(stream), stream, now_us)
    merchant, root = merchant_of(identity.certificate, identity.key), authority.root.certificate
    content = ClearToken(
        number=draw_token(NETWORK, stream),
        expiry="301231",
        currency_numeric="840",
        amount_minor=AMOUNT_MINOR,
        manufacturer="0" + TOKEN_REQUESTOR[NETWORK],
        cryptogram=stream.bytes(20),
        eci="7",
    )
    found = []
    for _ in range(rounds):
        sealed_us, opened_us = [], []
        for _token in range(tokens):
            took_us, document = _timed(
                clock, lambda: seal(content, merchant, authority, stream, now_us)
            )
            sealed_us.append(took_us)
            opened_us.append(_timed(clock, partial(unseal, document, merchant, root, now_us))[0])
        found.append(
            TokenTimes(statistics.median(sealed_us) / 1_000, statistics.median(opened_us) / 1_000)
        )
    return found


def _timed(clock: Clock, work: Callable[[], object]) -> tuple[int, object]:
    began_us = clock.monotonic_us()
    result = work()
    return clock.monotonic_us() - began_us, result
