"""A small world for the payments engine: a file database, virtual time, and networks that can fail.

`Networks` is the world outside (another company's machines and the wire to them), not a mock of
our code: it implements the engine's port with the real value types and keeps real holds.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar

import orjson
import pytest
from sqlalchemy import Text, bindparam, create_engine, insert, select

import backend.storage.event_tables
import backend.storage.gateway_tables
import backend.storage.ledger_tables
import backend.storage.wallet_tables  # noqa: F401  (tables register themselves)
from backend.domain.money import numeric_code
from backend.gateway.advices import AdvicePorts, Advices
from backend.gateway.desk import Desk, DeskPorts, Order
from backend.gateway.fees import FeePlan
from backend.gateway.pricing import OnePlan, Pricing
from backend.payments.engine import PaymentEngine, PaymentPorts
from backend.payments.idempotency import Reply
from backend.payments.order import NfcOrder
from backend.payments.ports import CounterCache, IdempotencyCache, MerchantCache
from backend.payments.records import DEFAULT_MERCHANT, KnownToken, Merchant
from backend.payments.spent_counters import SpentCounters
from backend.payments.taps import CHANNEL_DEADLINE_S, STORED_DEADLINE_S
from backend.runtime.entropy import Entropy
from backend.runtime.events import EventLog
from backend.runtime.scheduler import VirtualClock, VirtualLoop, VirtualScheduler
from backend.storage.counter_rows import SqlCounterRows
from backend.storage.database import Database, Statement, Transaction, Value
from backend.storage.gateway_rows import SqlGatewayRows
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.metadata import engine_metadata
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payment_rows import SqlPaymentRows
from backend.storage.verify import Check, HostAuthorization, verify
from backend.storage.wallet_tables import provisioned_cards
from backend.switch.answers import (
    Advised,
    AdvisedMoney,
    Answered,
    AuthorizationAnswer,
    AuthorizationRequest,
    NetworkReference,
    NoAnswerYet,
    NotSent,
    Reversed,
    StatusKnown,
    Unknown,
)

T = TypeVar("T")
TOKEN = "4761739001010010"  # a published test number, used as a token here
OTHER_TOKEN = "5555555555554444"
CORNER = DEFAULT_MERCHANT.id
Behaviour = Callable[[AuthorizationRequest], Awaitable[AuthorizationAnswer]]


class ProcessKilled(BaseException):
    """What a killed process looks like from inside: nothing runs any more."""


class MortalDatabase(Database):
    """A database whose process can be killed right before or after one commit."""

    def __init__(self, path: Path) -> None:
        # A killed process, not a power cut: what the operating system has is kept.
        super().__init__(path, inline=True, synchronous="NORMAL")
        self.writes = 0
        self.kill_at: int | None = None
        self.after_commit = False
        self.dead = False

    async def write(self, work: Callable[[Transaction], T]) -> T:
        self.writes += 1
        now = self.writes == self.kill_at
        self.dead = self.dead or (now and not self.after_commit)
        if self.dead:
            raise ProcessKilled
        result = await super().write(work)
        self.dead = now
        if self.dead:
            raise ProcessKilled
        return result

    def read(self, work: Callable[[Transaction], T]) -> T:
        if self.dead:
            raise ProcessKilled
        return super().read(work)


class Networks:
    """The three networks and the wire to them."""

    def __init__(self, clock: VirtualClock, scheduler: VirtualScheduler) -> None:
        self._clock = clock
        self._scheduler = scheduler
        self.authorizations: list[AuthorizationRequest] = []
        self.outcomes: dict[str, str] = {}  # by RRN: response code, or "reversed"
        self.behaviours: deque[Behaviour] = deque()
        self.asked: list[tuple[str, int]] = []  # (question, lab time)
        self.follow_up_faults: deque[NotSent | Unknown] = deque()
        self.cryptogram_valid: bool | None = True
        self.reversal_answer_s = 0.01
        self.caller_is_dead: Callable[[], bool] = lambda: False
        self.booked: dict[tuple[str, str, int], AdvisedMoney] = {}  # by RRN, STAN and time
        self.advised: list[tuple[str, bool]] = []  # (RRN, is refund), repeats included
        self.advice_faults: deque[str] = deque()  # "lost request", "lost response", or a code

    def holds(self) -> int:
        """How many authorizations hold money now."""
        return list(self.outcomes.values()).count("00")

    async def authorize(
        self, request: AuthorizationRequest, *, channel_deadline_s: float
    ) -> AuthorizationAnswer:
        assert channel_deadline_s in {CHANNEL_DEADLINE_S, STORED_DEADLINE_S}
        self._hear()
        self.authorizations.append(request)
        behaviour = self.behaviours.popleft() if self.behaviours else self.says("00")
        return await behaviour(request)

    def _hear(self) -> None:
        if self.caller_is_dead():
            raise ProcessKilled

    def says(self, code: str, *, after_s: float = 0.012) -> Behaviour:
        async def behaviour(request: AuthorizationRequest) -> AuthorizationAnswer:
            await self._scheduler.sleep(after_s)
            return self.decide(request, code)

        return behaviour

    def decide(self, request: AuthorizationRequest, code: str) -> Answered:
        self.outcomes[request.reference.rrn] = code
        return Answered(
            response_code=code,
            auth_code="A1B2C3" if code == "00" else None,
            token_ref="tok_1",
            cryptogram_valid=self.cryptogram_valid,
            reason={"00": "approved", "51": "insufficient_funds"}.get(code, "do_not_honour"),
            steered="amount ends .51" if code == "51" else None,
            hops_us={"network": 12_000, "issuer": 4_000},
        )

    def not_sent(self, reason: str) -> Behaviour:
        async def behaviour(request: AuthorizationRequest) -> AuthorizationAnswer:
            del request
            return NotSent(reason)

        return behaviour

    def breaks(self, reason: str, *, host_said: str | None) -> Behaviour:
        """The link breaks; the host may have decided before (a lost response)."""

        async def behaviour(request: AuthorizationRequest) -> AuthorizationAnswer:
            if host_said is not None:
                self.decide(request, host_said)
            return Unknown(reason)

        return behaviour

    def answers_late(self, code: str | None, *, after_s: float) -> Behaviour:
        """Past the channel's deadline: an answer, or (None) nothing until the transport's."""

        async def behaviour(request: AuthorizationRequest) -> AuthorizationAnswer:
            late: asyncio.Future[Answered | Unknown] = asyncio.get_running_loop().create_future()

            async def later() -> None:
                await self._scheduler.sleep(after_s)
                late.set_result(Unknown("timeout") if code is None else self.decide(request, code))

            await self._scheduler.sleep(0.5)
            self._scheduler.spawn(later(), "late answer")
            return NoAnswerYet(late)

        return behaviour

    def kills(self, *, host_said: str | None) -> Behaviour:
        """Our process dies while the request is on the wire."""

        async def behaviour(request: AuthorizationRequest) -> AuthorizationAnswer:
            if host_said is not None:
                self.decide(request, host_said)
            raise ProcessKilled

        return behaviour

    async def query_status(
        self,
        network: str,
        reference: NetworkReference,
        *,
        payment_id: str,
        tap_id: str | None = None,
    ) -> StatusKnown | NotSent | Unknown:
        del network, payment_id, tap_id
        self._hear()
        self.asked.append(("status", self._clock.now_us()))
        if self.follow_up_faults:
            return self.follow_up_faults.popleft()
        await self._scheduler.sleep(0.01)
        outcome = self.outcomes.get(reference.rrn)
        if outcome == "reversed":
            return StatusKnown(found=True, response_code="00", auth_code="A1B2C3", reversed=True)
        return StatusKnown(
            found=outcome is not None, response_code=outcome, auth_code=None, reversed=False
        )

    async def reverse(
        self,
        network: str,
        reference: NetworkReference,
        *,
        payment_id: str,
        amount_minor: int,
        currency: str,
        tap_id: str | None = None,
    ) -> Reversed | NotSent | Unknown:
        del network, payment_id, amount_minor, currency, tap_id
        self._hear()
        self.asked.append(("reversal", self._clock.now_us()))
        if self.follow_up_faults:
            return self.follow_up_faults.popleft()
        self.outcomes[reference.rrn] = "reversed"
        await self._scheduler.sleep(self.reversal_answer_s)
        return Reversed()

    async def advise(
        self,
        network: str,
        original: NetworkReference,
        advised: AdvisedMoney,
        own: NetworkReference,
        *,
        payment_id: str,
        tap_id: str | None = None,
    ) -> Advised | NotSent | Unknown:
        del network, payment_id, tap_id
        self._hear()
        self.advised.append((original.rrn, advised.is_refund))
        fault = self.advice_faults.popleft() if self.advice_faults else None
        if fault == "lost request":
            return Unknown("timeout")
        if fault == "not sent":
            return NotSent("breaker_open", 1_000)
        if fault not in (None, "lost response"):
            return Advised(fault, "refused")
        self.booked[original.rrn, own.stan, own.sent_at_us] = advised
        self.outcomes[original.rrn] = "booked"
        await self._scheduler.sleep(0.01)
        return Unknown("reset") if fault else Advised("00", "booked")

    def owed_minor(self) -> int:
        """What cardholders owe for everything that was booked, less what went back."""
        return sum(
            -each.amount_minor if each.is_refund else each.amount_minor
            for each in self.booked.values()
        )


_FIND_TOKEN = Statement(
    select(provisioned_cards).where(
        provisioned_cards.c.token_fingerprint == bindparam("fingerprint")
    )
)
_FIND_CARD = Statement(
    select(provisioned_cards).where(provisioned_cards.c.id == bindparam("of_id"))
)
_ADD_CARD = Statement(insert(provisioned_cards))
_SET_STATUS = Statement(
    provisioned_cards.update()
    .where(provisioned_cards.c.token_ref == bindparam("of_token_ref", type_=Text))
    .values(status=bindparam("new_status"))
)


class CardTable:
    """Tokens as the wallet's table has them."""

    def find(self, tx: Transaction, fingerprint: bytes) -> KnownToken | None:
        row = tx.one(_FIND_TOKEN, {"fingerprint": fingerprint})
        if row is None:
            return None
        return KnownToken(
            row["token_ref"],
            row["id"],
            row["user_id"],
            row["network"],
            row["status"],
            row["last4"],
        )

    def may_pay(self, tx: Transaction, card_id: str) -> bool:
        row = tx.one(_FIND_CARD, {"of_id": card_id})
        return row is not None and row["status"] == "active"


