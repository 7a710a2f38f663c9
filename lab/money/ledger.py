"""The ledger: each entry with its sentence, and the line that says that everything is zero."""

from __future__ import annotations

from collections import defaultdict

from lab.client import EngineClient
from lab.clock_text import time_of_day
from lab.json_fields import Json, objects, text, whole
from lab.money.source import MINUS, money
from lab.money.state import Column, Detail, Figure, Page, Row
from lab.words import Message, message

COLUMNS = (
    Column("time", 74),
    Column("account", 230),
    Column("sentence"),
    Column("debit", 92, is_amount=True),
    Column("credit", 92, is_amount=True),
)
TOTALS = ("merchant-pending", "merchant-balance", "processing-fees", "customer-card")
"""Kinds of account above the table, by their word keys."""


class Ledger:
    """The ledger's section."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client

    async def look(self) -> Page:
        """Entries, newest first; balances of the kinds of account that people ask for."""
        body = await self._client.money_ledger()
        balances = objects(body, "balances")
        return Page(
            figures=_figures(balances),
            columns=COLUMNS,
            rows=tuple(_row(entry) for entry in objects(body, "entries")),
            total=_zero(balances),
            empty="money.ledger.empty",
        )

    async def detail(self, row_id: str) -> Detail | None:  # noqa: ARG002 - of the port
        """An entry says everything in its row."""
        return None

    async def act(self, name: str, row_id: str) -> Message | None:  # noqa: ARG002 - of the port
        """Nobody changes a ledger by hand."""
        return None


def _row(entry: Json) -> Row:
    amount = money(whole(entry, "amount_minor"), text(entry, "currency"))
    is_debit = text(entry, "direction") == "debit"
    return Row(
        id=text(entry, "id"),
        cells=(
            time_of_day(whole(entry, "at_us")),
            text(entry, "account"),
            text(entry, "sentence"),
            amount if is_debit else "",
            "" if is_debit else amount,
        ),
        payment_id=text(entry, "payment_id", ""),
    )


def _figures(balances: tuple[Json, ...]) -> tuple[Figure, ...]:
    """What each kind of account holds in all, by currency; what we owe is shown as positive."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for each in balances:
        kind = text(each, "account").split(":")[1]
        if kind in TOTALS:
            sums[kind, text(each, "currency")] += whole(each, "balance_minor")
    return tuple(
        Figure(
            f"money.account.{kind}",
            money(minor if kind == "customer-card" else -minor, currency),
            note=currency,
        )
        for kind in TOTALS
        for (found, currency), minor in sorted(sums.items())
        if found == kind
    )


def _zero(balances: tuple[Json, ...]) -> Message | None:
    """Debits less credits over every account: nothing, or the books are wrong."""
    sums: defaultdict[str, int] = defaultdict(int)
    for each in balances:
        sums[text(each, "currency")] += whole(each, "balance_minor")
    if not sums:
        return None
    wrong = {currency: minor for currency, minor in sums.items() if minor}
    said = ", ".join(f"{currency} {money(sums[currency], currency)}" for currency in sorted(sums))
    return message("money.zero_not" if wrong else "money.zero", "bad" if wrong else "good",
                   sums=said.replace(MINUS, "-"))  # fmt: skip
