"""A webhook endpoint as its object."""

from __future__ import annotations

from backend.gateway.views.moments import seconds
from backend.webhooks.bodies import API_VERSION
from backend.webhooks.records import Endpoint


def webhook_endpoint_json(endpoint: Endpoint, secret: str | None = None) -> dict[str, object]:
    """An endpoint; with its secret in the answer that makes it and in no other."""
    shown: dict[str, object] = {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": seconds(endpoint.created_at_us),
        "description": endpoint.description,
        "enabled_events": list(endpoint.enabled_events),
        "livemode": False,
        "metadata": dict(endpoint.metadata),
        "schedule": endpoint.schedule,
        "status": endpoint.state.value,
        "strict_200": endpoint.strict_200,
        "style": endpoint.style.value,
        "url": endpoint.url,
    }
    return shown if secret is None else {**shown, "secret": secret}
