"""Looks at stored data and says which promises hold: the work of `python -m backend verify`.

Each check answers one question, alone, with one plain detail; none repairs anything. Sums and
counts are made by the database, stories and hash chains are replayed with the rules' own pure
functions. A store that was reopened after a kill, before recovery, passes: what is unfinished
there is unfinished in a way that recovery knows. Scans whole tables: not for the request path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import orjson
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from backend.payments.machine import Happening, IllegalTransition, replay
from backend.payments.records import MODE
from backend.runtime.store import Store
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.event_tables import events, outbox_cursors
from backend.storage.payment_tables import (
    idempotency_keys,
    payment_follow_ups,
    payments,
    token_atc,
)
from backend.storage.verify_audit import AUDIT_OFFENDERS, audit_breaks
from backend.storage.verify_counters import COUNTER_OFFENDERS
from backend.storage.verify_disputes import DISPUTE_OFFENDERS
from backend.storage.verify_ledger import LEDGER_BREAKS, LEDGER_OFFENDERS
from backend.storage.verify_sales import SALES_OFFENDERS
from backend.storage.verify_settlement import SETTLEMENT_BREAKS, SETTLEMENT_OFFENDERS
from backend.storage.verify_vault import VAULT_OFFENDERS
from backend.storage.verify_wallet import WALLET_OFFENDERS
from backend.storage.verify_webhooks import WEBHOOK_BREAKS, WEBHOOK_OFFENDERS

T = TypeVar("T")
EXAMPLES_MAX = 3
PAGE_ROWS = 2_000
_KINDS = {happening.value: happening for happening in Happening}


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to one question about the stored data.

    Attributes:
        name: stable; tests and people refer to it.
        ok: whether the promise holds everywhere.
        detail: how much was looked at, or the first few places where it does not hold.
    """

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class HostAuthorization:
    """An authorization as a network host remembers it.

    Attributes:
        network: whose host.
        rrn: retrieval reference number it came with.
        approved: whether it held money at any time.
        reversed: whether a reversal has released it.
    """

    network: str
    rrn: str
    approved: bool
    reversed: bool


HostView = Callable[[], Iterable[HostAuthorization]]


def verify(store: Store[Transaction], *, host_view: HostView | None = None) -> list[Check]:
    """Check every invariant that the stored data must keep.

    Args:
        store: the engine's database.
        host_view: what the network hosts remember; without it nothing is said about them.

    Raises:
        StorageError: the database cannot be read.
    """
    checks = [store.read(check) for check in CHECKS]
    if host_view is not None:
        held = list(host_view())
        checks.append(store.read(lambda tx: _network_authorizations(tx, held)))
    return checks


def _text_is(column: ColumnElement[str], *words: str) -> ColumnElement[bool]:
    return column.in_([literal_column(f"'{word}'") for word in words])


_its_key = and_(
    idempotency_keys.c.account == payments.c.account,
    idempotency_keys.c.mode == literal_column(f"'{MODE}'"),
    idempotency_keys.c.key == payments.c.terminal_reference,
    idempotency_keys.c.payment_id == payments.c.id,
)

