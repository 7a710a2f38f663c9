"""The audit trail: who did what to which thing, newest first."""

from __future__ import annotations

from lab.client import EngineClient
from lab.clock_text import time_of_day
from lab.json_fields import Json, objects, text, whole
from lab.money.source import NONE, facts_of, words_of
from lab.money.state import Column, Detail, Page, Row
from lab.words import Message

COLUMNS = (
    Column("time", 74),
    Column("who", 150),
    Column("action", 190),
    Column("what"),
    Column("result", 120),
)
FACTS = (
    "id", "at_us", "user_id", "action", "resource_type", "resource_id", "result", "ip_address",
    "hash", "metadata",
)  # fmt: skip


class Audit:
    """The audit trail's section."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._known: dict[str, Json] = {}

    async def look(self) -> Page:
        """The newest lines."""
        found = objects(await self._client.money_audit(), "audit")
        self._known = {str(each.get("id")): each for each in found}
        rows = tuple(_row(each) for each in found)
        return Page(columns=COLUMNS, rows=rows, empty="money.audit.empty")

    async def detail(self, row_id: str) -> Detail | None:
        """A line with its hash."""
        found = self._known.get(row_id)
        if found is None:
            return None
        return Detail(row_id, text(found, "action"), facts_of(found, FACTS))

    async def act(self, name: str, row_id: str) -> Message | None:  # noqa: ARG002 - of the port
        """Nobody changes the trail."""
        return None


def _row(body: Json) -> Row:
    resource = words_of(body.get("resource_id"))
    return Row(
        id=str(whole(body, "id")),
        cells=(
            time_of_day(whole(body, "at_us")),
            words_of(body.get("user_id")),
            text(body, "action"),
            f"{text(body, 'resource_type')} {resource}" if resource != NONE else "",
            text(body, "result"),
        ),
        payment_id=resource if resource.startswith("pay_") else "",
    )
