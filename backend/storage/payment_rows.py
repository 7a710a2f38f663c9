"""The payments side's statements, compiled once; what each row means is decided by the rules.

Implements `PaymentRows` of `backend.payments.ports`. A payment that is approved costs twelve
statements over both phases; each of them reaches its rows by key.
"""

from __future__ import annotations

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Text,
    bindparam,
    exists,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from backend.payments.machine import UNSETTLED, State
from backend.payments.records import (
    MODE,
    Channel,
    FollowUp,
    FollowUpKind,
    KeyRecord,
    KeyState,
    Latency,
    Merchant,
    Payment,
)
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.payment_tables import (
    atc_reservations,
    idempotency_keys,
    merchants,
    network_numbers,
    payment_follow_ups,
    payments,
    token_atc,
)
from backend.switch.answers import NetworkReference


def _text(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text)


def _whole(name: str) -> BindParameter[int]:
    return bindparam(name, type_=Integer)


def _this_key() -> ColumnElement[bool]:
    return (
        (idempotency_keys.c.account == _text("of_account"))
        & (idempotency_keys.c.mode == _text("of_mode"))
        & (idempotency_keys.c.key == _text("of_key"))
    )


_CLAIM_KEY = Statement(insert(idempotency_keys).on_conflict_do_nothing())
_FIND_KEY = Statement(select(idempotency_keys).where(_this_key()))
_SET_KEY = Statement(
    update(idempotency_keys)
    .where(_this_key(), idempotency_keys.c.state != literal_column("'final'"))
    .values(
        state=bindparam("new_state"),
        response_status=bindparam("new_status"),
        response_body=bindparam("new_body"),
        updated_at_us=bindparam("at_us"),
    )
)

_reserve = insert(atc_reservations).from_select(
    ["token_ref", "atc", "payment_id", "forged"],
    select(_text("token_ref"), _whole("atc"), _text("payment_id"), literal_column("0")).where(
        (_whole("below_watermark") == 1)
        | ~exists().where(
            token_atc.c.token_ref == _text("token_ref"), token_atc.c.last_atc >= _whole("atc")
        )
    ),
)
_RESERVE_ATC = Statement(
    _reserve.on_conflict_do_update(
        index_elements=["token_ref", "atc"],
        set_={"payment_id": _reserve.excluded.payment_id, "forged": literal_column("0")},
        where=atc_reservations.c.forged == literal_column("1"),
    )
)
_MARK_FORGED = Statement(
    update(atc_reservations)
    .where(
        atc_reservations.c.token_ref == _text("of_token_ref"),
        atc_reservations.c.atc == _whole("of_atc"),
        atc_reservations.c.payment_id == _text("of_payment_id"),
    )
    .values(forged=literal_column("1"))
)
_watermark = insert(token_atc)
_RAISE_WATERMARK = Statement(
    _watermark.on_conflict_do_update(
        index_elements=["token_ref"],
        set_={
            "last_atc": _watermark.excluded.last_atc,
            "updated_at_us": _watermark.excluded.updated_at_us,
        },
        where=token_atc.c.last_atc < _watermark.excluded.last_atc,
    )
)

_CHANGEABLE = (
    "updated_at_us", "version", "state", "response_code", "auth_code", "reason", "steered",
    "hold_open", "engine_us", "network_us", "issuer_us", "database_us",
    "captured_minor", "fee_minor", "refunded_minor", "fee_returned_minor", "voided_at_us",
)  # fmt: skip
_ADD_PAYMENT = Statement(insert(payments))
_UPDATE_PAYMENT = Statement(
    update(payments)
    .where(payments.c.id == _text("of_id"), payments.c.version == _whole("was_version"))
    .values({payments.c[name]: bindparam(f"new_{name}") for name in _CHANGEABLE})
)
_FIND_PAYMENT = Statement(select(payments).where(payments.c.id == _text("id")))
_UNSETTLED = Statement(
    select(payments.c.id, payments.c.state)
    .where(
        payments.c.state.in_(
            [literal_column(f"'{state.value}'") for state in State if state in UNSETTLED]
        )
    )
    .order_by(payments.c.id)
)

