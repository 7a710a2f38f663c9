"""Merchants' endpoints: made, changed, disabled, deleted, their secrets rolled.

Each order is one unit of work with its audit line. A merchant's endpoint does not exist for another
merchant. An endpoint hears of what happens after it was made. Knows no SQL and no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from backend.domain.identifiers import ordered_identifier
from backend.outbox.ports import AuditRecord, Outbox
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.errors import BadRequest, NotFound
from backend.runtime.store import Store
from backend.webhooks import catalogue
from backend.webhooks.addresses import check_url
from backend.webhooks.ports import SourceRows, WebhookRows
from backend.webhooks.records import Endpoint, EndpointState, Style
from backend.webhooks.schedules import DEFAULT_SCHEDULE, SCHEDULES
from backend.webhooks.secrets import Secrets

Tx = TypeVar("Tx")
ENDPOINTS_MAX = 16
DESCRIPTION_MAX = 5_000
OVERLAP_MAX_S = 7 * 86_400
SECOND_US = 1_000_000
BY_MERCHANT = "merchant"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a merchant wants of an endpoint; None leaves a thing as it is, or at its default."""

    url: str | None = None
    enabled_events: tuple[str, ...] | None = None
    style: str | None = None
    schedule: str | None = None
    strict_200: bool | None = None
    disabled: bool | None = None
    description: str | None = None
    metadata: Mapping[str, str] | None = field(default=None)


@dataclass(frozen=True, slots=True)
class EndpointPorts(Generic[Tx]):
    """Everything that keeping endpoints takes from outside.

    Attributes:
        allow_non_loopback: whether receivers on other machines may be named.
        schedule: name of the list of waits that an endpoint gets if it names none.
        wake: called after a commit that may have left something to deliver.
    """

    store: Store[Tx]
    rows: WebhookRows[Tx]
    source: SourceRows[Tx]
    outbox: Outbox[Tx]
    secrets: Secrets
    clock: Clock
    identifiers: Stream
    wake: Callable[[], None]
    allow_non_loopback: bool = False
    schedule: str = DEFAULT_SCHEDULE


