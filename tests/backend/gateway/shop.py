"""A merchant's server in front of an assembled engine's own services, in its simulated world."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from backend.gateway.card_payments import CardOrder
from backend.payments.records import DEFAULT_MERCHANT, Merchant, Payment
from backend.simulation import SimulatedWorld
from backend.storage.payment_rows import SqlPaymentRows
from backend.storage.verify import Check, verify
from backend.vault.cards import CardEntry, StoredCard

GOOD = "4242424242424242"
OTHER_SHOP = Merchant("mer_other", "Other Shop", "5999", "T0000009")


class Shop:
    """One merchant's server."""

    def __init__(
        self, world: SimulatedWorld, folder: Path, merchant: Merchant = DEFAULT_MERCHANT
    ) -> None:
        self.world = world
        self.folder = folder
        self.merchant = merchant
        self.count = 0

    @property
    def engine(self):
        return self.world.engine

    @property
    def database(self):
        return self.engine.lab.engine_database

    def entry(self, number: str = GOOD, *, cvc: str | None = "123", **changes: Any) -> CardEntry:
        return CardEntry(
            **{"number": number, "exp_month": 12, "exp_year": 2030, "cvc": cvc, **changes}
        )

    def keep(self, number: str = GOOD, *, cvc: str | None = "123", **changes: Any) -> StoredCard:
        entry, vault = self.entry(number, cvc=cvc, **changes), self.engine.cards.vault
        return self.world.run(
            self.database.write(lambda tx: vault.keep(tx, self.merchant.id, entry))
        )

    def order(self, card: StoredCard, amount_minor: int = 1200, **changes: Any) -> CardOrder:
        self.count += 1
        return CardOrder(
            **{
                "merchant": self.merchant,
                "key": f"order-{self.count}",
                "card_id": card.id,
                "amount_minor": amount_minor,
                "currency": "USD",
                **changes,
            }
        )

    async def paying(self, card: StoredCard, amount_minor: int = 1200, **changes: Any) -> Payment:
        order = self.order(card, amount_minor, **changes)
        return await self.engine.cards.payments.authorize(order)

    def pay(self, card: StoredCard, amount_minor: int = 1200, **changes: Any) -> Payment:
        return self.world.run(self.paying(card, amount_minor, **changes))

    def again(self, payment: Payment) -> Payment:
        """The payment as it stands now."""
        found = self.database.read(lambda tx: SqlPaymentRows().find_payment(tx, payment.id))
        assert found is not None
        return found

    def fault(self, **fault: Any) -> None:
        """Put one fault on; nothing takes it away."""
        self._inside(lambda: self.engine.lab.faults.apply([fault] if fault else []))

    def force(self, state: str) -> None:
        """Force Visa's breaker."""
        self._inside(lambda: self.engine.lab.switch.force("visa", state))

    def _inside(self, work: Callable[[], object]) -> None:
        """In the world's loop, where what is said of it finds its recorder."""

        async def run() -> None:
            work()

        self.world.run(run())

    def pass_time(self, seconds: float) -> None:
        self.world.run(self.world.sleep(seconds))

    def ordered(self, what: str, payment: Payment, **body: object) -> dict[str, Any]:
        """Capture, void or refund, through the till's own door."""

        async def post() -> dict[str, Any]:
            async with self.world.client() as client:
                answer = await client.post(
                    f"/api/payments/{payment.id}/{what}",
                    json={"merchantId": self.merchant.id, **body},
                    headers={"Idempotency-Key": f"{what}-{payment.id}"},
                )
                assert answer.status_code == 200, answer.text
                return dict(answer.json())

        return self.world.run(post())

    def events(self, payment: Payment) -> list[tuple[str, dict[str, Any]]]:
        """Kind and data of everything that was said of a payment."""
        recent = self.engine.lab.events.recent()
        return [(event.kind, event.data) for event in recent if event.payment_id == payment.id]

    def stored(self, sql: str, store: str = "engine") -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / f"{store}.db")) as connection:
            return connection.execute(sql).fetchall()

    def red(self) -> list[Check]:
        return [check for check in verify(self.database) if not check.ok]
