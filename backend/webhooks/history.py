"""What a merchant hears of, for whoever asks instead of listening: `/v1/events`.

An event that went to no endpoint has no stored picture of its object; it is drawn here, as of the
event. Changes nothing. Knows no SQL and no HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from backend.runtime.errors import NotFound
from backend.webhooks.bodies import body_of, data_of
from backend.webhooks.ports import EventRows, Picture, SourceRows, Store
from backend.webhooks.records import MerchantEvent

Tx = TypeVar("Tx")
BEYOND_EVERY_NUMBER = 2**62


@dataclass(frozen=True, slots=True)
class HistoryPorts(Generic[Tx]):
    """What asking takes from outside."""

    store: Store[Tx]
    rows: EventRows[Tx]
    source: SourceRows[Tx]
    picture: Picture[Tx]


@dataclass(frozen=True, slots=True)
class Page:
    """Which events are asked for.

    Attributes:
        types: Stripe's names; none for all.
        after: identifier of the event behind which the page begins (older ones), if any.
        before: identifier of the event before which it ends (newer ones), if any.
    """

    limit: int
    types: Sequence[str] = ()
    after: str | None = None
    before: str | None = None


class History(Generic[Tx]):
    """A merchant's events."""

    def __init__(self, ports: HistoryPorts[Tx]) -> None:
        self._ports = ports

    def one(self, merchant_id: str, event_id: str) -> bytes:
        """One event's JSON.

        Raises:
            NotFound: `event_not_found`.
        """

        def read(tx: Tx) -> bytes:
            return self._body(tx, self._find(tx, merchant_id, event_id))

        return self._ports.store.read(read)

    def page(self, merchant_id: str, page: Page) -> tuple[list[bytes], bool]:
        """Events newest first, each as JSON, and whether there are more in that direction.

        Raises:
            NotFound: `event_not_found`: the one that the page begins at.
        """

        def read(tx: Tx) -> tuple[list[bytes], bool]:
            above, below = 0, BEYOND_EVERY_NUMBER
            if page.after is not None:
                below = self._find(tx, merchant_id, page.after).number
            if page.before is not None:
                above = self._find(tx, merchant_id, page.before).number
            found = self._ports.rows.events_page(
                tx,
                merchant_id,
                types=page.types,
                above=above,
                below=below,
                limit=page.limit + 1,
                newest_first=page.before is None,
            )
            shown = found[: page.limit]
            if page.before is not None:
                shown = shown[::-1]
            return [self._body(tx, each) for each in shown], len(found) > page.limit

        return self._ports.store.read(read)

    def _find(self, tx: Tx, merchant_id: str, event_id: str) -> MerchantEvent:
        found = self._ports.rows.find_event(tx, merchant_id, event_id)
        if found is None:
            raise NotFound("event_not_found", f"No such event: '{event_id}'")
        return found

    def _body(self, tx: Tx, happened: MerchantEvent) -> bytes:
        if happened.data is None:
            source = self._ports.source.one(tx, happened.source_seq)
            assert source is not None, "stored events are never removed"
            drawn = data_of(tx, self._ports.picture, happened, source)
            happened = replace(happened, data=drawn)
        return body_of(happened, happened.type)
