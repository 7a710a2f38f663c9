"""Both sides of a reconciliation as lines: what we booked, what networks and bank say.

Ours come from the advices that told of captures and refunds, and from the journal's cash account;
theirs from the networks' clearing file and the bank's own book. The reference of a network's line
is network, kind, retrieval reference, trace number and transmission time: of the advice for a
refund, of the authorization for its one completion.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from sqlalchemy import Integer, bindparam, func, literal_column, or_, select

from backend.domain.money import is_currency
from backend.ledger.journal import Direction, signed_minor
from backend.networks.message import transmission_time
from backend.runtime.clock import to_datetime
from backend.runtime.errors import BadRequest
from backend.settlement.ports import Presentment, StatementLine
from backend.settlement.reconciliation import Line
from backend.settlement.records import Clearing
from backend.storage.database import Row, Statement, Transaction
from backend.storage.gateway_tables import advices
from backend.storage.ledger_tables import ledger_entries as entries
from backend.storage.payment_tables import payments
from backend.storage.settlement_tables import clearings, payouts

CLEARING_COLUMNS = (
    "network", "rrn", "kind", "stan", "sent", "amount_minor", "currency", "booked_at_us",
)  # fmt: skip
LINES_MAX = 200_000
_span = (bindparam("from_us", type_=Integer), bindparam("to_us", type_=Integer))
_ADVISED = Statement(
    select(
        payments.c.network,
        payments.c.rrn,
        payments.c.stan.label("original_stan"),
        payments.c.sent_at_us.label("original_sent_at_us"),
        payments.c.currency,
        advices.c.kind,
        advices.c.stan,
        advices.c.sent_at_us,
        advices.c.amount_minor,
        advices.c.done_at_us,
    )
    .select_from(advices.join(payments, payments.c.id == advices.c.payment_id))
    .where(
        advices.c.sent_at_us >= _span[0],
        advices.c.sent_at_us < _span[1],
        or_(advices.c.done_at_us.is_(None), advices.c.response_code == literal_column("'00'")),
    )
    .order_by(advices.c.id)
)
_booked_at_us = func.coalesce(payouts.c.arrival_at_us, clearings.c.closes_us, entries.c.at_us)
_CASH = Statement(
    select(
        entries.c.payment_id,
        entries.c.purpose,
        entries.c.direction,
        entries.c.amount_minor,
        entries.c.currency,
        payouts.c.state,
        _booked_at_us.label("booked_at_us"),
    )
    .select_from(
        entries.outerjoin(payouts, payouts.c.id == entries.c.payment_id).outerjoin(
            clearings, clearings.c.id == entries.c.payment_id
        )
    )
    .where(
        entries.c.account == literal_column("'assets:cash'"),
        entries.c.purpose.in_(
            [literal_column(f"'{word}'") for word in ("payout", "payout_failed", "clearing")]
        ),
        or_(payouts.c.state.is_(None), payouts.c.state != literal_column("'canceled'")),
        _booked_at_us >= _span[0],
        _booked_at_us < _span[1],
    )
    .order_by(entries.c.shard, entries.c.seq)
)
_WORDS = {"payout_failed": "return", "clearing": "network", "payout": "payout"}


def advised_lines(tx: Transaction, from_us: int, to_us: int) -> list[Line]:
    """Captures and refunds that we told networks of in a span, refused ones left out."""
    return [
        Line(
            reference=_reference(row["network"], row["kind"], row["rrn"], *_own(row)),
            what=row["kind"],
            signed_minor=-row["amount_minor"] if row["kind"] == "refund" else row["amount_minor"],
            currency=row["currency"],
            day=_day(row["sent_at_us"]),
            under_way=row["done_at_us"] is None,
        )
        for row in tx.all(_ADVISED, {"from_us": from_us, "to_us": to_us})
    ]


def presented_lines(lines: Iterable[Presentment]) -> list[Line]:
    """A clearing file's lines."""
    return [
        Line(
            reference=_reference(each.network, each.kind, each.rrn, each.stan, each.sent),
            what=each.kind,
            signed_minor=-each.amount_minor if each.kind == "refund" else each.amount_minor,
            currency=each.currency,
            day=_day(each.booked_at_us),
        )
        for each in lines
    ]


