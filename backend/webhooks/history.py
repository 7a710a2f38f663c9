"""What a merchant hears of, for whoever asks instead of listening: `/v1/events`.

An event that went to no endpoint has no stored picture of its object; it is drawn here, as of the
event. Changes nothing. Knows no SQL and no HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from backend.runtime.errors import NotFound
from backend.webhooks.bodies import data_of, event_json
from backend.webhooks.ports import EventRows, Picture, SourceRows, Span
from backend.webhooks.records import MerchantEvent

Tx = TypeVar("Tx")
BEYOND_EVERY_NUMBER = 2**62


@dataclass(frozen=True, slots=True)
class HistoryPorts(Generic[Tx]):
    """What asking takes from outside."""

    rows: EventRows[Tx]
    source: SourceRows[Tx]
    picture: Picture[Tx]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for.

    Attributes:
        rows: at most so many.
        types: Stripe's names; none for all.
        after: identifier of the event behind which the page begins (older ones), if any.
        before: identifier of the event before which it ends (newer ones), if any.
        from_us: lab time of the first moment that counts.
        to_us: lab time of the first moment that counts no more.
    """

    rows: int
    types: Sequence[str] = ()
    after: str | None = None
    before: str | None = None
    from_us: int = 0
    to_us: int = BEYOND_EVERY_NUMBER


class History(Generic[Tx]):
    """A merchant's events."""

    def __init__(self, ports: HistoryPorts[Tx]) -> None:
        self._ports = ports

    def one(self, tx: Tx, merchant_id: str, event_id: str) -> dict[str, object]:
        """One event, JSON-ready.

        Raises:
            NotFound: `resource_missing`.
        """
        return self._shown(tx, self._find(tx, merchant_id, event_id))

    def page(self, tx: Tx, merchant_id: str, wanted: Wanted) -> list[dict[str, object]]:
        """Events, JSON-ready: newest first; oldest first where a page ends before one.

        Raises:
            NotFound: `resource_missing`: the one that the page begins or ends at.
        """
        above, below = 0, BEYOND_EVERY_NUMBER
        if wanted.after is not None:
            below = self._find(tx, merchant_id, wanted.after).number
        if wanted.before is not None:
            above = self._find(tx, merchant_id, wanted.before).number
        span = Span(
            types=wanted.types,
            above=above,
            below=below,
            from_us=wanted.from_us,
            to_us=wanted.to_us,
            rows=wanted.rows,
            newest_first=wanted.before is None,
        )
        found = self._ports.rows.events_page(tx, merchant_id, span)
        return [self._shown(tx, each) for each in found]

    def _find(self, tx: Tx, merchant_id: str, event_id: str) -> MerchantEvent:
        found = self._ports.rows.find_event(tx, merchant_id, event_id)
        if found is None:
            raise NotFound("resource_missing", f"No such event: '{event_id[:64]}'")
        return found

    def _shown(self, tx: Tx, happened: MerchantEvent) -> dict[str, object]:
        if happened.data is None:
            source = self._ports.source.one(tx, happened.source_seq)
            assert source is not None, "stored events are never removed"
            drawn = data_of(tx, self._ports.picture, happened, source)
            happened = replace(happened, data=drawn)
        return event_json(happened, happened.type)
