"""What must hold of cards and of what was ordered for them: a part of `verify`.

Each of these selects the offenders, named in the column `offender`; none means that all is well.
"""

from __future__ import annotations

from sqlalchemy import Select, and_, exists, literal_column, or_, select

from backend.storage.token_order_tables import token_orders as orders
from backend.storage.wallet_tables import provisioned_cards as cards

_suspended = cards.c.status == literal_column("'suspended'")
_held = cards.c.suspended_by != literal_column("''")
_ordered = exists().where(
    orders.c.card_id == cards.c.id,
    orders.c.done_at_us.is_(None),
    or_(
        and_(
            orders.c.operation == literal_column("'resume'"),
            cards.c.pending_operation == literal_column("'reactivate'"),
        ),
        and_(
            orders.c.operation == literal_column("'refresh'"),
            cards.c.pending_operation == literal_column("'refresh'"),
        ),
    ),
)

WALLET_OFFENDERS: dict[str, Select[tuple[str]]] = {
    "suspended cards are held by somebody": select(cards.c.id.label("offender")).where(
        or_(and_(_suspended, ~_held), and_(~_suspended, _held))
    ),
    "what a card waits for is ordered": select(cards.c.id.label("offender")).where(
        cards.c.pending_operation.is_not(None), ~_ordered
    ),
}