def fingerprint(token: str) -> bytes:
    return hashlib.sha256(b"test key" + token.encode()).digest()


@cache
def empty_store() -> bytes:
    """A database file with every table and no row; made once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = create_engine(f"sqlite:///{path}")
        engine_metadata.create_all(engine)
        engine.dispose()
        return path.read_bytes()


@dataclass
class Laboratory:
    """One database file, one loop, one engine; `restart` is a new process on the same file."""

    path: Path
    loop: VirtualLoop
    clock: VirtualClock
    scheduler: VirtualScheduler
    networks: Networks
    database: MortalDatabase
    cache: IdempotencyCache | None = None
    merchants: MerchantCache | None = None
    counters: CounterCache | None = None
    events: EventLog = field(init=False)
    engine: PaymentEngine[Transaction] = field(init=False)
    advices: Advices[Transaction] = field(init=False)
    desk: Desk[Transaction] = field(init=False)
    plan: FeePlan = field(default_factory=FeePlan)
    pricing: Pricing[Transaction] | None = None  # None: the plan, for everybody
    rows: SqlPaymentRows = field(default_factory=SqlPaymentRows)
    card_table: CardTable = field(default_factory=CardTable)
    fingerprint: Callable[[str], bytes] = fingerprint

    crashes: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.loop.set_exception_handler(self._note_crash)
        self.start_engine()

    def _note_crash(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        del loop
        if not isinstance(context.get("exception"), ProcessKilled):
            self.crashes.append(context)

    def _spent_counters(self) -> SpentCounters[Transaction] | None:
        if self.counters is None:
            return None
        rows, tokens = SqlCounterRows(), self.card_table
        return SpentCounters(self.counters, self.database, rows, tokens, self.scheduler)

    def start_engine(self, first_seq: int = 1) -> None:
        database = self.database
        self.networks.caller_is_dead = lambda: database.dead
        self.events = EventLog(self.clock, source="engine", world="simulated", first_seq=first_seq)
        self.engine = PaymentEngine(
            PaymentPorts(
                store=self.database,
                rows=self.rows,
                ledger=SqlLedgerRows(),
                outbox=SqlOutbox(),
                tokens=self.card_table,
                switch=self.networks,
                clock=self.clock,
                scheduler=self.scheduler,
                events=self.events,
                identifiers=Entropy(7, simulated=True).stream("payments"),
                fingerprint=fingerprint,
                cache=self.cache,
                merchants=self.merchants,
                counters=self._spent_counters(),
            )
        )

        gateway_rows = SqlGatewayRows()
        self.advices = Advices(
            AdvicePorts(
                store=self.database,
                payments=self.rows,
                rows=gateway_rows,
                changes=self.engine.changes,
                outbox=SqlOutbox(),
                switch=self.networks,
                pricing=self.pricing or OnePlan(self.plan),
                clock=self.clock,
                scheduler=self.scheduler,
                events=self.events,
                completed=lambda _tx, _payment: (),
            )
        )
        self.desk = Desk(
            DeskPorts(
                store=self.database,
                payments=self.rows,
                rows=gateway_rows,
                changes=self.engine.changes,
                follow_ups=self.engine.follow_ups,
                references=self.engine.references,
                events=self.events,
                clock=self.clock,
                identifiers=Entropy(first_seq, simulated=True).stream("refunds"),
                pricing=self.pricing or OnePlan(self.plan),
                forbids_refund=lambda _tx, _payment_id: False,
                wake=self.advices.wake,
            )
        )

    def restart(self) -> None:
        """A new process: new engine and new connections on the same file, a second later."""
        self.run(self.scheduler.cancel_all())
        self.run(self.scheduler.sleep(1))
        self.database.close()
        self.database = MortalDatabase(self.path)
        self.start_engine(first_seq=self.one("SELECT MAX(seq) + 1 AS n FROM events")["n"] or 1)

    def close(self) -> None:
        """End the loop and close the file; no background work may have crashed."""
        self.run(self.scheduler.cancel_all())
        self.loop.close()
        self.database.close()
        assert self.crashes == []

    def run(self, work: Coroutine[object, object, T]) -> T:
        return self.loop.run_until_complete(work)

    def pay(self, order: NfcOrder, key: str = "T0000001-000001", **other: str) -> Reply:
        return self.run(self.paying(order, key, **other))

    def pay_and_be_killed(self, order: NfcOrder) -> None:
        """Pay while the network's behaviour kills this process."""
        with pytest.raises(ProcessKilled):
            self.pay(order)

    def paying(
        self, order: NfcOrder, key: str, *, account: str = CORNER
    ) -> Coroutine[object, object, Reply]:
        digest = hashlib.sha256(repr(order).encode() + order.emv_data).digest()
        return self.engine.pay(order, account=account, key=key, request_hash=digest)

    def order_at_desk(
        self,
        what: str,
        payment_id: str,
        key: str,
        amount_minor: int | None = None,
        *,
        merchant_id: str = CORNER,
    ) -> Reply:
        """Capture, void or refund."""
        order = Order(merchant_id, payment_id, amount_minor)
        digest = hashlib.sha256(f"{what} {order}".encode()).digest()
        return self.run(getattr(self.desk, what)(order, key, digest))

    def pass_time(self, seconds: float) -> None:
        """Let lab time pass with the follow-ups and the advices running."""

        async def passing() -> None:
            follow_ups = self.scheduler.spawn(self.engine.follow_up_forever(), "follow-ups")
            advices = self.scheduler.spawn(self.advices.run_forever(), "advices")
            await self.scheduler.sleep(seconds)
            follow_ups.cancel()
            advices.cancel()

        self.run(passing())

    def pass_advices(self, seconds: float) -> None:
        """Let lab time pass with the advices alone running."""

        async def passing() -> None:
            advices = self.scheduler.spawn(self.advices.run_forever(), "advices")
            await self.scheduler.sleep(seconds)
            advices.cancel()

        self.run(passing())

    def all(self, sql: str, **parameters: Value) -> list[dict[str, Value]]:
        rows = self.database._reader.execute(sql, parameters).fetchall()
        return [dict(row) for row in rows]

    def one(self, sql: str, **parameters: Value) -> dict[str, Value]:
        (row,) = self.all(sql, **parameters)
        return row

    def change(self, sql: str, **parameters: Value) -> None:
        """Meddle with the stored rows, as a bug or a person with an editor would."""
        self.database._writer.execute(sql, parameters)

    def red_checks(self) -> list[Check]:
        """What `verify` finds wrong, the networks' memory included."""
        remembered = [
            HostAuthorization(
                request.network,
                request.reference.rrn,
                approved=self.networks.outcomes.get(request.reference.rrn)
                in {"00", "reversed", "booked"},
                reversed=self.networks.outcomes.get(request.reference.rrn) == "reversed",
            )
            for request in {each.reference: each for each in self.networks.authorizations}.values()
        ]
        checks = verify(self.database, host_view=lambda: remembered)
        return [check for check in checks if not check.ok]

    def states(self) -> list[str]:
        return [str(row["state"]) for row in self.all("SELECT state FROM payments ORDER BY id")]

    def card_status(self, token_ref: str, status: str) -> None:
        self.run(
            self.database.write(
                lambda tx: tx.run(_SET_STATUS, {"of_token_ref": token_ref, "new_status": status})
            )
        )

    def add_card(self, token: str, number: int, network: str) -> None:
        row: dict[str, Value] = {
            "id": f"card_{number}",
            "user_id": "usr_demo",
            "device_id": "dev_phone",
            "token_ref": f"tok_{number}",
            "token_fingerprint": fingerprint(token),
            "network": network,
            "last4": f"424{number}",
            "token_last4": token[-4:],
            "card_type": "credit",
            "product": "Everyday",
            "card_art_url": "",
            "status": "active",
            "is_default": int(number == 1),
            "suspended_at_us": None,
            "suspend_reason": None,
            "provisioned_at_us": 0,
            "updated_at_us": 0,
            "decisions": "green green green",
            "terms_version": None,
            "terms_accepted_at_us": None,
            "suspended_by": "",
            "pending_operation": None,
            "design": "",
        }
        self.run(self.database.write(lambda tx: tx.run(_ADD_CARD, row)))


