"""Shows the object that a merchant's event is about, as it was at that event.

One function for each of the wire's words for an object; a word that nobody has a view for is told
by its identifier and facts. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from backend.runtime.events import Event
from backend.webhooks.records import MerchantEvent

Tx = TypeVar("Tx")
Show = Callable[[Tx, str, Event], Mapping[str, object] | None]
"""Shows the object with that identifier as of that event; None when there is none."""


class EventPictures(Generic[Tx]):
    """Pictures by the wire's word for an object."""

    def __init__(self, shows: Mapping[str, Show[Tx]]) -> None:
        self._shows = shows

    def __call__(
        self, tx: Tx, happened: MerchantEvent, source: Event
    ) -> Mapping[str, object] | None:
        """The object of an event."""
        show = self._shows.get(happened.object)
        return None if show is None else show(tx, happened.object_id, source)
