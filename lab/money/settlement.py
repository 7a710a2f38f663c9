"""Settlement: business days as batches, what merchants have now, and payouts on their way."""

from __future__ import annotations

from lab.client import EngineClient
from lab.json_fields import Json, objects, text, whole
from lab.money.source import facts_of, moment, money
from lab.money.state import Act, Column, Detail, Figure, Page, Row
from lab.words import Message, message

COLUMNS = (
    Column("day", 108),
    Column("merchant"),
    Column("captures", 64, is_amount=True, when_wide=True),
    Column("gross", 96, is_amount=True),
    Column("fees", 84, is_amount=True, when_wide=True),
    Column("refunds", 84, is_amount=True, when_wide=True),
    Column("disputes", 84, is_amount=True, when_wide=True),
    Column("net", 96, is_amount=True),
    Column("state", 144),
)
STATE = len(COLUMNS) - 1
PARTS = ("gross", "fees", "refunds", "disputes", "net")
PAYOUT_KINDS = {"paid": "good", "failed": "bad", "returned": "bad", "canceled": "neutral"}
BATCH_FACTS = (
    "id", "merchant_id", "business_day", "currency", "captures", "transactions", "settled_at_us",
    "available_at_us", "reserve_due_at_us", "reserve_released_at_us",
)  # fmt: skip
PAYOUT_FACTS = (
    "id", "merchant_id", "currency", "destination", "state", "automatic_day", "created_at_us",
    "send_at_us", "arrival_at_us", "ended_at_us", "failure", "description",
)  # fmt: skip


class Settlement:
    """The settlement's section."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._known: dict[str, Json] = {}

    async def look(self) -> Page:
        """Batches and payouts, newest first, and what every merchant has."""
        balances = objects(await self._client.money_balances(), "balances")
        batches = objects(await self._client.money_batches(), "batches")
        payouts = objects(await self._client.money_payouts(), "payouts")
        self._known = {text(each, "id"): each for each in (*batches, *payouts)}
        made = [*map(_batch, batches), *map(_payout, payouts)]
        newest = sorted(made, key=lambda row: row[0], reverse=True)
        return Page(
            figures=_figures(balances),
            columns=COLUMNS,
            rows=tuple(row for _, row in newest),
            empty="money.settlement.empty",
            acts=(Act("settle", ours=True),),
        )

    async def detail(self, row_id: str) -> Detail | None:
        """A batch or a payout with its moments."""
        found = self._known.get(row_id)
        if found is None:
            return None
        if row_id.startswith("po_"):
            return Detail(row_id, row_id, facts_of(found, PAYOUT_FACTS))
        currency = text(found, "currency")
        amounts = tuple(
            (part, money(whole(found, f"{part}_minor"), currency)) for part in (*PARTS, "reserve")
        )
        return Detail(row_id, row_id, (*facts_of(found, BATCH_FACTS), *amounts))

    async def act(self, name: str, row_id: str) -> Message | None:  # noqa: ARG002 - of the port
        """Close the running day."""
        assert name == "settle", "the only thing that can be done here"
        done = await self._client.settle()
        return message("money.settled", "ours", batches=len(objects(done, "batches")))


def _batch(body: Json) -> tuple[int, Row]:
    currency = text(body, "currency")
    amounts = tuple(money(whole(body, f"{part}_minor"), currency) for part in PARTS)
    cells = (
        text(body, "business_day"),
        text(body, "merchant_id"),
        str(whole(body, "captures")),
        *amounts,
        moment(body, "available_at_us"),
    )
    return whole(body, "settled_at_us"), Row(text(body, "id"), cells)


def _payout(body: Json) -> tuple[int, Row]:
    state = text(body, "state")
    net = money(-whole(body, "amount_minor"), text(body, "currency"))
    cells = (
        moment(body, "created_at_us").rpartition(" ")[0],
        text(body, "merchant_id"),
        *("",) * 5,
        net,
        state.replace("_", " "),
    )
    kind = PAYOUT_KINDS.get(state, "waiting")
    return whole(body, "created_at_us"), Row(text(body, "id"), cells, kind, STATE)


def _figures(balances: tuple[Json, ...]) -> tuple[Figure, ...]:
    """Pending, available and reserved over all merchants, by currency."""
    parts = ("pending", "available", "reserved")
    currencies = sorted({text(each, "currency") for each in balances})
    return tuple(
        Figure(
            f"money.balance.{part}",
            money(
                sum(
                    whole(each, f"{part}_minor")
                    for each in balances
                    if text(each, "currency") == currency
                ),
                currency,
            ),
            note=currency,
        )
        for currency in currencies
        for part in parts
    )
