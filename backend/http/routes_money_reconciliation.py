"""`/lab/reconciliation`: what we booked beside what networks and bank say; their files as text.

Where the networks run apart their file is not here: bring it as the body. Compares and decides
nothing; the books stay as they are.
"""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import PlainTextResponse, Response

from backend.http.answers import json_answer
from backend.http.laboratory import Laboratory
from backend.runtime.errors import BadRequest, Conflict
from backend.settlement.business_day import UTC_DAYS
from backend.settlement.clearing import cleared
from backend.settlement.ports import Bank, ClearingFiles, Presentment
from backend.settlement.reconciliation import Reconciled, reconcile
from backend.storage import reconciliation_rows as rows

FILE_CHARACTERS_MAX = 8_000_000
DAYS_DEFAULT = 31


class FileToCompare(BaseModel):
    """`POST /lab/reconciliation`."""

    model_config = ConfigDict(extra="forbid")
    clearing: str = Field(max_length=FILE_CHARACTERS_MAX)
    days: int = Field(default=DAYS_DEFAULT, ge=1, le=400)


class ReconciliationRoutes:
    """Comparisons and files."""

    def __init__(self, lab: Laboratory, bank: Bank, files: ClearingFiles | None) -> None:
        self._store = lab.engine_database
        self._clock = lab.clock
        self._bank = bank
        self._files = files

    def router(self) -> APIRouter:
        """The routes, without the `/lab` in front."""
        router = APIRouter(default_response_class=Response, tags=["settlement"])
        add = router.add_api_route
        add("/reconciliation", self.compare, methods=["GET"])
        add("/reconciliation", self.compare_file, methods=["POST"])
        add("/settlement/clearing", self.clearing, methods=["GET"])
        add("/settlement/statement", self.statement, methods=["GET"])
        return router

    async def compare(self, days: int = Query(default=DAYS_DEFAULT, ge=1, le=400)) -> Response:
        """The last days' captures and refunds, payouts and pay-ins, line by line."""
        from_us, to_us = self._span(days)
        presented = self._presented(from_us, to_us)
        return json_answer(
            {
                "networks": self._with_networks(presented, from_us, to_us).to_json(),
                "bank": self._with_bank(presented, from_us, to_us).to_json(),
            }
        )

    async def compare_file(self, body: FileToCompare) -> Response:
        """The same against a clearing file from elsewhere."""
        from_us, to_us = self._span(body.days)
        presented = rows.read_clearing_csv(body.clearing)
        return json_answer({"networks": self._with_networks(presented, from_us, to_us).to_json()})

    async def clearing(self, day: str = Query(max_length=10)) -> Response:
        """The networks' clearing file of a day of UTC, as CSV."""
        wanted = UTC_DAYS.day(_date(day))
        lines = self._presented(wanted.opens_us, wanted.closes_us)
        return PlainTextResponse(rows.clearing_csv(lines), media_type="text/csv")

    async def statement(self, days: int = Query(default=DAYS_DEFAULT, ge=1, le=400)) -> Response:
        """Our bank's statement: payouts, returns, what networks paid in."""
        from_us, to_us = self._span(days)
        paid = cleared(self._presented(from_us, self._today_us()), to_us)
        lines = rows.statement_lines(self._bank.statement(from_us, to_us), paid)
        return json_answer(
            {
                "lines": [
                    {
                        "day": line.day,
                        "reference": line.reference,
                        "kind": line.what,
                        "amount_minor": line.signed_minor,
                        "currency": line.currency,
                    }
                    for line in sorted(lines, key=lambda each: (each.day, each.reference))
                ]
            }
        )

    def _with_networks(self, presented: list[Presentment], from_us: int, to_us: int) -> Reconciled:
        ours = self._store.read(lambda tx: rows.advised_lines(tx, from_us, to_us))
        return reconcile(ours, rows.presented_lines(presented), they="the network")

    def _with_bank(self, presented: list[Presentment], from_us: int, to_us: int) -> Reconciled:
        today_us = self._today_us()
        ended = [line for line in presented if line.booked_at_us < today_us]
        theirs = rows.statement_lines(self._bank.statement(from_us, to_us), cleared(ended, to_us))
        # what is to be booked later is under way, so a payout of today is seen too
        ours = self._store.read(lambda tx: rows.cash_lines(tx, from_us, 2**62))
        return reconcile(ours, theirs, they="the bank")

    def _presented(self, from_us: int, to_us: int) -> list[Presentment]:
        if self._files is None:
            raise Conflict(
                "networks_apart", "the networks run apart: send their clearing file yourself"
            )
        return self._files.presentments(from_us, to_us)

    def _span(self, days: int) -> tuple[int, int]:
        """Whole days of UTC up to now."""
        now_us = self._clock.now_us()
        return UTC_DAYS.day_of(now_us).after(1 - days).opens_us, now_us + 1

    def _today_us(self) -> int:
        return UTC_DAYS.day_of(self._clock.now_us()).opens_us


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest("bad_date", "a day is YYYY-MM-DD", field="day") from error
