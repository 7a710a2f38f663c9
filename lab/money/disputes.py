"""Disputes: what cardholders will not pay, what it costs, and until when a merchant may answer."""

from __future__ import annotations

from lab.client import EngineClient
from lab.json_fields import Json, objects, section, text, whole
from lab.money.source import facts_of, moment, money
from lab.money.state import Act, Column, Detail, Figure, Page, Row
from lab.words import Message, message

COLUMNS = (
    Column("opened", 150, when_wide=True),
    Column("merchant"),
    Column("reason", 150),
    Column("amount", 96, is_amount=True),
    Column("fee", 84, is_amount=True, when_wide=True),
    Column("answer_by", 150),
    Column("state", 140),
)
STATE = len(COLUMNS) - 1
KINDS = {"won": "good", "lost": "bad", "needs_response": "waiting", "under_review": "waiting"}
OPEN = ("needs_response", "under_review")
FACTS = (
    "id", "case_id", "payment_id", "merchant_id", "network", "reason", "status", "liability",
    "closed_why", "created_at_us", "evidence_due_at_us", "submitted_at_us", "closed_at_us",
)  # fmt: skip
WINNING, LOSING = "winning_evidence", "losing_evidence"


class Disputes:
    """The disputes' section."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._known: dict[str, Json] = {}

    async def look(self) -> Page:
        """Every dispute, newest first."""
        found = objects(await self._client.money_disputes(), "disputes")
        self._known = {text(each, "id"): each for each in found}
        states = [text(each, "status") for each in found]
        return Page(
            figures=tuple(
                Figure(f"money.dispute.{state}", str(states.count(state)), kind)
                for state, kind in KINDS.items()
            ),
            columns=COLUMNS,
            rows=tuple(_row(each) for each in found),
            empty="money.disputes.empty",
            acts=(Act("dispute", ours=True),),
            row_acts=(Act("win"), Act("lose"), Act("accept")),
        )

    async def detail(self, row_id: str) -> Detail | None:
        """A dispute with its evidence."""
        found = self._known.get(row_id)
        if found is None:
            return None
        evidence = tuple((name, str(value)) for name, value in section(found, "evidence").items())
        fee = ("fee", money(whole(found, "fee_minor"), text(found, "currency")))
        return Detail(row_id, row_id, (*facts_of(found, FACTS), fee, *evidence))

    async def act(self, name: str, row_id: str) -> Message | None:
        """Raise a dispute of the newest captured sale, or answer one."""
        match name:
            case "dispute":
                return await self._raise_one()
            case "win":
                await self._client.answer_dispute(row_id, WINNING)
            case "lose":
                await self._client.answer_dispute(row_id, LOSING)
            case "accept":
                await self._client.accept_dispute(row_id)
        return message("money.answered", "ours", dispute=row_id)

    async def _raise_one(self) -> Message:
        disputed = {text(each, "payment_id") for each in self._known.values()}
        for record in await self._client.payments(limit=100):
            if record.state == "captured" and record.id not in disputed:
                await self._client.open_dispute(record.id, "fraudulent")
                return message("money.disputed", "ours", payment=record.id)
        return message("money.nothing_to_dispute", "waiting")


def _row(body: Json) -> Row:
    currency, state = text(body, "currency"), text(body, "status")
    return Row(
        id=text(body, "id"),
        cells=(
            moment(body, "created_at_us"),
            text(body, "merchant_id"),
            text(body, "reason").replace("_", " "),
            money(whole(body, "amount_minor"), currency),
            money(whole(body, "fee_minor"), currency),
            moment(body, "evidence_due_at_us") if state in OPEN else "",
            state.replace("_", " "),
        ),
        kind=KINDS.get(state, "waiting"),
        marked=STATE,
        payment_id=text(body, "payment_id"),
    )
