"""What the phone remembers for when it is offline: its cards and the last 50 payments.

A JSON file in the data folder, replaced atomically. It holds what the screen shows anyway: token
references and last four digits, never a number. A damaged file counts as none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from backend.api import to_iso
from lab.engine_shapes import CardRecord, PaymentRecord
from lab.json_fields import Json, as_object, objects

PAYMENTS_KEPT = 50


@dataclass(frozen=True, slots=True)
class PhoneMemory:
    """Cards and payments as last seen from the engine; newest payment first."""

    cards: tuple[CardRecord, ...] = ()
    payments: tuple[Json, ...] = ()

    def with_tap(self, tap: TapLogged) -> PhoneMemory:
        """The memory with a tap on top whose answer the phone does not know."""
        return PhoneMemory(self.cards, (tap.to_json(), *self.payments[: PAYMENTS_KEPT - 1]))

    def with_answer(self, record: PaymentRecord) -> PhoneMemory:
        """The memory with what the bank's message says of a payment, until the engine's history."""
        said = {
            "id": record.id,
            "state": record.state,
            "captured": record.captured_minor,
            "refunded": record.refunded_minor,
        }
        known = {record.id, record.tap_id} - {""}
        payments = tuple(
            {**each, **said} if each.get("id") in known else each for each in self.payments
        )
        return PhoneMemory(self.cards, payments)


@dataclass(frozen=True, slots=True)
class TapLogged:
    """What the phone itself knows of a tap: it gave a cryptogram, and to whom.

    Attributes:
        amount_minor: in minor units of `currency` (ISO 4217 letters).
        at_us: lab time.
    """

    tap_id: str
    card_id: str
    merchant_name: str
    amount_minor: int
    currency: str
    at_us: int

    def to_json(self) -> Json:
        """The shape of the engine's history, still pending."""
        return {
            "id": self.tap_id,
            "cardId": self.card_id,
            "merchantName": self.merchant_name,
            "amount": self.amount_minor,
            "currency": self.currency,
            "createdAt": to_iso(self.at_us),
            "state": "pending",
        }


def load(path: Path) -> PhoneMemory:
    """What was remembered; nothing when there is no readable file."""
    try:
        body = as_object(orjson.loads(path.read_bytes()), path.name)
        cards = tuple(CardRecord.from_json(card) for card in objects(body, "cards"))
        return PhoneMemory(cards, objects(body, "payments"))
    except (FileNotFoundError, ValueError):
        return PhoneMemory()


def store(path: Path, memory: PhoneMemory) -> None:
    """Remember, atomically."""
    body = {
        "cards": [card.to_json() for card in memory.cards],
        "payments": [dict(payment) for payment in memory.payments[:PAYMENTS_KEPT]],
    }
    replace_file(path, orjson.dumps(body))


def forget(path: Path) -> None:
    """Keep nothing."""
    path.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a reader sees the old file or the new one."""
    beside = path.with_name(path.name + ".new")
    beside.touch(mode=0o600)
    beside.write_bytes(content)
    beside.replace(path)
