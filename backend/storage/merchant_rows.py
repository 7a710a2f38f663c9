"""Statements of merchants' accounts: settings, keys, notices.

Implements `gateway.merchants.MerchantRows`, `gateway.api_keys.ApiKeyRows` and
`gateway.merchant_notices.NoticeRows`; decides nothing.
"""

from __future__ import annotations

from decimal import Decimal

import orjson
from sqlalchemy import Integer, Text, bindparam, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.gateway.api_keys import ApiKey
from backend.gateway.merchant_account import MerchantAccount, PayoutSchedule, fee_plan_to_json
from backend.gateway.merchant_notices import MerchantNotice
from backend.gateway.merchant_settings import fee_plan_of
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.merchant_tables import api_keys, merchant_notices, merchant_settings
from backend.storage.payment_tables import merchants

settings, notices = merchant_settings, merchant_notices
_joined = select(merchants, settings).select_from(
    merchants.outerjoin(settings, settings.c.merchant_id == merchants.c.id)
)
_ACCOUNT = Statement(_joined.where(merchants.c.id == bindparam("of_id", type_=Text)))
_ACCOUNTS = Statement(_joined.order_by(merchants.c.created_at_us, merchants.c.id))
_ADD_MERCHANT = Statement(insert(merchants))
_RENAME = Statement(
    update(merchants)
    .where(merchants.c.id == bindparam("of_id", type_=Text))
    .values(name=bindparam("new_name"), category=bindparam("new_category"))
)
_put = upsert(settings)
_PUT_SETTINGS = Statement(
    _put.on_conflict_do_update(
        index_elements=["merchant_id"],
        set_={
            column.name: _put.excluded[column.name]
            for column in settings.columns
            if column.name != "merchant_id"
        },
    )
)
_ADD_KEY = Statement(upsert(api_keys).on_conflict_do_nothing())
_END_KEY = Statement(
    update(api_keys)
    .where(api_keys.c.id == bindparam("of_id", type_=Text))
    .values(expires_at_us=bindparam("new_expires"), revoked_at_us=bindparam("new_revoked"))
)
_KEY = Statement(select(api_keys).where(api_keys.c.id == bindparam("of_id", type_=Text)))
_KEY_OF = Statement(select(api_keys).where(api_keys.c.secret_hash == bindparam("of_hash")))
_KEYS = Statement(
    select(api_keys)
    .where(api_keys.c.merchant_id == bindparam("of_merchant", type_=Text))
    .order_by(api_keys.c.created_at_us, api_keys.c.id)
)
_ADD_NOTICE = Statement(
    insert(notices).values(
        **{
            name: bindparam(name)
            for name in ("merchant_id", "kind", "text", "object_id", "sent_at_us")
        }
    )
)
_wanted = bindparam("of_merchant", type_=Text)
_NOTICES = Statement(
    select(notices)
    .where(
        notices.c.id > bindparam("after_id", type_=Integer),
        or_(_wanted.is_(None), notices.c.merchant_id == _wanted),
    )
    .order_by(notices.c.id)
    .limit(bindparam("row_count", type_=Integer))
)


