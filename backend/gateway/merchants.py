"""Merchants of the gateway: taken on, found, and their settings changed.

A merchant is a row of `merchants` (what a cardholder reads) and the settings beside it. A change is
one unit of work with its event and its audit line. Knows no key (`api_keys`), no SQL and no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from backend.gateway.merchant_account import MerchantAccount, PayoutSchedule
from backend.gateway.merchant_settings import changed
from backend.outbox.ports import AuditRecord, Outbox
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream, identifier
from backend.runtime.errors import BadRequest, NotFound
from backend.runtime.events import Event, EventLog
from backend.runtime.store import Store

__all__ = ["MerchantAccount", "MerchantPorts", "MerchantRows", "Merchants", "PayoutSchedule"]

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
ACTOR = "merchant"


class MerchantRows(Protocol[Tx_contra]):
    """Merchants with their settings."""

    def add_account(self, tx: Tx_contra, account: MerchantAccount, at_us: int) -> None:
        """Insert a merchant with its settings."""

    def put_account(self, tx: Tx_contra, account: MerchantAccount, at_us: int) -> None:
        """Store what changed about a merchant."""

    def account(self, tx: Tx_contra, merchant_id: str) -> MerchantAccount | None:
        """One merchant."""

    def accounts(self, tx: Tx_contra) -> list[MerchantAccount]:
        """Every merchant, oldest first."""


@dataclass(frozen=True, slots=True)
class MerchantPorts(Generic[Tx]):
    """Everything that keeping merchants takes from outside.

    Attributes:
        identifiers: stream for the random part of identifiers.
    """

    store: Store[Tx]
    rows: MerchantRows[Tx]
    outbox: Outbox[Tx]
    events: EventLog
    clock: Clock
    identifiers: Stream


class Merchants(Generic[Tx]):
    """Takes merchants on and changes their settings."""

    def __init__(self, ports: MerchantPorts[Tx]) -> None:
        self._ports = ports
        self._heeders: list[Callable[[str], None]] = []

    def heed(self, changed: Callable[[str], None]) -> None:
        """Call `changed` with a merchant's id after each change of its settings."""
        self._heeders.append(changed)

    def all(self) -> list[MerchantAccount]:
        """Every merchant, oldest first."""
        return self._ports.store.read(self._ports.rows.accounts)

    def find(self, merchant_id: str) -> MerchantAccount:
        """One merchant.

        Raises:
            NotFound: `merchant_not_found`.
        """
        return self._ports.store.read(lambda tx: self.of(tx, merchant_id))

    def of(self, tx: Tx, merchant_id: str) -> MerchantAccount:
        """One merchant, inside a unit of work.

        Raises:
            NotFound: `merchant_not_found`.
        """
        found = self._ports.rows.account(tx, merchant_id)
        if found is None:
            raise NotFound("merchant_not_found", "there is no such merchant")
        return found

    async def take_on(self, wanted: Mapping[str, object]) -> MerchantAccount:
        """A new merchant with its settings; `name` and `category` at least.

        Raises:
            BadRequest: a setting that cannot be, named by its field.
            StorageError: the database refused; nothing was done.
        """
        for name in ("name", "category"):
            if name not in wanted:
                raise BadRequest("missing_field", f"{name} is required", field=name)
        ports = self._ports
        merchant_id = identifier(ports.identifiers, "mer")
        till = f"T{int.from_bytes(ports.identifiers.bytes(3), 'big') % 10**7:07d}"
        account = changed(MerchantAccount(merchant_id, "", "", till), wanted)

        def work(tx: Tx) -> Event:
            ports.rows.add_account(tx, account, ports.clock.now_us())
            return self._say(tx, "merchant.created", account, wanted)

        ports.events.publish(await ports.store.write(work))
        return account

    async def change(self, merchant_id: str, wanted: Mapping[str, object]) -> MerchantAccount:
        """Change settings; what is not named stays.

        Raises:
            NotFound: `merchant_not_found`.
            BadRequest: a setting that cannot be, named by its field.
            StorageError: the database refused; nothing was done.
        """
        ports = self._ports

        def work(tx: Tx) -> tuple[MerchantAccount, Event]:
            account = changed(self.of(tx, merchant_id), wanted)
            ports.rows.put_account(tx, account, ports.clock.now_us())
            return account, self._say(tx, "merchant.updated", account, wanted)

        account, event = await ports.store.write(work)
        for heeder in self._heeders:
            heeder(merchant_id)
        ports.events.publish(event)
        return account

    def place(self, tx: Tx, merchant_id: str, *, tier: int) -> None:
        """Put a merchant into a tier, in the caller's unit of work and without a word."""
        placed = replace(self.of(tx, merchant_id), tier=tier)
        self._ports.rows.put_account(tx, placed, self._ports.clock.now_us())

    def _say(
        self, tx: Tx, kind: str, account: MerchantAccount, wanted: Mapping[str, object]
    ) -> Event:
        shown = account.to_json()
        facts = {name: shown[name] for name in wanted}
        event = self._ports.events.make(
            kind,
            actor=ACTOR,
            data={
                "merchant_id": account.id,
                "object": "account",
                "object_id": account.id,
                "changed": facts,
            },
        )
        self._ports.outbox.add_events(tx, (event,))
        self._ports.outbox.add_audit(
            tx,
            AuditRecord(
                self._ports.clock.now_us(), None, kind, "merchant", account.id, "done", facts
            ),
        )
        return event
