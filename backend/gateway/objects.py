"""What merchants keep at the gateway: customers, payment methods, tokens, intents.

One value for all of them: an identifier, whose it is, where it stands, and its own fields as JSON.
What a kind of object means stands in its own module; a payment, its refunds and the ledger are no
objects of this kind. Knows no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Generic, Protocol, Self, TypeVar

from backend.domain.identifiers import ordered_identifier
from backend.gateway.pages import Page
from backend.outbox.ports import AuditRecord, Outbox
from backend.runtime.clock import Clock, to_datetime
from backend.runtime.entropy import Stream
from backend.runtime.errors import NotFound
from backend.runtime.events import Event, EventLog

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
ACTOR = "merchant"


class Kind(Enum):
    """What an object is; the value is the wire's word for it."""

    CUSTOMER = "customer"
    PAYMENT_METHOD = "payment_method"
    TOKEN = "token"  # noqa: S105 - a kind of object
    SETUP_INTENT = "setup_intent"
    PAYMENT_INTENT = "payment_intent"
    LEGACY_INTENT = "legacy_intent"  # of a charge that was made without one; shown nowhere
    CHARGE = "charge"  # what a merchant noted about a payment
    REFUND = "refund"  # what a merchant noted about a refund
    PAYMENT_LINK = "payment_link"