def cash_lines(tx: Transaction, from_us: int, to_us: int) -> list[Line]:
    """What we booked as moved at our bank, by the days on which the bank is to book it.

    A payout that was canceled never reached the bank.
    """
    return [
        Line(
            reference=f"{row['payment_id']} {_WORDS[row['purpose']]}",
            what=_WORDS[row["purpose"]],
            signed_minor=signed_minor(Direction(row["direction"]), row["amount_minor"]),
            currency=row["currency"],
            day=_day(row["booked_at_us"]),
            under_way=row["state"] in {"pending", "in_transit"},
        )
        for row in tx.all(_CASH, {"from_us": from_us, "to_us": to_us})
    ]


def statement_lines(booked: Sequence[StatementLine], paid: Sequence[Clearing]) -> list[Line]:
    """The bank's statement: payouts and returns of its own book, and what networks paid in.

    Args:
        booked: of the bank's book.
        paid: what the networks' own files come to, day by day.
    """
    lines = [
        Line(
            f"{each.reference} {each.kind}", each.kind, each.signed_minor, each.currency,
            _day(each.booked_at_us),
        )
        for each in booked
    ]  # fmt: skip
    return lines + [
        Line(f"{each.id} network", "network", each.net_minor, each.currency, _day(each.closes_us))
        for each in paid
        if each.net_minor
    ]


def clearing_csv(lines: Iterable[Presentment]) -> str:
    """A clearing file as text, a line for each presentment under its columns' names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CLEARING_COLUMNS)
    for each in lines:
        writer.writerow([getattr(each, name) for name in CLEARING_COLUMNS])
    return text.getvalue()


def read_clearing_csv(text: str) -> list[Presentment]:
    """Read a clearing file back.

    Raises:
        BadRequest: `clearing_file`, with the line to blame.
    """
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or tuple(rows[0]) != CLEARING_COLUMNS:
        raise _bad(1, f"its columns are {','.join(CLEARING_COLUMNS)}")
    if len(rows) > LINES_MAX:
        raise _bad(LINES_MAX, "that is the last line that may be")
    return [_presentment(number, row) for number, row in enumerate(rows[1:], start=2)]


def _presentment(number: int, row: list[str]) -> Presentment:
    if len(row) != len(CLEARING_COLUMNS):
        raise _bad(number, f"a line has {len(CLEARING_COLUMNS)} values")
    network, rrn, kind, stan, sent, amount, currency, booked = row
    if kind not in {"completion", "refund"} or not is_currency(currency):
        raise _bad(number, "its kind is completion or refund, its currency of ISO 4217")
    if not (amount.isdecimal() and booked.isdecimal() and len(amount + booked) < 40):
        raise _bad(number, "its amount and its time are whole numbers")
    return Presentment(network, rrn, kind, stan, sent, int(amount), currency, int(booked))


def _bad(number: int, wanted: str) -> BadRequest:
    return BadRequest("clearing_file", f"line {number} of the file: {wanted}", field="clearing")


def _reference(network: str, kind: str, rrn: str, stan: str, sent: str) -> str:
    return f"{network} {kind} {rrn} {stan} {sent}"


def _own(row: Row) -> tuple[str, str]:
    """Trace number and time under which a network booked; a completion is once an original."""
    if row["kind"] == "refund":
        return row["stan"], transmission_time(row["sent_at_us"])
    return row["original_stan"], transmission_time(row["original_sent_at_us"])


def _day(at_us: int) -> str:
    return to_datetime(at_us).date().isoformat()