# Each of these selects the offenders, named in the column `offender`; none means that all is well.
_OFFENDERS: dict[str, Select[tuple[str]]] = {
    "approved payments hold": select(payments.c.id.label("offender")).where(
        or_(
            and_(
                _text_is(payments.c.state, "approved"), payments.c.hold_open == literal_column("0")
            ),
            and_(
                not_(_text_is(payments.c.state, "approved", "reversing")),
                payments.c.hold_open == literal_column("1"),
            ),
        )
    ),
    "unknown outcomes are followed up": select(payments.c.id.label("offender")).where(
        _text_is(payments.c.state, "unknown", "reversing"),
        ~exists().where(
            payment_follow_ups.c.payment_id == payments.c.id,
            payment_follow_ups.c.done_at_us.is_(None),
        ),
    ),
    "settled payments are left alone": select(payments.c.id.label("offender")).where(
        not_(_text_is(payments.c.state, "unknown", "reversing")),
        exists().where(
            payment_follow_ups.c.payment_id == payments.c.id,
            payment_follow_ups.c.done_at_us.is_(None),
        ),
    ),
    "keys agree with their payments": select(idempotency_keys.c.key.label("offender")).where(
        ~exists().where(
            payments.c.id == idempotency_keys.c.payment_id,
            or_(
                # Of the tap itself, or of an order of the same merchant after the sale.
                and_(
                    payments.c.account == idempotency_keys.c.account,
                    payments.c.terminal_reference == idempotency_keys.c.key,
                ),
                and_(
                    payments.c.merchant_id == idempotency_keys.c.account,
                    _text_is(idempotency_keys.c.state, "final"),
                    payments.c.version > literal_column("2"),
                ),
            ),
            or_(
                and_(
                    _text_is(idempotency_keys.c.state, "in_flight"),
                    _text_is(payments.c.state, "authorizing"),
                ),
                and_(
                    _text_is(idempotency_keys.c.state, "released"),
                    _text_is(payments.c.state, "not_sent"),
                ),
                and_(
                    _text_is(idempotency_keys.c.state, "pending"),
                    _text_is(payments.c.state, "unknown", "reversing"),
                ),
                and_(
                    _text_is(idempotency_keys.c.state, "final"),
                    _text_is(
                        payments.c.state,
                        "approved",
                        "captured",
                        "declined",
                        "reversed",
                        "reversing",
                    ),
                ),
            ),
        )
    ),
    "payments have their keys": select(payments.c.id.label("offender")).where(
        ~exists().where(_its_key)
    ),
    "outbox readers are not ahead": select(outbox_cursors.c.consumer.label("offender")).where(
        outbox_cursors.c.seq
        > select(func.coalesce(func.max(events.c.seq), literal_column("0")))
        .where(_text_is(events.c.source, "engine"))
        .scalar_subquery()
    ),
}
_STATEMENTS = {
    name: Statement(clause)
    for name, clause in (
        LEDGER_OFFENDERS
        | _OFFENDERS
        | COUNTER_OFFENDERS
        | WALLET_OFFENDERS
        | AUDIT_OFFENDERS
        | VAULT_OFFENDERS
        | SETTLEMENT_OFFENDERS
        | DISPUTE_OFFENDERS
        | WEBHOOK_OFFENDERS
    ).items()
}
_BREAKS = {**LEDGER_BREAKS, **SETTLEMENT_BREAKS, **WEBHOOK_BREAKS, "audit hash chain": audit_breaks}

_PAYMENT_PAGE = Statement(
    select(
        payments.c.id,
        payments.c.state,
        payments.c.version,
        payments.c.atc,
        payments.c.voided_at_us,
        token_atc.c.last_atc,
        idempotency_keys.c.state.label("key_state"),
        idempotency_keys.c.response_body,
    )
    .select_from(
        payments.outerjoin(token_atc, token_atc.c.token_ref == payments.c.token_ref).outerjoin(
            idempotency_keys, _its_key
        )
    )
    .where(payments.c.id > bindparam("after", type_=Text))
    .order_by(payments.c.id)
    .limit(bindparam("row_limit", type_=Integer))
)
_PAYMENT_EVENTS = Statement(
    select(events.c.payment_id, events.c.kind, events.c.data)
    .where(
        events.c.payment_id >= bindparam("first", type_=Text),
        events.c.payment_id <= bindparam("last", type_=Text),
        # The plus keeps SQLite from searching all of the source's events for a page of payments.
        literal_column("+events.source") == literal_column("'engine'"),
        _text_is(events.c.kind, *_KINDS),
    )
    .order_by(events.c.payment_id, events.c.seq)
)
_SENT = Statement(
    select(payments.c.id, payments.c.network, payments.c.rrn, payments.c.state).where(
        payments.c.rrn.is_not(None)
    )
)


def _count_offenders(name: str) -> Callable[[Transaction], Check]:
    def check(tx: Transaction) -> Check:
        return _verdict(name, [str(row["offender"]) for row in tx.all(_STATEMENTS[name])])

    return check


def _sales_check(name: str) -> Callable[[Transaction], Check]:
    statement = Statement(SALES_OFFENDERS[name])

    def check(tx: Transaction) -> Check:
        return _verdict(name, [str(row["offender"]) for row in tx.all(statement)])

    return check


def _break_check(name: str, find: Callable[[Transaction], list[str]]) -> Callable[..., Check]:
    def check(tx: Transaction) -> Check:
        return _verdict(name, find(tx))

    return check


