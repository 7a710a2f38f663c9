"""What the till remembers in its own file: sequence number, last payments, what is still open.

The sequence number makes the Idempotency-Key of an attempt (terminal and sequence), so it is on
disk before the attempt begins: a till that restarts must not reuse a key. A window and a command
may run the same till of one folder at once, so the file decides, and one changes it at a time.
An order after a sale is in the file with its key until its answer has come, for the same reason.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from filelock import FileLock

from lab.engine_shapes import shown_state
from lab.errors import SomethingMissing
from lab.json_fields import Json, as_object, objects, text, whole
from lab.wallet.phone_cache import replace_file

SALES_KEPT = 5
OPEN_KEPT = 100
"""Older payments whose outcome nobody has told yet; a bank that is away does not fill the file."""
FINAL = frozenset({"approved", "declined", "reversed", "not_sent", "captured", "voided", "expired"})
"""States of a payment that need no more asking."""
SEQUENCE_MAX = 99_999_999  # EMV 9F41 is n 4-8


@dataclass(frozen=True, slots=True)
class SaleRecord:
    """A finished sale. `state` is the payment's as last heard; money in minor units."""

    payment_id: str
    at_us: int
    amount_minor: int
    currency: str
    network: str
    last4: str
    state: str
    auth_code: str
    response_code: str
    reason: str
    key: str
    captured_minor: int = 0
    refunded_minor: int = 0

    @property
    def shown(self) -> str:
        """Its state as the till's list shows it."""
        return shown_state(self.state, self.captured_minor, self.refunded_minor)

    def to_json(self) -> Json:
        """The record as it lies in the file."""
        return {name: getattr(self, name) for name in self.__slots__}

    @staticmethod
    def from_json(body: Json) -> SaleRecord:
        """Read one record; raises ValueError when it is none."""
        return SaleRecord(
            payment_id=text(body, "payment_id"),
            at_us=whole(body, "at_us"),
            amount_minor=whole(body, "amount_minor"),
            currency=text(body, "currency"),
            network=text(body, "network"),
            last4=text(body, "last4"),
            state=text(body, "state"),
            auth_code=text(body, "auth_code"),
            response_code=text(body, "response_code"),
            reason=text(body, "reason"),
            key=text(body, "key"),
            captured_minor=whole(body, "captured_minor", 0),
            refunded_minor=whole(body, "refunded_minor", 0),
        )


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order after a sale whose answer has not come; asked again with its key, done once.

    Attributes:
        what: "capture", "void", "refund" or "day".
        payment_id: which sale; "" for the end of the day.
        amount_minor: 0 for all of it.
    """

    what: str
    payment_id: str
    amount_minor: int
    key: str

    def to_json(self) -> Json:
        """The order as it lies in the file."""
        return {name: getattr(self, name) for name in self.__slots__}

    @staticmethod
    def from_json(body: Json) -> OpenOrder:
        """Read one order; raises ValueError when it is none."""
        return OpenOrder(
            text(body, "what"),
            text(body, "payment_id"),
            whole(body, "amount_minor"),
            text(body, "key"),
        )


class TillMemory:
    """The file, and what it holds."""

    def __init__(self, path: Path, terminal_id: str) -> None:
        self._path = path
        self._terminal_id = terminal_id
        self._lock = FileLock(path.with_suffix(".lock"), mode=0o600)
        self._sequence = 0
        self._sales: tuple[SaleRecord, ...] = ()
        self._orders: tuple[OpenOrder, ...] = ()
        self._load()

    @property
    def sales(self) -> tuple[SaleRecord, ...]:
        """The last payments, newest first."""
        return self._sales[:SALES_KEPT]

    def next_attempt(self) -> tuple[int, str]:
        """A new sequence number and its Idempotency-Key; on disk when this returns."""
        with self._changing():
            return self._sequence_up()

    def begin_order(self, what: str, payment_id: str, amount_minor: int = 0) -> OpenOrder:
        """A new order about a sale, or the one that is still open; on disk when this returns."""
        with self._changing():
            known = self._open_order(payment_id)
            if known is not None:
                return known
            _, key = self._sequence_up()
            order = OpenOrder(what, payment_id, amount_minor, key)
            self._orders = (*self._orders, order)[-OPEN_KEPT:]
        return order

    def end_order(self, order: OpenOrder) -> None:
        """Its answer has come."""
        with self._changing():
            self._orders = tuple(known for known in self._orders if known.key != order.key)

    def open_order(self, payment_id: str) -> OpenOrder | None:
        """The order about a sale whose answer has not come; "" is the end of the day."""
        self._load()
        return self._open_order(payment_id)

    def _open_order(self, payment_id: str) -> OpenOrder | None:
        return next((order for order in self._orders if order.payment_id == payment_id), None)

    def _sequence_up(self) -> tuple[int, str]:
        self._sequence = self._sequence % SEQUENCE_MAX + 1
        return self._sequence, f"{self._terminal_id}-{self._sequence:08d}"

    def remember(self, sale: SaleRecord) -> None:
        """Put a sale first; the sixth is forgotten, unless its outcome is open."""
        with self._changing():
            others = tuple(old for old in self._sales if old.payment_id != sale.payment_id)
            listed = (sale, *others)
            still_open = tuple(old for old in listed[SALES_KEPT:] if old.state not in FINAL)
            self._sales = listed[:SALES_KEPT] + still_open[:OPEN_KEPT]

    def settle(self, tap_id: str, sale: SaleRecord) -> None:
        """Put a payment in the place of the offline approval that stood for it."""
        with self._changing():
            self._sales = tuple(old for old in self._sales if old.payment_id != tap_id)
        self.remember(sale)

    def revise(self, payment_id: str, **changes: str | int) -> SaleRecord | None:
        """Change what is known about a remembered sale, in its place; None if it is forgotten."""
        with self._changing():
            known = self.find(payment_id)
            if known is None:
                return None
            revised = replace(known, **changes)  # type: ignore[arg-type]  # by name
            self._sales = tuple(revised if sale is known else sale for sale in self._sales)
        return revised

    def find(self, payment_id: str) -> SaleRecord | None:
        """A remembered sale."""
        return next((sale for sale in self._sales if sale.payment_id == payment_id), None)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """The file as it is now, and as it was left when this is left."""
        with self._lock:
            self._load()
            yield
            body = {
                "sequence": self._sequence,
                "sales": [sale.to_json() for sale in self._sales],
                "orders": [order.to_json() for order in self._orders],
            }
            replace_file(self._path, orjson.dumps(body))

    def _load(self) -> None:
        try:
            body = as_object(orjson.loads(self._path.read_bytes()), self._path.name)
            sales = tuple(SaleRecord.from_json(sale) for sale in objects(body, "sales"))
            orders = objects(body, "orders") if "orders" in body else ()
            self._orders = tuple(OpenOrder.from_json(order) for order in orders)
            self._sequence, self._sales = whole(body, "sequence"), sales
        except FileNotFoundError:
            return  # a new till
        except ValueError as damage:
            # Counting from one again would use keys a second time.
            raise SomethingMissing(
                f"the till's memory {self._path} is damaged ({damage})",
                "load a saved world, or start over with tap-lab world reset",
            ) from damage
