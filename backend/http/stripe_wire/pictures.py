"""Has objects shown in merchants' events as `/v1` shows them to who asks.

For objects whose history is short: they are shown as they are when the event is told, which is
soon after it happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from backend.gateway.event_pictures import EventPictures
from backend.http.stripe_wire.call import Find, Json, Resource
from backend.runtime.events import Event
from backend.storage.database import Transaction

PREFIXES = {"payout": "po"}
"""The wire's word for an object → the prefix of its identifiers."""


def show_found(pictures: EventPictures[Transaction], resources: Sequence[Resource]) -> None:
    """Show what a resource can find by its identifier."""
    for word, prefix in PREFIXES.items():
        for resource in resources:
            if prefix in resource.finders:
                pictures.add(word, partial(_found, resource.finders[prefix]))


def _found(find: Find, tx: Transaction, object_id: str, source: Event) -> Json | None:
    return find(tx, str(source.data.get("merchant_id")), object_id)
