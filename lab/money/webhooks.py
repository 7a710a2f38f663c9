"""Webhooks: how the endpoints are, and every delivery with what went over the wire."""

from __future__ import annotations

from lab.client import EngineClient
from lab.client_money import ROWS
from lab.clock_text import time_of_day
from lab.json_fields import Json, flag, number_or_none, objects, section, text, whole
from lab.money.source import NONE, facts_of, words_of
from lab.money.state import Act, Column, Detail, Figure, Page, Row
from lab.words import Message, message

COLUMNS = (
    Column("time", 74),
    Column("event", 200),
    Column("object"),
    Column("endpoint", 220, when_wide=True),
    Column("tries", 56, is_amount=True),
    Column("answer", 140),
)
ANSWER = len(COLUMNS) - 1
KINDS = {"delivered": "good", "failed": "bad", "pending": "waiting", "canceled": "neutral"}
FACTS = (
    "id", "event_id", "type", "object_id", "url", "state", "attempts_max", "sequence",
    "created_at_us", "due_at_us", "ended_at_us", "status", "error",
)  # fmt: skip
PERCENT = 100


class Webhooks:
    """The webhooks' section."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client

    async def look(self) -> Page:
        """Endpoints as figures, deliveries as rows."""
        body = await self._client.webhooks(limit=ROWS)
        endpoints = objects(body, "endpoints")
        return Page(
            figures=tuple(_figure(each) for each in endpoints),
            columns=COLUMNS,
            rows=tuple(_row(each) for each in objects(body, "deliveries")),
            empty="money.webhooks.empty" if endpoints else "money.webhooks.none",
            row_acts=(Act("resend"),),
        )

    async def detail(self, row_id: str) -> Detail | None:
        """A delivery with its attempts: headers that left, body, what came back."""
        body = await self._client.money_delivery(row_id)
        lines = [text(body, "body", "")]
        for attempt in objects(body, "attempts"):
            headers = section(attempt, "headers")
            answered = words_of(attempt.get("status") or attempt.get("error"))
            lines.append(f"#{whole(attempt, 'number')}  {answered}")
            lines += [f"{name}: {value}" for name, value in headers.items()]
            if told := text(attempt, "answer", ""):
                lines.append(told)
        return Detail(row_id, text(body, "type"), facts_of(body, FACTS), "\n".join(lines))

    async def act(self, name: str, row_id: str) -> Message | None:
        """Send a delivery again."""
        assert name == "resend", "the only thing that can be done here"
        await self._client.send_webhook_again(int(row_id))
        return message("money.resent", "ours")


def _row(body: Json) -> Row:
    state = text(body, "state")
    answer = words_of(body.get("status") or body.get("error"))
    said = f"{state.replace('_', ' ')} · {answer}" if answer != NONE else state.replace("_", " ")
    object_id = text(body, "object_id")
    return Row(
        id=str(whole(body, "id")),
        cells=(
            time_of_day(whole(body, "created_at_us")),
            text(body, "type"),
            object_id,
            text(body, "url"),
            f"{whole(body, 'attempts')}/{whole(body, 'attempts_max')}",
            said,
        ),
        kind=KINDS.get(state, "waiting"),
        marked=ANSWER,
        payment_id=_payment(text(body, "order_key", "")),
    )


def _payment(order_key: str) -> str:
    return order_key if order_key.startswith("pay_") else ""


def _figure(endpoint: Json) -> Figure:
    """One endpoint: where, and how much of it arrived."""
    state = text(endpoint, "state")
    share = number_or_none(endpoint, "delivered_share")
    healthy = state == "enabled" and flag(endpoint, "healthy", default=True)
    value = state if state != "enabled" or share is None else f"{share * PERCENT:.0f} %"
    return Figure("money.endpoint", value, "good" if healthy else "bad", text(endpoint, "url"))