PREFIXES = {
    Kind.CUSTOMER: "cus",
    Kind.PAYMENT_METHOD: "pm",
    Kind.TOKEN: "tok",
    Kind.SETUP_INTENT: "seti",
    Kind.PAYMENT_INTENT: "pi",
    Kind.LEGACY_INTENT: "pi",
    Kind.CHARGE: "ch",
    Kind.REFUND: "re",
    Kind.PAYMENT_LINK: "plink",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """An object as stored.

    Attributes:
        version: 1 at creation, one more with every change.
        state: a word of its kind.
        customer_id: whose it is, where it is somebody's.
        payment_id: the payment that it stands for, where there is one.
        data: its own fields, JSON-ready.
    """

    id: str
    merchant_id: str
    kind: Kind
    created_at_us: int
    state: str
    data: Mapping[str, object] = field(default_factory=dict)
    customer_id: str | None = None
    payment_id: str | None = None
    version: int = 1

    def with_data(self, **fields: object) -> Self:
        """With some of its own fields changed."""
        return replace(self, data={**self.data, **fields})

    def of_customer(self, customer_id: str | None) -> Self:
        """With another customer."""
        return replace(self, customer_id=customer_id)

    def text(self, name: str) -> str | None:
        """A field that is text or nothing."""
        value = self.data.get(name)
        assert value is None or isinstance(value, str), f"{name} is text"
        return value

    def metadata(self) -> dict[str, str]:
        """The merchant's own words."""
        value = self.data.get("metadata", {})
        assert isinstance(value, dict), "metadata is a group"
        return dict(value)


class ObjectRows(Protocol[Tx_contra]):
    """Where objects lie."""

    def add(self, tx: Tx_contra, kept: Kept) -> None:
        """Insert an object."""

    def put(self, tx: Tx_contra, kept: Kept, *, was_version: int) -> bool:
        """Store the changeable columns; False when somebody else changed it meanwhile."""

    def find(self, tx: Tx_contra, object_id: str) -> Kept | None:
        """One object."""

    def page(
        self,
        tx: Tx_contra,
        merchant_id: str,
        kind: Kind,
        page: Page,
        *,
        state: str | None = None,
        customer_id: str | None = None,
        email: str | None = None,
    ) -> list[Kept]:
        """At most `page.rows`, newest first; oldest first where `page.is_backwards`."""


@dataclass(frozen=True, slots=True)
class ObjectPorts(Generic[Tx]):
    """Everything that keeping objects takes from outside.

    Attributes:
        identifiers: stream for the random part of identifiers.
    """

    rows: ObjectRows[Tx]
    outbox: Outbox[Tx]
    events: EventLog
    clock: Clock
    identifiers: Stream


class Objects(Generic[Tx]):
    """Makes, finds and changes objects; each change with its event and its audit line."""

    def __init__(self, ports: ObjectPorts[Tx]) -> None:
        self._ports = ports

    def year(self) -> int:
        """This year, lab time."""
        return to_datetime(self._ports.clock.now_us()).year

    def fresh(self, merchant_id: str, kind: Kind, state: str, data: Mapping[str, object]) -> Kept:
        """A new object, not stored yet."""
        now_us = self._ports.clock.now_us()
        identifier = ordered_identifier(PREFIXES[kind], now_us, self._ports.identifiers)
        return Kept(identifier, merchant_id, kind, now_us, state, data)

    def find(self, tx: Tx, merchant_id: str, kind: Kind, object_id: str) -> Kept | None:
        """An object of this merchant; None for another's."""
        found = self._ports.rows.find(tx, object_id)
        if found is None or found.merchant_id != merchant_id or found.kind is not kind:
            return None
        return found

    def named(self, tx: Tx, kind: Kind, object_id: str) -> Kept:
        """Whoever's object it is, for pages that are opened by knowing its name.

        Raises:
            NotFound: `resource_missing`.
        """
        found = self._ports.rows.find(tx, object_id)
        if found is None or found.kind is not kind:
            raise NotFound("resource_missing", f"there is no such {kind.value}")
        return found

    def note(self, tx: Tx, merchant_id: str, kind: Kind, object_id: str) -> Kept:
        """What a merchant noted about a thing that is no object; empty at first."""
        found = self.find(tx, merchant_id, kind, object_id)
        now_us = self._ports.clock.now_us()
        return found or Kept(object_id, merchant_id, kind, now_us, "noted", version=0)

    def put_note(self, tx: Tx, note: Kept, happened: str) -> tuple[Event, ...]:
        """Store a note that was read in this unit of work."""
        if note.version == 0:
            return self.add(tx, replace(note, version=1), happened)
        return self.put(tx, note, happened)

    def get(self, tx: Tx, merchant_id: str, kind: Kind, object_id: str) -> Kept:
        """An object of this merchant.

        Raises:
            NotFound: `resource_missing`.
        """
        found = self.find(tx, merchant_id, kind, object_id)
        if found is None:
            raise NotFound(
                "resource_missing", f"No such {kind.value}: '{object_id[:64]}'", field=kind.value
            )
        return found

    def page(
        self,
        tx: Tx,
        merchant_id: str,
        kind: Kind,
        page: Page,
        *,
        state: str | None = None,
        customer_id: str | None = None,
        email: str | None = None,
    ) -> list[Kept]:
        """A part of a list, as `ObjectRows.page`."""
        return self._ports.rows.page(
            tx, merchant_id, kind, page, state=state, customer_id=customer_id, email=email
        )

    def add(self, tx: Tx, kept: Kept, happened: str | None) -> tuple[Event, ...]:
        """Store a new object; `happened` is its event's kind, None for what nobody hears of."""
        self._ports.rows.add(tx, kept)
        return self._tell(tx, kept, happened, {})

    def put(
        self, tx: Tx, kept: Kept, happened: str | None, data: Mapping[str, object] | None = None
    ) -> tuple[Event, ...]:
        """Store a change of an object that was read in this unit of work."""
        stored = self._ports.rows.put(
            tx, replace(kept, version=kept.version + 1), was_version=kept.version
        )
        assert stored, "read in the same unit of work"
        return self._tell(tx, kept, happened, data or {})

    def _tell(
        self, tx: Tx, kept: Kept, happened: str | None, data: Mapping[str, object]
    ) -> tuple[Event, ...]:
        self._ports.outbox.add_audit(
            tx,
            AuditRecord(
                at_us=self._ports.clock.now_us(),
                user_id=None,
                action=happened or f"{kept.kind.value}.changed",
                resource_type=kept.kind.value,
                resource_id=kept.id,
                result=kept.state,
                metadata={"merchant_id": kept.merchant_id},
            ),
        )
        if happened is None:
            return ()
        event = self._ports.events.make(
            happened,
            actor=ACTOR,
            payment_id=kept.payment_id,
            data={
                "merchant_id": kept.merchant_id,
                "object": kept.kind.value,
                "object_id": kept.id,
                "state": kept.state,
                **data,
            },
        )
        self._ports.outbox.add_events(tx, (event,))
        return (event,)