_open = payment_follow_ups.c.done_at_us.is_(None)
_ADD_FOLLOW_UP = Statement(
    insert(payment_follow_ups).values(
        payment_id=bindparam("payment_id"),
        kind=bindparam("kind"),
        due_at_us=bindparam("due_at_us"),
        tries=literal_column("0"),
    )
)
_OPEN_FOLLOW_UPS = Statement(
    select(payment_follow_ups)
    .where(payment_follow_ups.c.payment_id == _text("payment_id"), _open)
    .order_by(payment_follow_ups.c.id)
)
_DUE_FOLLOW_UPS = Statement(
    select(payment_follow_ups)
    .where(_open, payment_follow_ups.c.due_at_us <= _whole("at_us"))
    .order_by(payment_follow_ups.c.due_at_us, payment_follow_ups.c.id)
    .limit(_whole("row_limit"))
)
_NEXT_DUE = Statement(
    select(payment_follow_ups.c.due_at_us)
    .where(_open, payment_follow_ups.c.due_at_us > _whole("after_us"))
    .order_by(payment_follow_ups.c.due_at_us)
    .limit(literal_column("1"))
)
_POSTPONE = Statement(
    update(payment_follow_ups)
    .where(payment_follow_ups.c.id == _whole("of_id"), _open)
    .values(due_at_us=bindparam("new_due_at_us"), tries=bindparam("new_tries"))
)
_CLOSE_FOLLOW_UPS = Statement(
    update(payment_follow_ups)
    .where(payment_follow_ups.c.payment_id == _text("of_payment_id"), _open)
    .values(done_at_us=bindparam("at_us"), result=bindparam("new_result"))
)

_FIND_MERCHANT = Statement(select(merchants).where(merchants.c.id == _text("id")))
_ADD_MERCHANT = Statement(insert(merchants).on_conflict_do_nothing())
_FIRST_NUMBER = Statement(
    insert(network_numbers)
    .values(id=literal_column("1"), next_number=literal_column("1"))
    .on_conflict_do_nothing()
)
_TAKE_NUMBERS = Statement(
    update(network_numbers)
    .values(next_number=network_numbers.c.next_number + _whole("taken"))
    .returning(network_numbers.c.next_number)
)