def build(path: Path) -> Laboratory:
    """A laboratory on a fresh file with two merchants and two cards."""
    path.write_bytes(empty_store())
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    scheduler = VirtualScheduler(clock)
    networks = Networks(clock, scheduler)
    laboratory = Laboratory(path, loop, clock, scheduler, networks, MortalDatabase(path))
    for merchant in (
        DEFAULT_MERCHANT,
        Merchant("mer_other", "Other Shop", "5812", "T0000002"),
    ):
        laboratory.run(
            laboratory.database.write(
                lambda tx, merchant=merchant: laboratory.rows.add_merchant(tx, merchant, 0)
            )
        )
    laboratory.add_card(TOKEN, 1, "visa")
    laboratory.add_card(OTHER_TOKEN, 2, "mastercard")
    laboratory.database.writes = 0
    return laboratory


@pytest.fixture(scope="session")
def build_lab() -> Callable[[Path], Laboratory]:
    """Makes laboratories for tests that need more than one."""
    return build


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    laboratory = build(tmp_path / "engine.db")
    yield laboratory
    laboratory.close()


def chip_data(*, amount_minor: int, currency: str, atc: int, cryptogram: bytes) -> bytes:
    return bytes.fromhex(
        f"9f0206{amount_minor:012d}5f2a020{numeric_code(currency)}9f3602{atc:04x}"
        f"9f2608{cryptogram.hex()}9f2701809f3704deadbeef"
    )


def an_order(
    *,
    atc: int = 1,
    amount_minor: int = 1_240,
    currency: str = "USD",
    token: str = TOKEN,
    merchant_id: str = CORNER,
    store_and_forward: bool = False,
) -> NfcOrder:
    cryptogram = hashlib.sha256(f"{token}{atc}".encode()).digest()[:8]
    return NfcOrder(
        token=token,
        cryptogram=cryptogram,
        atc=atc,
        amount_minor=amount_minor,
        currency=currency,
        merchant_id=merchant_id,
        terminal_id="T0000001",
        emv_data=chip_data(
            amount_minor=amount_minor, currency=currency, atc=atc, cryptogram=cryptogram
        ),
        tap_id=f"tap_{atc}",
        store_and_forward=store_and_forward,
    )


@pytest.fixture(scope="session")
def order() -> Callable[..., NfcOrder]:
    """Makes orders that are in order."""
    return an_order


@pytest.fixture
def answer() -> Callable[[Reply], dict[str, object]]:
    """An answer's JSON."""

    def read(reply: Reply) -> dict[str, object]:
        body: dict[str, object] = orjson.loads(reply.body)
        return body

    return read
