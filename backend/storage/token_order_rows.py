"""Orders to the networks in SQL: implements `wallet.ports.OrderRows` on one transaction.

Statements are compiled once, from the tables. No rule lives here.
"""

from __future__ import annotations

from sqlalchemy import bindparam, func, insert, literal_column, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.payment_tables import payments
from backend.storage.token_order_tables import network_cursors, token_orders
from backend.wallet.model import Operation, TokenOrder

orders = token_orders
_OPEN = orders.c.done_at_us.is_(None)
_ADD = Statement(
    insert(orders)
    .values({c.name: bindparam(c.name) for c in orders.columns if c.name != "id"})
    .returning(orders.c.id)
)
_ORDER = Statement(select(orders).where(orders.c.id == bindparam("of_id")))
_NEXT = Statement(
    select(orders)
    .where(orders.c.id.in_(select(func.min(orders.c.id)).where(_OPEN).group_by(orders.c.card_id)))
    .order_by(orders.c.id)
)
_OF_CARD = Statement(
    select(orders).where(orders.c.card_id == bindparam("of_card"), _OPEN).order_by(orders.c.id)
)
_DELETIONS = Statement(
    select(orders)
    .where(
        orders.c.device_id == bindparam("of_device"),
        orders.c.network == bindparam("of_network"),
        orders.c.operation == literal_column("'delete'"),
        _OPEN,
    )
    .order_by(orders.c.id)
)
_POSTPONE = Statement(
    update(orders)
    .where(orders.c.id == bindparam("of_id"))
    .values(due_at_us=bindparam("new_due_at_us"), tries=bindparam("new_tries"))
)
_FINISH = Statement(
    update(orders)
    .where(orders.c.id == bindparam("of_id"), _OPEN)
    .values(done_at_us=bindparam("at_us"), result=bindparam("new_result"))
)
_HEARD = Statement(
    select(network_cursors.c.event_id).where(network_cursors.c.network == bindparam("of_network"))
)
_cursor = upsert(network_cursors).values(
    network=bindparam("network"), event_id=bindparam("event_id")
)
_HEAR = Statement(
    _cursor.on_conflict_do_update(
        index_elements=["network"], set_={"event_id": _cursor.excluded.event_id}
    )
)
_PAYING = Statement(
    select(payments.c.id)
    .where(
        # said as the index of unsettled payments says it, so that SQLite uses that
        literal_column("payments.state IN ('authorizing', 'unknown', 'reversing')"),
        payments.c.state == literal_column("'authorizing'"),
        payments.c.card_id == bindparam("of_card"),
    )
    .limit(literal_column("1"))
)


class SqlOrderRows:
    """`OrderRows` over one transaction."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add_order(self, order: TokenOrder) -> int:
        """Store an order; its number."""
        row = self._tx.one(
            _ADD,
            {
                "card_id": order.card_id,
                "user_id": order.user_id,
                "device_id": order.device_id,
                "network": order.network,
                "token_ref": order.token_ref,
                "operation": order.operation.value,
                "actor": order.actor,
                "reason": order.reason,
                "ip_address": order.ip_address,
                "created_at_us": order.created_at_us,
                "due_at_us": order.due_at_us,
                "tries": order.tries,
                "done_at_us": None,
                "result": None,
            },
        )
        assert row is not None, "an insert returns its row"
        return int(row["id"])

    def order(self, order_id: int) -> TokenOrder | None:
        """That order."""
        row = self._tx.one(_ORDER, {"of_id": order_id})
        return None if row is None else _order(row)

    def next_orders(self) -> list[TokenOrder]:
        """Of every card the oldest order that is not done."""
        return [_order(row) for row in self._tx.all(_NEXT)]

    def open_orders(self, card_id: str) -> list[TokenOrder]:
        """A card's orders that are not done, the oldest first."""
        return [_order(row) for row in self._tx.all(_OF_CARD, {"of_card": card_id})]

    def open_deletions(self, device_id: str, network: str) -> list[TokenOrder]:
        """Tokens of a device that their network has yet to delete."""
        key = {"of_device": device_id, "of_network": network}
        return [_order(row) for row in self._tx.all(_DELETIONS, key)]

    def postpone_order(self, order_id: int, *, due_at_us: int, tries: int) -> None:
        """Try again later."""
        self._tx.run(_POSTPONE, {"of_id": order_id, "new_due_at_us": due_at_us, "new_tries": tries})

    def finish_order(self, order_id: int, *, at_us: int, result: str) -> None:
        """Nothing more is to be done."""
        self._tx.run(_FINISH, {"of_id": order_id, "at_us": at_us, "new_result": result})

    def heard_until(self, network: str) -> int:
        """The last event of a network that was taken in; 0 for none."""
        row = self._tx.one(_HEARD, {"of_network": network})
        return 0 if row is None else int(row["event_id"])

    def hear_until(self, network: str, event_id: int) -> None:
        """Everything up to this event was taken in."""
        values: dict[str, Value] = {"network": network, "event_id": event_id}
        self._tx.run(_HEAR, values)

    def is_paying(self, card_id: str) -> bool:
        """Whether a payment with this card is being authorized at this moment."""
        return self._tx.one(_PAYING, {"of_card": card_id}) is not None


def _order(row: Row) -> TokenOrder:
    return TokenOrder(
        id=row["id"],
        card_id=row["card_id"],
        user_id=row["user_id"],
        device_id=row["device_id"],
        network=row["network"],
        token_ref=row["token_ref"],
        operation=Operation(row["operation"]),
        actor=row["actor"],
        reason=row["reason"],
        ip_address=row["ip_address"],
        created_at_us=row["created_at_us"],
        due_at_us=row["due_at_us"],
        tries=row["tries"],
        is_done=row["done_at_us"] is not None,
        result=row["result"],
    )
