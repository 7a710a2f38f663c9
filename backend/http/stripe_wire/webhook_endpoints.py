"""`/v1/webhook_endpoints`: where a merchant wants to be told.

Besides the wire's own parameters an endpoint takes `style`, `schedule` and `strict_200`, which
choose between the designs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.gateway.views.webhook_endpoints import webhook_endpoint_json
from backend.http.stripe_wire.call import Call, Done, Json, Read, Resource, Route, Write
from backend.http.stripe_wire.errors import bad_parameter
from backend.http.stripe_wire.pages import list_json, read_page
from backend.http.stripe_wire.params import Params
from backend.storage.database import Transaction
from backend.webhooks.bodies import API_VERSION
from backend.webhooks.endpoints import DESCRIPTION_MAX, Endpoints, Wish
from backend.webhooks.records import Endpoint


@dataclass(frozen=True, slots=True)
class WebhookEndpoints:
    """The routes of endpoints."""

    endpoints: Endpoints[Transaction]

    def resource(self) -> Resource:
        """What this module serves."""
        one = "/v1/webhook_endpoints/{id}"
        return Resource(
            (
                Route("POST", "/v1/webhook_endpoints", Write(self.create)),
                Route("GET", "/v1/webhook_endpoints", Read(self.list)),
                Route("GET", one, Read(self.retrieve)),
                Route("POST", one, Write(self.update)),
                Route("DELETE", one, Write(self.delete)),
            )
        )

    def create(self, call: Call, tx: Transaction) -> Done:
        """A new endpoint, with its secret."""
        with call.params() as params:
            version = params.text("api_version", length_max=64)
            if version not in (None, API_VERSION):
                raise bad_parameter(
                    "parameter_invalid_choice", f"api_version is {API_VERSION}.", "api_version"
                )
            wish = _wish(params, {})
        endpoint, secret = self.endpoints.add(tx, call.merchant.id, wish)
        return Done(webhook_endpoint_json(endpoint, secret))

    def update(self, call: Call, tx: Transaction) -> Done:
        """Change what is given."""
        before = self.endpoints.find(tx, call.merchant.id, call.ids["id"])
        with call.params() as params:
            wish = _wish(params, before.metadata)
        after = self.endpoints.put(tx, call.merchant.id, before.id, wish)
        return Done(webhook_endpoint_json(after), after=(self.endpoints.wake,))

    def delete(self, call: Call, tx: Transaction) -> Done:
        """It hears of nothing any more."""
        call.params().done()
        gone = self.endpoints.remove(tx, call.merchant.id, call.ids["id"])
        return Done({"id": gone.id, "object": "webhook_endpoint", "deleted": True})

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One endpoint."""
        call.params().done()
        return webhook_endpoint_json(self.endpoints.find(tx, call.merchant.id, call.ids["id"]))

    def list(self, call: Call, tx: Transaction) -> Json:
        """A merchant's endpoints, newest first: there are few."""
        with call.params() as params:
            page = read_page(params)
        found = self.endpoints.of_merchant(tx, call.merchant.id)
        shown = [each for each in found if _is_within(each, page.before_id, page.after_id)]
        if not page.is_backwards:
            shown.reverse()
        return list_json(call, page, shown[: page.rows], webhook_endpoint_json)


def _is_within(endpoint: Endpoint, older_than: str | None, newer_than: str | None) -> bool:
    """Whether an endpoint lies on the page; identifiers sort by time."""
    return (older_than is None or endpoint.id < older_than) and (
        newer_than is None or endpoint.id > newer_than
    )


def _wish(params: Params, metadata: Mapping[str, str]) -> Wish:
    """What the parameters wish; an empty description takes the old one away."""
    events = params.words("enabled_events")
    fields: dict[str, object] = {}
    params.into(fields, "description", length_max=DESCRIPTION_MAX)
    return Wish(
        url=params.text("url"),
        enabled_events=None if events is None else tuple(events),
        style=params.text("style"),
        schedule=params.text("schedule"),
        strict_200=params.boolean("strict_200"),
        disabled=params.boolean("disabled"),
        description=str(fields["description"] or "") if fields else None,
        metadata=params.metadata(metadata),
    )