class SqlPaymentRows:
    """Payments, keys, reservations, follow-ups and merchants in SQL."""

    def claim_key(
        self,
        tx: Transaction,
        *,
        account: str,
        key: str,
        request_hash: bytes,
        payment_id: str,
        at_us: int,
    ) -> bool:
        """Insert the key in flight; False when it is already there."""
        changed = tx.run(
            _CLAIM_KEY,
            {
                "account": account,
                "mode": MODE,
                "key": key,
                "request_hash": request_hash,
                "payment_id": payment_id,
                "state": KeyState.IN_FLIGHT.value,
                "response_status": None,
                "response_body": None,
                "created_at_us": at_us,
                "updated_at_us": at_us,
            },
        )
        return changed == 1

    def find_key(self, tx: Transaction, account: str, key: str) -> KeyRecord | None:
        """The key as stored."""
        row = tx.one(_FIND_KEY, {"of_account": account, "of_mode": MODE, "of_key": key})
        if row is None:
            return None
        return KeyRecord(
            account=account,
            key=key,
            request_hash=row["request_hash"],
            payment_id=row["payment_id"],
            state=KeyState(row["state"]),
            status=row["response_status"],
            body=row["response_body"],
        )

    def set_key(
        self,
        tx: Transaction,
        *,
        account: str,
        key: str,
        state: KeyState,
        status: int | None,
        body: bytes | None,
        at_us: int,
    ) -> None:
        """Change what the key answers; a final answer stays for ever."""
        tx.run(
            _SET_KEY,
            {
                "of_account": account,
                "of_mode": MODE,
                "of_key": key,
                "new_state": state.value,
                "new_status": status,
                "new_body": body,
                "at_us": at_us,
            },
        )

    def reserve_atc(self, tx: Transaction, payment: Payment, *, below_watermark: bool) -> bool:
        """Reserve (token, ATC) for a payment; False when used, or not above the watermark."""
        changed = tx.run(
            _RESERVE_ATC,
            {
                "token_ref": payment.token_ref,
                "atc": payment.atc,
                "payment_id": payment.id,
                "below_watermark": int(below_watermark),
            },
        )
        return changed == 1

    def mark_forged(self, tx: Transaction, payment: Payment) -> None:
        """Note that the cryptogram behind this reservation was not the card's."""
        tx.run(
            _MARK_FORGED,
            {
                "of_token_ref": payment.token_ref,
                "of_atc": payment.atc,
                "of_payment_id": payment.id,
            },
        )

    def raise_watermark(self, tx: Transaction, token_ref: str, atc: int, at_us: int) -> None:
        """Move the token's last ATC up, never down."""
        tx.run(_RAISE_WATERMARK, {"token_ref": token_ref, "last_atc": atc, "updated_at_us": at_us})

    def add_payment(self, tx: Transaction, payment: Payment) -> None:
        """Insert a payment."""
        tx.run(_ADD_PAYMENT, _columns(payment))

    def update_payment(self, tx: Transaction, payment: Payment, *, was_version: int) -> bool:
        """Store the changeable columns; False when somebody else changed it meanwhile."""
        columns: dict[str, Value] = {
            "of_id": payment.id,
            "was_version": was_version,
            "new_updated_at_us": payment.updated_at_us,
            "new_version": payment.version,
            "new_state": payment.state.value,
            "new_response_code": payment.response_code,
            "new_auth_code": payment.auth_code,
            "new_reason": payment.reason,
            "new_steered": payment.steered,
            "new_hold_open": int(payment.hold_open),
            "new_engine_us": payment.latency.engine,
            "new_network_us": payment.latency.network,
            "new_issuer_us": payment.latency.issuer,
            "new_database_us": payment.latency.database,
            "new_captured_minor": payment.captured_minor,
            "new_fee_minor": payment.fee_minor,
            "new_refunded_minor": payment.refunded_minor,
            "new_fee_returned_minor": payment.fee_returned_minor,
            "new_voided_at_us": payment.voided_at_us,
        }
        return tx.run(_UPDATE_PAYMENT, columns) == 1

    def find_payment(self, tx: Transaction, payment_id: str) -> Payment | None:
        """One payment."""
        row = tx.one(_FIND_PAYMENT, {"id": payment_id})
        return None if row is None else payment_from_row(row)

    def unsettled(self, tx: Transaction) -> list[tuple[str, State]]:
        """Payments that are authorizing, unknown or reversing."""
        return [(row["id"], State(row["state"])) for row in tx.all(_UNSETTLED)]

    def add_follow_up(
        self, tx: Transaction, payment_id: str, kind: FollowUpKind, due_at_us: int
    ) -> None:
        """Ask the network at `due_at_us`."""
        tx.run(
            _ADD_FOLLOW_UP, {"payment_id": payment_id, "kind": kind.value, "due_at_us": due_at_us}
        )

    def open_follow_ups(self, tx: Transaction, payment_id: str) -> list[FollowUp]:
        """What is still to be asked about a payment."""
        return [_follow_up(row) for row in tx.all(_OPEN_FOLLOW_UPS, {"payment_id": payment_id})]

    def due_follow_ups(self, tx: Transaction, at_us: int, limit: int) -> list[FollowUp]:
        """Open follow-ups due at or before `at_us`, oldest first."""
        return [
            _follow_up(row) for row in tx.all(_DUE_FOLLOW_UPS, {"at_us": at_us, "row_limit": limit})
        ]

    def next_due_us(self, tx: Transaction, after_us: int) -> int | None:
        """When the first open follow-up after `after_us` is due."""
        row = tx.one(_NEXT_DUE, {"after_us": after_us})
        return None if row is None else int(row["due_at_us"])

    def postpone_follow_up(
        self, tx: Transaction, follow_up_id: int, *, due_at_us: int, tries: int
    ) -> None:
        """Ask again later."""
        tx.run(_POSTPONE, {"of_id": follow_up_id, "new_due_at_us": due_at_us, "new_tries": tries})

    def close_follow_ups(
        self, tx: Transaction, payment_id: str, *, result: str, at_us: int
    ) -> None:
        """Nothing more is to be asked about a payment."""
        tx.run(
            _CLOSE_FOLLOW_UPS,
            {"of_payment_id": payment_id, "new_result": result, "at_us": at_us},
        )

    def find_merchant(self, tx: Transaction, merchant_id: str) -> Merchant | None:
        """One merchant."""
        row = tx.one(_FIND_MERCHANT, {"id": merchant_id})
        if row is None:
            return None
        return Merchant(row["id"], row["name"], row["category"], row["terminal_id"])

    def add_merchant(self, tx: Transaction, merchant: Merchant, at_us: int) -> None:
        """Insert a merchant unless it is there."""
        tx.run(
            _ADD_MERCHANT,
            {
                "id": merchant.id,
                "name": merchant.name,
                "category": merchant.category,
                "terminal_id": merchant.terminal_id,
                "created_at_us": at_us,
            },
        )

    def take_numbers(self, tx: Transaction, count: int) -> int:
        """Take `count` network reference numbers for good; the first of them."""
        tx.run(_FIRST_NUMBER)
        row = tx.one(_TAKE_NUMBERS, {"taken": count})
        assert row is not None, "the row was just made sure of"
        return int(row["next_number"]) - count


