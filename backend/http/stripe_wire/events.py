"""`/v1/events`: what happened, for merchants who ask instead of listening."""

from __future__ import annotations

from dataclasses import dataclass

from backend.http.stripe_wire.call import Call, Json, Read, Resource, Route
from backend.http.stripe_wire.errors import bad_parameter
from backend.http.stripe_wire.pages import list_json, read_page
from backend.storage.database import Transaction
from backend.webhooks.history import BEYOND_EVERY_NUMBER, History, Wanted

TYPES_MAX = 20


@dataclass(frozen=True, slots=True)
class MerchantEvents:
    """The routes of events."""

    history: History[Transaction]

    def resource(self) -> Resource:
        """What this module serves."""
        return Resource(
            (
                Route("GET", "/v1/events", Read(self.list)),
                Route("GET", "/v1/events/{id}", Read(self.retrieve)),
            )
        )

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One event."""
        call.params().done()
        return self.history.one(tx, call.merchant.id, call.ids["id"])

    def list(self, call: Call, tx: Transaction) -> Json:
        """Events, newest first; of one `type` or of `types` where they are named."""
        with call.params() as params:
            page = read_page(params)
            one, several = params.text("type", length_max=100), params.words("types")
        if several is not None and len(several) > TYPES_MAX:
            raise bad_parameter(
                "parameter_invalid_array", f"types has at most {TYPES_MAX} names.", "types"
            )
        wanted = Wanted(
            rows=page.rows,
            types=[*([one] if one is not None else []), *(several or [])],
            after=page.before_id,
            before=page.after_id,
            from_us=page.from_us or 0,
            to_us=page.to_us or BEYOND_EVERY_NUMBER,
        )
        found = self.history.page(tx, call.merchant.id, wanted)
        return list_json(call, page, found, lambda each: each)