def _stories(tx: Transaction) -> Check:
    """The state is the fold of the payment's events, numbered 1, 2, 3 … without a gap."""
    offenders = []
    for payment, story in _payments_with_events(tx):
        told = [orjson.loads(row["data"]).get("version") for row in story]
        if told != list(range(1, payment["version"] + 1)):
            offenders.append(f"{payment['id']}: events {told} of {payment['version']}")
            continue
        try:
            state = replay(_KINDS[row["kind"]] for row in story)
        except IllegalTransition as impossible:
            offenders.append(f"{payment['id']}: {impossible}")
            continue
        if state is None or state.value != payment["state"]:
            offenders.append(f"{payment['id']}: {payment['state']}, its events say {state}")
    return _verdict("state is the fold of its events", offenders)


def _watermarks(tx: Transaction) -> Check:
    """A counter that the network proved lies at or below its token's watermark."""
    offenders = [
        str(payment["id"])
        for payment, story in _payments_with_events(tx)
        if any(orjson.loads(row["data"]).get("cryptogram_valid") is True for row in story)
        and (payment["last_atc"] or 0) < payment["atc"]
    ]
    return _verdict("proven counters lie at or below the watermark", offenders)


def _answers(tx: Transaction) -> Check:
    """What a till was told for good is what the payment is."""
    offenders = []
    for page in _payment_pages(tx):
        for payment in page:
            if payment["key_state"] not in {"final", "pending"}:
                continue
            told = orjson.loads(payment["response_body"] or b"{}")
            stands = payment["state"] in {"approved", "captured"}
            told_yes = stands or payment["voided_at_us"] is not None
            approved = payment["key_state"] == "final" and told_yes
            if told.get("transactionId") != payment["id"] or told.get("approved") is not approved:
                offenders.append(str(payment["id"]))
    return _verdict("answers agree with payments", offenders)


def _network_authorizations(tx: Transaction, remembered: list[HostAuthorization]) -> Check:
    """One authorization a payment, held exactly while the payment may stand."""
    sent = {(row["network"], row["rrn"]): row["state"] for row in tx.all(_SENT)}
    held: dict[tuple[str, str], int] = {}
    offenders = []
    for authorization in remembered:
        if not authorization.approved:
            continue
        reference = (authorization.network, authorization.rrn)
        held[reference] = held.get(reference, 0) + (not authorization.reversed)
        if reference not in sent:
            offenders.append(f"{authorization.rrn}: the engine never sent it")
    for reference, state in sent.items():
        holds = held.get(reference, 0)
        at_most = state in {"approved", "captured", "authorizing", "unknown", "reversing"}
        if holds > at_most or (state in {"approved", "captured"} and holds != 1):
            offenders.append(f"{reference[1]}: {state} with {holds} holds")
    return _verdict("one authorization a payment", offenders)


def _payments_with_events(tx: Transaction) -> Iterator[tuple[Row, list[Row]]]:
    for page in _payment_pages(tx):
        first, last = page[0]["id"], page[-1]["id"]
        rows = tx.all(_PAYMENT_EVENTS, {"first": first, "last": last})
        stories = {
            payment_id: list(story)
            for payment_id, story in groupby(rows, key=lambda row: str(row["payment_id"]))
        }
        for payment in page:
            yield payment, stories.get(payment["id"], [])


def _payment_pages(tx: Transaction) -> Iterator[list[Row]]:
    after: Value = ""
    while page := tx.all(_PAYMENT_PAGE, {"after": after, "row_limit": PAGE_ROWS}):
        yield page
        after = page[-1]["id"]


def _verdict(name: str, offenders: list[str]) -> Check:
    if not offenders:
        return Check(name, ok=True, detail="holds everywhere")
    more = f" and {len(offenders) - EXAMPLES_MAX} more" if len(offenders) > EXAMPLES_MAX else ""
    return Check(name, ok=False, detail="; ".join(offenders[:EXAMPLES_MAX]) + more)


CHECKS: tuple[Callable[[Transaction], Check], ...] = (
    *(_sales_check(name) for name in SALES_OFFENDERS),
    *(_count_offenders(name) for name in _STATEMENTS),
    *(_break_check(name, find) for name, find in _BREAKS.items()),
    _stories,
    _watermarks,
    _answers,
)
