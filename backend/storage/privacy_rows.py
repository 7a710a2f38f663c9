"""What is stored of one person, to be handed out, and to be forgotten: `wallet.ports.PrivacyRows`.

Forgetting takes what tells who it was: e-mail, password, names of devices, addresses, messages,
stored answers. Payments, ledger and audit trail keep a random number in the person's place.
"""

from __future__ import annotations

import orjson
from sqlalchemy import BindParameter, bindparam, delete, literal_column, null, select, update

from backend.runtime.clock import to_iso
from backend.storage import audit_rows, history_rows
from backend.storage.audit_tables import audit_logs
from backend.storage.database import Statement
from backend.storage.request_tables import request_keys
from backend.storage.token_order_rows import SqlOrderRows
from backend.storage.token_order_tables import token_orders
from backend.storage.wallet_tables import (
    device_messages,
    devices,
    provisioned_cards,
    sessions,
    users,
)

ERASED = "erased"
PAGE_ROWS = 200
_OF_USER: BindParameter[str] = bindparam("of_user")
_THEIR_DEVICES = select(devices.c.id).where(devices.c.user_id == _OF_USER)
_REQUESTED = Statement(
    select(provisioned_cards.c.id).where(
        provisioned_cards.c.user_id == _OF_USER,
        provisioned_cards.c.status == literal_column("'requested'"),
    )
)
_FORGET_USER = Statement(
    update(users)
    .where(users.c.id == _OF_USER)
    .values(
        email=bindparam("no_email"),
        password_hash=bindparam("no_password"),
        erased_at_us=bindparam("at_us"),
    )
)
_FORGET_DEVICES = Statement(
    update(devices)
    .where(devices.c.user_id == _OF_USER)
    .values(name=bindparam("no_name"), public_key=null())
)
_FORGET_MESSAGES = Statement(
    delete(device_messages).where(device_messages.c.device_id.in_(_THEIR_DEVICES))
)
_FORGET_ANSWERS = Statement(delete(request_keys).where(request_keys.c.user_id == _OF_USER))
_FORGET_ORDERS = Statement(
    update(token_orders).where(token_orders.c.user_id == _OF_USER).values(ip_address=null())
)
_SESSIONS = Statement(
    select(sessions).where(sessions.c.user_id == _OF_USER).order_by(sessions.c.created_at_us)
)
_AUDIT = Statement(
    select(audit_logs).where(audit_logs.c.user_id == _OF_USER).order_by(audit_logs.c.id)
)


class SqlPrivacyRows(SqlOrderRows):
    """`PrivacyRows` over one transaction."""

    __slots__ = ()

    def is_being_given_a_card(self, user_id: str) -> bool:
        """Whether a network is being asked for a card of theirs at this moment."""
        return self._tx.one(_REQUESTED, {"of_user": user_id}) is not None

    def sessions_of(self, user_id: str) -> list[dict[str, object]]:
        """A person's sessions as they see them."""
        return [
            {
                "deviceId": row["device_id"],
                "createdAt": to_iso(row["created_at_us"]),
                "expiresAt": to_iso(row["expires_at_us"]),
            }
            for row in self._tx.all(_SESSIONS, {"of_user": user_id})
        ]

    def payments_of(self, user_id: str) -> list[dict[str, object]]:
        """Every payment of a person, newest first, as the history shows them."""
        found: list[dict[str, object]] = []
        before_id = None
        while rows := history_rows.page(self._tx, user_id, before_id=before_id, limit=PAGE_ROWS):
            found += rows
            before_id = str(rows[-1]["id"])
        return found

    def audit_of(self, user_id: str) -> list[dict[str, object]]:
        """Every line of the audit trail that names a person, oldest first."""
        return [
            {
                "at": to_iso(row["at_us"]),
                "action": row["action"],
                "resourceType": row["resource_type"],
                "resourceId": row["resource_id"],
                "result": row["result"],
                "ipAddress": row["ip_address"],
                "facts": orjson.loads(row["metadata"]),
            }
            for row in self._tx.all(_AUDIT, {"of_user": user_id})
        ]

    def forget_messages(self, user_id: str) -> None:
        """Delete what waits for a person's devices."""
        self._tx.run(_FORGET_MESSAGES, {"of_user": user_id})

    def forget_person(self, user_id: str, at_us: int) -> None:
        """Take everything that tells who it was."""
        of_user = {"of_user": user_id}
        self._tx.run(
            _FORGET_USER,
            {
                **of_user,
                "no_email": f"{ERASED}-{user_id}",
                "no_password": ERASED,
                "at_us": at_us,
            },
        )
        self._tx.run(_FORGET_DEVICES, {**of_user, "no_name": ERASED})
        self._tx.run(_FORGET_ANSWERS, of_user)
        self._tx.run(_FORGET_ORDERS, of_user)
        audit_rows.forget_addresses(self._tx, user_id)
