"""`/lab/settlement`: run what is due, look at batches, balances, payouts, the bank's statement.

The laboratory's view of all merchants; merchants themselves ask under `/v1`. Everything here is
snake_case and minor units. Translates and decides nothing.
"""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from backend.http.answers import json_answer
from backend.http.laboratory import Laboratory
from backend.ledger.chain import Entry, shard_of
from backend.runtime.errors import NotFound
from backend.settlement.business_day import Calendar
from backend.settlement.days import Days
from backend.settlement.payouts import PayoutOrder, Payouts
from backend.settlement.records import Payout, Terms
from backend.storage.database import Transaction
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.payout_rows import SqlPayoutRows
from backend.storage.rate_rows import SqlRateRows
from backend.storage.settlement_rows import SqlBatchRows
from backend.storage.terms_rows import SqlTermsBook

PAGE_ROWS_MAX = 500
BEYOND_EVERY_ENTRY = 2**62


class RunOrder(BaseModel):
    """`POST /lab/settlement/run`."""

    model_config = ConfigDict(extra="forbid")
    close_open_day: bool = False


class TermsOrder(BaseModel):
    """`PUT /lab/settlement/terms/{merchant_id}`."""

    model_config = ConfigDict(extra="forbid")
    time_zone: str = Field(default="UTC", max_length=64)
    cut_off_minutes: int = Field(default=0, ge=0, le=1439)
    settled_after_days: int = Field(default=1, ge=1, le=30)
    available_after_days: int = Field(default=2, ge=1, le=30)
    reserve_days: int = Field(default=90, ge=0, le=365)


class AccountOrder(BaseModel):
    """`POST /lab/settlement/accounts`."""

    model_config = ConfigDict(extra="forbid")
    merchant_id: str = Field(max_length=64)
    number: str = Field(max_length=17)


class PayoutBody(BaseModel):
    """`POST /lab/payouts`."""

    model_config = ConfigDict(extra="forbid", strict=True)
    merchant_id: str = Field(max_length=64)
    amount_minor: int
    currency: str = Field(max_length=3)