class Endpoints(Generic[Tx]):
    """Keeps endpoints."""

    def __init__(self, ports: EndpointPorts[Tx]) -> None:
        self._ports = ports

    def of_merchant(self, tx: Tx, merchant_id: str) -> list[Endpoint]:
        """A merchant's, oldest first."""
        return self._ports.rows.endpoints_of(tx, merchant_id)

    def merchant_of(self, endpoint_id: str) -> str:
        """Whose endpoint it is; for whoever may see everybody's.

        Raises:
            NotFound: `resource_missing`.
        """
        found = self._ports.store.read(lambda tx: self._ports.rows.find_endpoint(tx, endpoint_id))
        if found is None:
            raise _not_found(endpoint_id)
        return found.merchant_id

    def wake(self) -> None:
        """To be called after the commit of a change."""
        self._ports.wake()

    async def create(self, merchant_id: str, wish: Wish) -> tuple[Endpoint, str]:
        """`add` as a unit of work of its own; `StorageError` besides."""
        return await self._ports.store.write(lambda tx: self.add(tx, merchant_id, wish))

    async def change(self, merchant_id: str, endpoint_id: str, wish: Wish) -> Endpoint:
        """`put` as a unit of work of its own; `StorageError` besides."""
        changed = await self._ports.store.write(
            lambda tx: self.put(tx, merchant_id, endpoint_id, wish)
        )
        self.wake()
        return changed

    async def delete(self, merchant_id: str, endpoint_id: str) -> Endpoint:
        """`remove` as a unit of work of its own; `StorageError` besides."""
        return await self._ports.store.write(lambda tx: self.remove(tx, merchant_id, endpoint_id))

    async def roll_secret(
        self, merchant_id: str, endpoint_id: str, overlap_s: int
    ) -> tuple[Endpoint, str]:
        """A new secret; the old one signs too for `overlap_s` seconds of lab time.

        Raises:
            NotFound: `resource_missing`.
            BadRequest: `overlap_out_of_range`.
            StorageError: the database refused.
        """
        if not 0 <= overlap_s <= OVERLAP_MAX_S:
            raise BadRequest(
                "overlap_out_of_range", f"overlap_s is 0 to {OVERLAP_MAX_S}", field="overlap_s"
            )
        secret, sealed = self._ports.secrets.fresh(endpoint_id)
        until_us = self._ports.clock.now_us() + overlap_s * SECOND_US

        def work(tx: Tx) -> Endpoint:
            before = self.find(tx, merchant_id, endpoint_id)
            after = replace(
                before, secret=sealed, old_secret=before.secret, old_secret_until_us=until_us
            )
            self._store(tx, before, after, "webhook_endpoint.secret_rolled")
            return after

        return await self._ports.store.write(work), secret

    # Inside a unit of work.

    def find(self, tx: Tx, merchant_id: str, endpoint_id: str) -> Endpoint:
        """One of a merchant's.

        Raises:
            NotFound: `resource_missing`.
        """
        endpoint = self._ports.rows.find_endpoint(tx, endpoint_id)
        if (
            endpoint is None
            or endpoint.merchant_id != merchant_id
            or endpoint.state is EndpointState.DELETED
        ):
            raise _not_found(endpoint_id)
        return endpoint

    def add(self, tx: Tx, merchant_id: str, wish: Wish) -> tuple[Endpoint, str]:
        """Make one; the endpoint and its secret, which is shown this once.

        Raises:
            BadRequest: `parameter_missing`, `url_invalid`, `url_not_loopback`, `events_…`,
                `style_unknown`, `schedule_unknown`, `description_too_long`, `too_many_endpoints`.
        """
        if wish.url is None or not wish.enabled_events:
            missing = "url" if wish.url is None else "enabled_events"
            raise BadRequest("parameter_missing", f"{missing} is missing", field=missing)
        ports, now_us = self._ports, self._ports.clock.now_us()
        if len(ports.rows.endpoints_of(tx, merchant_id)) >= ENDPOINTS_MAX:
            raise BadRequest(
                "too_many_endpoints", f"a merchant has at most {ENDPOINTS_MAX} endpoints"
            )
        endpoint_id = ordered_identifier("we", now_us, ports.identifiers)
        secret, sealed = ports.secrets.fresh(endpoint_id)
        after_seq = ports.source.last_seq(tx)
        blank = Endpoint(
            endpoint_id, merchant_id, "", (), sealed, now_us, after_seq, schedule=ports.schedule
        )
        made = self._with(blank, wish)
        ports.rows.add_endpoint(tx, made)
        self._audit(tx, made, "webhook_endpoint.created")
        return made, secret

    def put(self, tx: Tx, merchant_id: str, endpoint_id: str, wish: Wish) -> Endpoint:
        """Change what is wished; disabling ends what is pending there.

        Raises:
            NotFound: `resource_missing`.
            BadRequest: as for `add`.
        """
        before = self.find(tx, merchant_id, endpoint_id)
        after = self._with(before, wish)
        self._store(tx, before, after, "webhook_endpoint.changed")
        return after

    def remove(self, tx: Tx, merchant_id: str, endpoint_id: str) -> Endpoint:
        """It hears of nothing any more; what was delivered to it stays known.

        Raises:
            NotFound: `resource_missing`.
        """
        before = self.find(tx, merchant_id, endpoint_id)
        after = replace(before, state=EndpointState.DELETED, disabled_reason=BY_MERCHANT)
        self._store(tx, before, after, "webhook_endpoint.deleted")
        return after

    def _store(self, tx: Tx, before: Endpoint, after: Endpoint, action: str) -> None:
        ports = self._ports
        ports.rows.put_endpoint(tx, after)
        closes = before.state is EndpointState.ENABLED
        if closes and after.state is not EndpointState.ENABLED:
            now_us = ports.clock.now_us()
            ports.rows.fail_pending(tx, after.id, f"endpoint_{after.state.value}", now_us)
        self._audit(tx, after, action)

    def _audit(self, tx: Tx, endpoint: Endpoint, action: str) -> None:
        self._ports.outbox.add_audit(
            tx,
            AuditRecord(
                at_us=self._ports.clock.now_us(),
                user_id=None,
                action=action,
                resource_type="webhook_endpoint",
                resource_id=endpoint.id,
                result=endpoint.state.value,
                metadata={"merchant_id": endpoint.merchant_id, "url": endpoint.url},
            ),
        )

    # What a merchant may wish.

    def _with(self, endpoint: Endpoint, wish: Wish) -> Endpoint:
        """The endpoint as wished.

        Raises:
            BadRequest: something cannot be.
        """
        if wish.url is not None:
            check_url(wish.url, allow_non_loopback=self._ports.allow_non_loopback)
            endpoint = replace(endpoint, url=wish.url)
        if wish.style is not None:
            endpoint = replace(endpoint, style=_style(wish.style))
        if wish.enabled_events is not None:
            endpoint = replace(endpoint, enabled_events=wish.enabled_events)
        _check_events(endpoint)
        if wish.schedule is not None:
            if wish.schedule not in SCHEDULES:
                known = ", ".join(SCHEDULES)
                raise BadRequest(
                    "schedule_unknown", f"schedule is one of {known}", field="schedule"
                )
            endpoint = replace(endpoint, schedule=wish.schedule)
        if wish.strict_200 is not None:
            endpoint = replace(endpoint, strict_200=wish.strict_200)
        if wish.description is not None:
            if len(wish.description) > DESCRIPTION_MAX:
                raise BadRequest(
                    "description_too_long",
                    f"a description has at most {DESCRIPTION_MAX} characters",
                    field="description",
                )
            endpoint = replace(endpoint, description=wish.description or None)
        if wish.metadata is not None:
            endpoint = replace(endpoint, metadata=dict(wish.metadata))
        return _switched(endpoint, disabled=wish.disabled)


def _not_found(endpoint_id: str) -> NotFound:
    return NotFound("resource_missing", f"No such webhook endpoint: '{endpoint_id[:64]}'")


def _switched(endpoint: Endpoint, *, disabled: bool | None) -> Endpoint:
    if disabled is None:
        return endpoint
    if disabled:
        return replace(endpoint, state=EndpointState.DISABLED, disabled_reason=BY_MERCHANT)
    return replace(endpoint, state=EndpointState.ENABLED, disabled_reason=None)


def _style(word: str) -> Style:
    try:
        return Style(word)
    except ValueError:
        known = ", ".join(style.value for style in Style)
        raise BadRequest("style_unknown", f"style is one of {known}", field="style") from None


def _check_events(endpoint: Endpoint) -> None:
    """Every name must be one that this style can hear of.

    Raises:
        BadRequest: `events_missing` or `events_unknown`.
    """
    if not endpoint.enabled_events:
        raise BadRequest(
            "events_missing", 'enabled_events names events, or "*"', field="enabled_events"
        )
    known = catalogue.types_of(endpoint.style)
    for name in endpoint.enabled_events:
        if name != catalogue.EVERYTHING and name not in known:
            raise BadRequest(
                "events_unknown",
                f"'{name[:80]}' is no event that is told here",
                field="enabled_events",
            )
