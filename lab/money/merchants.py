"""Merchants: who is paid, on which terms, and with which keys they call."""

from __future__ import annotations

from lab.client import EngineClient
from lab.json_fields import Json, objects, section, text, whole
from lab.money.source import facts_of
from lab.money.state import Column, Detail, Figure, Page, Row
from lab.words import Message

COLUMNS = (
    Column("merchant", 180),
    Column("id"),
    Column("category", 84, when_wide=True),
    Column("country", 76, when_wide=True),
    Column("currency", 84),
    Column("payouts", 92),
    Column("tier", 56, is_amount=True, when_wide=True),
    Column("reserve", 84, is_amount=True),
)
FACTS = (
    "id", "name", "statement_name", "category", "terminal_id", "country", "settlement_currency",
    "payout_schedule", "fee_plan", "tier", "reserve_basis_points", "dispute_fee", "evidence_days",
    "mode",
)  # fmt: skip
PERCENT_BASIS = 100


class Merchants:
    """The merchants' section."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client

    async def look(self) -> Page:
        """Every merchant."""
        found = objects(await self._client.money_merchants(), "merchants")
        return Page(
            figures=(Figure("money.merchants", str(len(found))),),
            columns=COLUMNS,
            rows=tuple(_row(each) for each in found),
            empty="money.merchants.empty",
        )

    async def detail(self, row_id: str) -> Detail | None:
        """A merchant with its settings and keys; of a key only its end is known."""
        body = await self._client.money_merchant(row_id)
        keys = tuple(
            ("key", f"{text(key, 'prefix')}…{text(key, 'last4')}  {text(key, 'status')}")
            for key in objects(body, "keys")
        )
        merchant = section(body, "merchant")
        return Detail(row_id, text(merchant, "name"), (*facts_of(merchant, FACTS), *keys))

    async def act(self, name: str, row_id: str) -> Message | None:  # noqa: ARG002 - of the port
        """Settings are changed by the merchant's own calls, not by a click on a projector."""
        return None


def _row(body: Json) -> Row:
    reserve = whole(body, "reserve_basis_points")
    return Row(
        id=text(body, "id"),
        cells=(
            text(body, "name"),
            text(body, "id"),
            text(body, "category"),
            text(body, "country"),
            text(body, "settlement_currency"),
            text(body, "payout_schedule"),
            str(whole(body, "tier")),
            f"{reserve / PERCENT_BASIS:g} %",
        ),
    )
