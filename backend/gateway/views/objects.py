"""Every kind of object by the wire's word for it, for those who tell of events.

An object is shown as it is now; a word that is not here has a view of its own piece.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from backend.gateway.charges import Charges
from backend.gateway.event_pictures import Show
from backend.gateway.objects import Kept, Kind, Objects
from backend.gateway.views.customers import customer_json
from backend.gateway.views.payment_methods import payment_method_json
from backend.gateway.views.setup_intents import setup_intent_json
from backend.runtime.events import Event

Tx = TypeVar("Tx")
Json = dict[str, object]
_VIEWS: dict[Kind, Callable[[Kept], Json]] = {
    Kind.CUSTOMER: customer_json,
    Kind.PAYMENT_METHOD: payment_method_json,
    Kind.SETUP_INTENT: setup_intent_json,
}


def shows_of(objects: Objects[Tx], charges: Charges[Tx]) -> Mapping[str, Show[Tx]]:
    """How each object is shown to the merchant whose event it is."""

    def kept(kind: Kind) -> Show[Tx]:
        def show(tx: Tx, object_id: str, event: Event) -> Json | None:
            found = objects.find(tx, _merchant(event), kind, object_id)
            return None if found is None else _VIEWS[kind](found)

        return show

    def found(find: Callable[[Tx, str, str], Json | None]) -> Show[Tx]:
        return lambda tx, object_id, event: find(tx, _merchant(event), object_id)

    return {
        **{kind.value: kept(kind) for kind in _VIEWS},
        "payment_intent": found(charges.find_intent),
        "charge": found(charges.find),
        "refund": found(charges.find_refund),
    }


def _merchant(event: Event) -> str:
    return str(event.data.get("merchant_id", ""))
