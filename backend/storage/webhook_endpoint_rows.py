"""Statements over webhook endpoints: `backend.webhooks.ports.EndpointRows`. Decides nothing."""

from __future__ import annotations

import orjson
from sqlalchemy import bindparam, insert, literal_column, select, update

from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.webhook_tables import webhook_endpoints as endpoints
from backend.webhooks.records import Endpoint, EndpointState, Style

_CHANGING = (
    "url", "style", "enabled_events", "schedule", "strict_200", "state", "disabled_reason",
    "description", "metadata", "secret", "old_secret", "old_secret_until_us", "is_healthy",
)  # fmt: skip
_standing = endpoints.c.state != literal_column("'deleted'")
_ADD = Statement(insert(endpoints))
_PUT = Statement(
    update(endpoints)
    .where(endpoints.c.id == bindparam("of_id"))
    .values(**{name: bindparam(f"new_{name}") for name in _CHANGING})
)
_FIND = Statement(select(endpoints).where(endpoints.c.id == bindparam("of_id")))
_ALL = Statement(select(endpoints).where(_standing).order_by(endpoints.c.id))
_OF_MERCHANT = Statement(
    select(endpoints)
    .where(endpoints.c.merchant_id == bindparam("of_merchant"), _standing)
    .order_by(endpoints.c.id)
)


class SqlEndpointRows:
    """Endpoints in the caller's unit of work."""

    def add_endpoint(self, tx: Transaction, endpoint: Endpoint) -> None:
        """Store a new one."""
        fixed: dict[str, Value] = {
            "id": endpoint.id,
            "merchant_id": endpoint.merchant_id,
            "created_at_us": endpoint.created_at_us,
            "after_seq": endpoint.after_seq,
        }
        tx.run(_ADD, {**fixed, **_changing(endpoint)})

    def put_endpoint(self, tx: Transaction, endpoint: Endpoint) -> None:
        """Store all that may change of one."""
        changing = {f"new_{name}": value for name, value in _changing(endpoint).items()}
        tx.run(_PUT, {"of_id": endpoint.id, **changing})

    def find_endpoint(self, tx: Transaction, endpoint_id: str) -> Endpoint | None:
        """One, deleted or not."""
        row = tx.one(_FIND, {"of_id": endpoint_id})
        return None if row is None else _endpoint(row)

    def endpoints_of(self, tx: Transaction, merchant_id: str) -> list[Endpoint]:
        """A merchant's, oldest first, without the deleted."""
        return [_endpoint(row) for row in tx.all(_OF_MERCHANT, {"of_merchant": merchant_id})]

    def endpoints(self, tx: Transaction) -> list[Endpoint]:
        """Everybody's, oldest first, without the deleted."""
        return [_endpoint(row) for row in tx.all(_ALL)]


def _changing(endpoint: Endpoint) -> dict[str, Value]:
    return {
        "url": endpoint.url,
        "style": endpoint.style.value,
        "enabled_events": orjson.dumps(endpoint.enabled_events).decode(),
        "schedule": endpoint.schedule,
        "strict_200": int(endpoint.strict_200),
        "state": endpoint.state.value,
        "disabled_reason": endpoint.disabled_reason,
        "description": endpoint.description,
        "metadata": orjson.dumps(dict(endpoint.metadata)).decode(),
        "secret": endpoint.secret,
        "old_secret": endpoint.old_secret,
        "old_secret_until_us": endpoint.old_secret_until_us,
        "is_healthy": int(endpoint.is_healthy),
    }


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(
        id=row["id"],
        merchant_id=row["merchant_id"],
        url=row["url"],
        enabled_events=tuple(orjson.loads(row["enabled_events"])),
        secret=row["secret"],
        created_at_us=row["created_at_us"],
        after_seq=row["after_seq"],
        style=Style(row["style"]),
        schedule=row["schedule"],
        strict_200=bool(row["strict_200"]),
        state=EndpointState(row["state"]),
        disabled_reason=row["disabled_reason"],
        description=row["description"],
        metadata=orjson.loads(row["metadata"]),
        old_secret=row["old_secret"],
        old_secret_until_us=row["old_secret_until_us"],
        is_healthy=bool(row["is_healthy"]),
    )
