"""Statements of payments in apps: `gateway.in_app.InAppRows` and `gateway.merchant_keys.KeyRows`.

Decides nothing but what one statement can decide: whether a token is new, and whether a session is
still to be paid.
"""

from __future__ import annotations

import orjson
from sqlalchemy import bindparam, exists, insert, literal_column, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.gateway.in_app_records import LineItem, Session, SessionOrder, TakenToken
from backend.payments.machine import State
from backend.payments.records import Merchant
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.in_app_tables import in_app_sessions, in_app_tokens, token_keys
from backend.storage.payment_tables import merchants, payments
from backend.storage.wallet_tables import device_messages, devices

sessions, tokens = in_app_sessions, in_app_tokens
_KEY = Statement(
    select(token_keys.c.certificate, token_keys.c.sealed_key).where(
        token_keys.c.name == bindparam("of_name")
    )
)
_key = upsert(token_keys)
_PUT_KEY = Statement(
    _key.on_conflict_do_update(
        index_elements=["name"],
        set_={
            "certificate": _key.excluded.certificate,
            "sealed_key": _key.excluded.sealed_key,
            "created_at_us": _key.excluded.created_at_us,
        },
    )
)
_ADD_SESSION = Statement(insert(sessions))
_SESSION = Statement(
    select(
        sessions,
        merchants.c.name.label("shop_name"),
        merchants.c.category.label("shop_category"),
        merchants.c.terminal_id.label("shop_terminal_id"),
        payments.c.state,
    )
    .select_from(
        sessions.join(merchants, merchants.c.id == sessions.c.merchant_id).outerjoin(
            payments, payments.c.id == sessions.c.payment_id
        )
    )
    .where(sessions.c.id == bindparam("of_id"))
)
_TOKEN_OF = Statement(select(tokens).where(tokens.c.payment_id == bindparam("of_payment_id")))
# Only a payment that ended as "no" leaves a session open for another one.
_still_unpaid = or_(
    sessions.c.payment_id.is_(None),
    exists().where(
        payments.c.id == sessions.c.payment_id,
        payments.c.state.in_([literal_column("'declined'"), literal_column("'reversed'")]),
    ),
)
_open = (
    sessions.c.id == bindparam("of_id"),
    sessions.c.cancelled_at_us.is_(None),
    _still_unpaid,
)
_PAY = Statement(
    update(sessions)
    .where(*_open, sessions.c.expires_at_us > bindparam("at_us"))
    .values(payment_id=bindparam("new_payment_id"))
)
_CANCEL = Statement(update(sessions).where(*_open).values(cancelled_at_us=bindparam("at_us")))
_TAKE = Statement(upsert(tokens).on_conflict_do_nothing())
_ASK = Statement(
    insert(device_messages).from_select(
        ["device_id", "kind", "body", "created_at_us"],
        select(
            devices.c.id, bindparam("new_kind"), bindparam("new_body"), bindparam("at_us")
        ).where(devices.c.id == bindparam("of_device"), devices.c.lost_at_us.is_(None)),
    )
)


class SqlInAppRows:
    """Sessions, tokens and keys in the caller's unit of work."""

    def token_key(self, tx: Transaction, name: str) -> tuple[str, bytes] | None:
        """Certificate (PEM) and sealed key."""
        row = tx.one(_KEY, {"of_name": name})
        return None if row is None else (str(row["certificate"]), bytes(row["sealed_key"]))

    def put_token_key(
        self, tx: Transaction, name: str, certificate: str, sealed_key: bytes, at_us: int
    ) -> None:
        """Store them in place of what stood there."""
        tx.run(
            _PUT_KEY,
            {
                "name": name,
                "certificate": certificate,
                "sealed_key": sealed_key,
                "created_at_us": at_us,
            },
        )

    def add_session(self, tx: Transaction, session: Session) -> None:
        """Store a session."""
        order = session.order
        tx.run(
            _ADD_SESSION,
            {
                "id": session.id,
                "merchant_id": order.merchant_id,
                "device_id": order.device_id,
                "amount_minor": order.amount_minor,
                "currency": order.currency,
                "country": order.country,
                "line_items": orjson.dumps([i.to_json() for i in order.line_items]).decode(),
                "networks": " ".join(order.networks),
                "capabilities": " ".join(order.capabilities),
                "unpredictable_number": session.unpredictable_number,
                "created_at_us": session.created_at_us,
                "expires_at_us": session.expires_at_us,
                "cancelled_at_us": None,
                "payment_id": None,
            },
        )

    def session(self, tx: Transaction, session_id: str) -> Session | None:
        """A session, with what became of it."""
        row = tx.one(_SESSION, {"of_id": session_id})
        if row is None:
            return None
        taken = None
        if row["payment_id"] is not None:
            taken = tx.one(_TOKEN_OF, {"of_payment_id": row["payment_id"]})
        state = None if row["state"] is None else State(row["state"])
        return _session(row).of(state, None if taken is None else TakenToken(*taken))

    def cancel_session(self, tx: Transaction, session_id: str, at_us: int) -> bool:
        """Close a session that nothing was paid in; False when there is none such."""
        return tx.run(_CANCEL, {"of_id": session_id, "at_us": at_us}) > 0

    def pay_session(self, tx: Transaction, session_id: str, payment_id: str, at_us: int) -> bool:
        """This payment is the session's now; False when it is closed, or another may yet count."""
        values: dict[str, Value] = {
            "of_id": session_id,
            "new_payment_id": payment_id,
            "at_us": at_us,
        }
        return tx.run(_PAY, values) > 0

    def take_token(self, tx: Transaction, token: TakenToken) -> bool:
        """Take a token; False when its transaction identifier was seen before."""
        return (
            tx.run(
                _TAKE,
                {
                    "transaction_id": token.transaction_id,
                    "merchant_id": token.merchant_id,
                    "payment_id": token.payment_id,
                    "version": token.version,
                    "signed_at_us": token.signed_at_us,
                },
            )
            > 0
        )

    def ask_device(
        self, tx: Transaction, device_id: str, kind: str, body: dict[str, object], at_us: int
    ) -> bool:
        """Queue a message for a device that is not lost; False when nobody has such a device."""
        values: dict[str, Value] = {
            "of_device": device_id,
            "new_kind": kind,
            "new_body": orjson.dumps(body).decode(),
            "at_us": at_us,
        }
        return tx.run(_ASK, values) > 0


def _session(row: Row) -> Session:
    items = tuple(
        LineItem(item["label"], item["amount"]) for item in orjson.loads(row["line_items"])
    )
    order = SessionOrder(
        merchant_id=row["merchant_id"],
        device_id=row["device_id"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        country=row["country"],
        line_items=items,
        networks=tuple(row["networks"].split()),
        capabilities=tuple(row["capabilities"].split()),
    )
    shop = Merchant(
        row["merchant_id"], row["shop_name"], row["shop_category"], row["shop_terminal_id"]
    )
    return Session(
        id=row["id"],
        order=order,
        merchant=shop,
        unpredictable_number=bytes(row["unpredictable_number"]),
        created_at_us=row["created_at_us"],
        expires_at_us=row["expires_at_us"],
        cancelled_at_us=row["cancelled_at_us"],
        payment_id=row["payment_id"],
    )