def payment_from_row(row: Row) -> Payment:
    """A row of `payments` as a value."""
    return Payment(
        id=row["id"],
        tap_id=row["tap_id"],
        account=row["account"],
        key=row["terminal_reference"],
        created_at_us=row["created_at_us"],
        updated_at_us=row["updated_at_us"],
        version=row["version"],
        state=State(row["state"]),
        network=row["network"],
        token_ref=row["token_ref"],
        card_id=row["card_id"],
        user_id=row["user_id"],
        last4=row["last4"],
        atc=row["atc"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        merchant=Merchant(
            row["merchant_id"],
            row["merchant_name"],
            row["merchant_category"],
            row["merchant_terminal_id"],
        ),
        terminal_id=row["terminal_id"],
        reference=None
        if row["rrn"] is None
        else NetworkReference(row["rrn"], row["stan"], row["sent_at_us"]),
        synthetic=bool(row["synthetic"]),
        response_code=row["response_code"],
        auth_code=row["auth_code"],
        reason=row["reason"],
        steered=row["steered"],
        hold_open=bool(row["hold_open"]),
        latency=Latency(row["engine_us"], row["network_us"], row["issuer_us"], row["database_us"]),
        captured_minor=row["captured_minor"],
        fee_minor=row["fee_minor"],
        refunded_minor=row["refunded_minor"],
        fee_returned_minor=row["fee_returned_minor"],
        voided_at_us=row["voided_at_us"],
        channel=Channel(row["transaction_type"]),
    )


def _columns(payment: Payment) -> dict[str, Value]:
    reference = payment.reference
    return {
        "id": payment.id,
        "tap_id": payment.tap_id,
        "account": payment.account,
        "terminal_reference": payment.key,
        "transaction_type": payment.channel.value,
        "created_at_us": payment.created_at_us,
        "updated_at_us": payment.updated_at_us,
        "version": payment.version,
        "state": payment.state.value,
        "network": payment.network,
        "token_ref": payment.token_ref,
        "card_id": payment.card_id,
        "user_id": payment.user_id,
        "last4": payment.last4,
        "atc": payment.atc,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "merchant_id": payment.merchant.id,
        "merchant_name": payment.merchant.name,
        "merchant_category": payment.merchant.category,
        "merchant_terminal_id": payment.merchant.terminal_id,
        "terminal_id": payment.terminal_id,
        "rrn": None if reference is None else reference.rrn,
        "stan": None if reference is None else reference.stan,
        "sent_at_us": None if reference is None else reference.sent_at_us,
        "response_code": payment.response_code,
        "auth_code": payment.auth_code,
        "reason": payment.reason,
        "steered": payment.steered,
        "hold_open": int(payment.hold_open),
        "engine_us": payment.latency.engine,
        "network_us": payment.latency.network,
        "issuer_us": payment.latency.issuer,
        "database_us": payment.latency.database,
        "synthetic": int(payment.synthetic),
        "captured_minor": payment.captured_minor,
        "fee_minor": payment.fee_minor,
        "refunded_minor": payment.refunded_minor,
        "fee_returned_minor": payment.fee_returned_minor,
        "voided_at_us": payment.voided_at_us,
    }


def _follow_up(row: Row) -> FollowUp:
    return FollowUp(
        id=row["id"],
        payment_id=row["payment_id"],
        kind=FollowUpKind(row["kind"]),
        due_at_us=row["due_at_us"],
        tries=row["tries"],
    )