class SettlementRoutes:
    """Settlement as the laboratory sees it."""

    def __init__(
        self, lab: Laboratory, days: Days[Transaction], payouts: Payouts[Transaction]
    ) -> None:
        self._days = days
        self._payouts = payouts
        self._store = lab.engine_database

    def router(self) -> APIRouter:
        """The routes, without the `/lab` in front."""
        router = APIRouter(default_response_class=Response, tags=["settlement"])
        add = router.add_api_route
        add("/settlement/run", self.run, methods=["POST"])
        add("/settlement/batches", self.batches, methods=["GET"])
        add("/settlement/balances", self.balances, methods=["GET"])
        add("/settlement/terms", self.terms, methods=["GET"])
        add("/settlement/terms/{merchant_id}", self.put_terms, methods=["PUT"])
        add("/settlement/accounts", self.pay_to, methods=["POST"])
        add("/rates", self.rates, methods=["GET"])
        add("/ledger/entries", self.entries, methods=["GET"])
        add("/payouts", self.payouts, methods=["GET"])
        add("/payouts", self.create_payout, methods=["POST"])
        add("/payouts/{payout_id}/cancel", self.cancel_payout, methods=["POST"])
        return router

    async def run(self, body: RunOrder | None = None) -> Response:
        """Do everything that is due now; with close_open_day, settle the running day too."""
        close_open_day = body is not None and body.close_open_day
        return json_answer((await self._days.run(close_open_day=close_open_day)).to_json())

    async def batches(
        self,
        merchant_id: str | None = Query(default=None, max_length=64),
        limit: int = Query(default=50, ge=1, le=PAGE_ROWS_MAX),
    ) -> Response:
        """Batches, newest first; of one merchant, if named."""
        found = self._store.read(lambda tx: SqlBatchRows().batches(tx, merchant_id, limit))
        return json_answer({"batches": [asdict(batch) for batch in found]})

    async def balances(self) -> Response:
        """Every merchant's money now: pending, available and reserved, by currency."""

        def read(tx: Transaction) -> list[dict[str, object]]:
            return [
                {"merchant_id": terms.merchant_id, **asdict(balance)}
                for terms in SqlTermsBook().all_terms(tx)
                for balance in self._payouts.balances(tx, terms.merchant_id)
            ]

        return json_answer({"balances": self._store.read(read)})

    async def terms(self) -> Response:
        """Under which terms merchants are settled."""
        found = self._store.read(SqlTermsBook().all_terms)
        return json_answer({"terms": [_terms_json(terms) for terms in found]})

    async def put_terms(self, merchant_id: str, body: TermsOrder) -> Response:
        """Change a merchant's business day, from its next batch on."""
        rows = SqlTermsBook()
        wanted = Terms(
            merchant_id=merchant_id,
            calendar=Calendar(body.time_zone, body.cut_off_minutes),
            settled_after_days=body.settled_after_days,
            available_after_days=max(body.settled_after_days, body.available_after_days),
            reserve_days=body.reserve_days,
        )

        def put(tx: Transaction) -> Terms:
            if rows.terms(tx, merchant_id) is None:
                raise NotFound("merchant_not_found", "there is no such merchant")
            rows.put_terms(tx, wanted)
            stored = rows.terms(tx, merchant_id)
            assert stored is not None, "put in the same unit of work"
            return stored

        stored = await self._store.write(put)
        self._days.wake()
        return json_answer(_terms_json(stored))

    async def pay_to(self, body: AccountOrder) -> Response:
        """Have a merchant paid to another bank account; its ending decides what the bank does."""
        account = await self._payouts.pay_to(body.merchant_id, body.number)
        return json_answer(asdict(account), 201)

    async def rates(self) -> Response:
        """The newest exchange rates: what one unit of each currency is worth in US dollars."""
        found = self._store.read(SqlRateRows().newest)
        return json_answer(
            {"rates": [{**asdict(each), "rate": f"{each.rate:f}"} for each in found]}
        )

    async def entries(
        self,
        merchant_id: str = Query(max_length=64),
        before_seq: int = Query(default=BEYOND_EVERY_ENTRY, ge=1, le=BEYOND_EVERY_ENTRY),
        limit: int = Query(default=50, ge=1, le=PAGE_ROWS_MAX),
    ) -> Response:
        """Entries of a merchant's shard of the ledger, newest first, a page at a time."""
        shard = shard_of(merchant_id)
        found = self._store.read(lambda tx: SqlLedgerRows().page(tx, shard, before_seq, limit))
        return json_answer(
            {
                "shard": shard,
                "entries": [_entry_json(entry) for entry in found],
                "next_before_seq": found[-1].seq if len(found) == limit else None,
            }
        )

    async def payouts(
        self,
        merchant_id: str | None = Query(default=None, max_length=64),
        limit: int = Query(default=50, ge=1, le=PAGE_ROWS_MAX),
    ) -> Response:
        """Payouts, newest first; of one merchant, if named."""
        found = self._store.read(lambda tx: SqlPayoutRows().payouts(tx, merchant_id, limit))
        return json_answer({"payouts": [_payout_json(payout) for payout in found]})

    async def create_payout(self, body: PayoutBody) -> Response:
        """Pay a merchant now."""
        order = PayoutOrder(body.merchant_id, body.amount_minor, body.currency)
        payout = await self._payouts.create_alone(order)
        self._days.wake()
        return json_answer(_payout_json(payout), 201)

    async def cancel_payout(self, payout_id: str) -> Response:
        """Take a payout back before the bank has it."""
        found = self._store.read(lambda tx: SqlPayoutRows().find_payout(tx, payout_id))
        if found is None:
            raise NotFound("payout_not_found", "there is no such payout")
        return json_answer(
            _payout_json(await self._payouts.cancel_alone(found.merchant_id, payout_id))
        )


def _terms_json(terms: Terms) -> dict[str, object]:
    return {
        "merchant_id": terms.merchant_id,
        "time_zone": terms.calendar.time_zone,
        "cut_off_minutes": terms.calendar.cut_off_minutes,
        "settled_after_days": terms.settled_after_days,
        "available_after_days": terms.available_after_days,
        "schedule": terms.schedule.value,
        "reserve_basis_points": terms.reserve_basis_points,
        "reserve_days": terms.reserve_days,
    }


def _entry_json(entry: Entry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "transaction_id": entry.transaction_id,
        "purpose": entry.purpose,
        "belongs_to": entry.payment_id,
        "at_us": entry.at_us,
        "account": entry.posting.account,
        "direction": entry.posting.direction.value,
        "amount_minor": entry.posting.money.amount_minor,
        "currency": entry.posting.money.currency,
        "sentence": entry.posting.sentence,
        "hash": entry.hash.hex(),
    }


def _payout_json(payout: Payout) -> dict[str, object]:
    return {**asdict(payout), "state": payout.state.value}
