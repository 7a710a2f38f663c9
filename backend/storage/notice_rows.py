"""What banks and shops wrote to a person, read from the rows of what they write about.

A person's last payments, then their events; and the last changes that the person's devices were
told of cards. Every question names its person. Decides nothing about who writes what.
"""

from __future__ import annotations

import orjson
from sqlalchemy import bindparam, select

from backend.gateway.card_notices import EVENT_KINDS, CardNotice, about_card, about_payment
from backend.storage.database import Statement, Transaction
from backend.storage.event_rows import event_of
from backend.storage.event_tables import events
from backend.storage.payment_tables import payments
from backend.storage.wallet_tables import device_messages, devices

NOTICES_MAX = 50
_LAST_PAYMENTS = (
    select(payments.c.id)
    .where(payments.c.user_id == bindparam("of_user"))
    .order_by(payments.c.id.desc())
    .limit(bindparam("payments_max"))
)
_EVENTS = Statement(
    select(events, payments.c.card_id, payments.c.transaction_type)
    .join(payments, payments.c.id == events.c.payment_id)
    .where(
        events.c.payment_id.in_(_LAST_PAYMENTS.scalar_subquery()),
        events.c.kind.in_([bindparam(f"kind_{n}") for n in range(len(EVENT_KINDS))]),
    )
    .order_by(events.c.lab_time_us.desc(), events.c.seq.desc())
)
_MESSAGES = Statement(
    select(device_messages.c.id, device_messages.c.body, device_messages.c.created_at_us)
    .join(devices, devices.c.id == device_messages.c.device_id)
    .where(devices.c.user_id == bindparam("of_user"), device_messages.c.kind == bindparam("kind"))
    .order_by(device_messages.c.id.desc())
    .limit(bindparam("messages_max"))
)
_KINDS = {f"kind_{number}": kind for number, kind in enumerate(EVENT_KINDS)}


def notices_of(tx: Transaction, user_id: str, limit: int = NOTICES_MAX) -> list[CardNotice]:
    """The newest messages to a person, newest first."""
    told = tx.all(_EVENTS, {"of_user": user_id, "payments_max": NOTICES_MAX, **_KINDS})
    found = [
        notice
        for row in told
        for notice in about_payment(event_of(row), row["card_id"], row["transaction_type"])
    ]
    changes = tx.all(
        _MESSAGES, {"of_user": user_id, "kind": "token_status_change", "messages_max": limit}
    )
    found += [
        notice
        for row in changes
        for notice in about_card(row["id"], orjson.loads(row["body"]), row["created_at_us"])
    ]
    found.sort(key=lambda notice: -notice.sent_at_us)  # stable: what happened later stays first
    return found[:limit]
