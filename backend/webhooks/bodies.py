"""The JSON of an event: what is sent to endpoints and what `/v1/events` shows.

The same event has the same bytes whenever it is sent, because they are made of what was stored with
it. Times are whole seconds, as Stripe's are; `sequence` is ours: the event's place among those of
its object. Knows no rows.
"""

from __future__ import annotations

from typing import TypeVar

import orjson

from backend.runtime.events import Event
from backend.webhooks.ports import Picture
from backend.webhooks.records import MerchantEvent

Tx = TypeVar("Tx")
API_VERSION = "2025-09-30.clover"
SECOND_US = 1_000_000


def data_of(tx: Tx, picture: Picture[Tx], happened: MerchantEvent, source: Event) -> bytes:
    """JSON of an event's `data`: the object as it was then.

    An object that nobody can show is told by its identifier and the stored event's facts.
    """
    shown = picture(tx, happened, source)
    if shown is None:
        shown = {**source.data, "id": happened.object_id, "object": happened.object}
    return orjson.dumps({"object": shown})


def body_of(happened: MerchantEvent, name: str) -> bytes:
    """The bytes that are sent: the event with its data as stored, under an endpoint's name."""
    return orjson.dumps(event_json(happened, name))


def event_json(happened: MerchantEvent, name: str) -> dict[str, object]:
    """A whole event.

    Args:
        happened: with its data.
        name: its type, in the endpoint's vocabulary.
    """
    assert happened.data is not None, "the picture was drawn when the event was told"
    return {
        "id": happened.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": happened.created_at_us // SECOND_US,
        "data": orjson.Fragment(happened.data),
        "livemode": False,
        "pending_webhooks": happened.endpoints,
        "request": {"id": None, "idempotency_key": None},
        "sequence": happened.sequence,
        "type": name,
    }