class SqlMerchantRows:
    """Merchants, their keys and their mail in SQL."""

    def add_account(self, tx: Transaction, account: MerchantAccount, at_us: int) -> None:
        """Insert a merchant with its settings."""
        values: dict[str, Value] = {
            "id": account.id,
            "name": account.name,
            "category": account.category,
            "terminal_id": account.terminal_id,
            "created_at_us": at_us,
        }
        tx.run(_ADD_MERCHANT, values)
        tx.run(_PUT_SETTINGS, _settings(account, at_us))

    def put_account(self, tx: Transaction, account: MerchantAccount, at_us: int) -> None:
        """Store what changed about a merchant."""
        tx.run(
            _RENAME,
            {"of_id": account.id, "new_name": account.name, "new_category": account.category},
        )
        tx.run(_PUT_SETTINGS, _settings(account, at_us))

    def account(self, tx: Transaction, merchant_id: str) -> MerchantAccount | None:
        """One merchant."""
        row = tx.one(_ACCOUNT, {"of_id": merchant_id})
        return None if row is None else _account(row)

    def accounts(self, tx: Transaction) -> list[MerchantAccount]:
        """Every merchant, oldest first."""
        return [_account(row) for row in tx.all(_ACCOUNTS)]

    def add_api_key(self, tx: Transaction, key: ApiKey) -> bool:
        """Insert a key; False when its identifier or its secret is there already."""
        values: dict[str, Value] = {
            "id": key.id,
            "merchant_id": key.merchant_id,
            "secret_hash": key.secret_hash,
            "last4": key.last4,
            "created_at_us": key.created_at_us,
            "expires_at_us": key.expires_at_us,
            "revoked_at_us": key.revoked_at_us,
        }
        return tx.run(_ADD_KEY, values) == 1

    def put_api_key(self, tx: Transaction, key: ApiKey) -> None:
        """Store when a key ends or ended."""
        values: dict[str, Value] = {
            "of_id": key.id,
            "new_expires": key.expires_at_us,
            "new_revoked": key.revoked_at_us,
        }
        tx.run(_END_KEY, values)

    def api_key(self, tx: Transaction, key_id: str) -> ApiKey | None:
        """One key."""
        row = tx.one(_KEY, {"of_id": key_id})
        return None if row is None else _key(row)

    def api_key_of(self, tx: Transaction, secret_hash: bytes) -> ApiKey | None:
        """The key with that secret."""
        row = tx.one(_KEY_OF, {"of_hash": secret_hash})
        return None if row is None else _key(row)

    def api_keys(self, tx: Transaction, merchant_id: str) -> list[ApiKey]:
        """A merchant's keys, oldest first."""
        return [_key(row) for row in tx.all(_KEYS, {"of_merchant": merchant_id})]

    def add_notice(self, tx: Transaction, notice: MerchantNotice) -> None:
        """Put a letter in."""
        values: dict[str, Value] = {
            "merchant_id": notice.merchant_id,
            "kind": notice.kind,
            "text": notice.text,
            "object_id": notice.object_id,
            "sent_at_us": notice.sent_at_us,
        }
        tx.run(_ADD_NOTICE, values)

    def notices(
        self, tx: Transaction, merchant_id: str | None, after_id: int, limit: int
    ) -> list[MerchantNotice]:
        """Letters after that one, oldest first; everybody's where no merchant is named."""
        values: dict[str, Value] = {
            "of_merchant": merchant_id,
            "after_id": after_id,
            "row_count": limit,
        }
        return [
            MerchantNotice(
                row["id"], row["merchant_id"], row["kind"], row["text"], row["object_id"],
                row["sent_at_us"],
            )
            for row in tx.all(_NOTICES, values)
        ]  # fmt: skip


def _settings(account: MerchantAccount, at_us: int) -> dict[str, Value]:
    return {
        "merchant_id": account.id,
        "country": account.country,
        "settlement_currency": account.settlement_currency,
        "payout_schedule": account.payout_schedule.value,
        "fee_plan": orjson.dumps(fee_plan_to_json(account.fee_plan)).decode(),
        "tier": account.tier,
        "statement_name": account.statement_name,
        "reserve_basis_points": account.reserve_basis_points,
        "dispute_fee_major": str(account.dispute_fee_major),
        "dispute_fee_back_if_won": int(account.dispute_fee_back_if_won),
        "evidence_days": account.evidence_days,
        "updated_at_us": at_us,
    }


def _account(row: Row) -> MerchantAccount:
    shown = (row["id"], row["name"], row["category"], row["terminal_id"])
    if row["merchant_id"] is None:  # never set: the defaults hold
        return MerchantAccount(*shown)
    return MerchantAccount(
        *shown,
        country=row["country"],
        settlement_currency=row["settlement_currency"],
        payout_schedule=PayoutSchedule(row["payout_schedule"]),
        fee_plan=fee_plan_of(orjson.loads(row["fee_plan"])),
        tier=row["tier"],
        statement_name=row["statement_name"],
        reserve_basis_points=row["reserve_basis_points"],
        dispute_fee_major=Decimal(row["dispute_fee_major"]),
        dispute_fee_back_if_won=bool(row["dispute_fee_back_if_won"]),
        evidence_days=row["evidence_days"],
    )


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        merchant_id=row["merchant_id"],
        secret_hash=row["secret_hash"],
        last4=row["last4"],
        created_at_us=row["created_at_us"],
        expires_at_us=row["expires_at_us"],
        revoked_at_us=row["revoked_at_us"],
    )
