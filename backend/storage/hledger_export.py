"""The journal as plain text that hledger reads: `python -m backend ledger export`.

One transaction an entry group, in the order of the shards; each posting's sentence is its comment.
Amounts are whole minor units brought to their decimals, so nothing is rounded. Source: hledger's
journal format (hledger.org, "journal"): a date, a description, postings indented by four spaces
with two spaces before the amount; `commodity` says how many decimals a currency has.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import select

from backend.domain.money import exponent
from backend.ledger.chain import Entry
from backend.ledger.journal import Direction
from backend.runtime.clock import to_datetime
from backend.storage.database import Statement, Transaction
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.ledger_tables import ledger_entries as entries

_CURRENCIES = Statement(select(entries.c.currency).distinct().order_by(entries.c.currency))


def hledger_lines(tx: Transaction) -> Iterator[str]:
    """The whole journal, line by line, without line ends."""
    yield "; the journal of a laboratory: test money"
    for row in tx.all(_CURRENCIES):
        yield f"commodity {_decimal(1_000 * 10 ** exponent(row['currency']), row['currency'])}"
    rows = SqlLedgerRows()
    for shard in rows.shards(tx):
        for transaction_id, lines in groupby(
            rows.of_shard(tx, shard), key=lambda entry: entry.transaction_id
        ):
            yield from _transaction(transaction_id, list(lines))


def _transaction(transaction_id: str, lines: list[Entry]) -> Iterator[str]:
    first = lines[0]
    day = to_datetime(first.at_us).date().isoformat()
    yield ""
    yield f"{day} ({transaction_id}) {first.purpose.replace('_', ' ')}"
    for entry in lines:
        posting = entry.posting
        sign = 1 if posting.direction is Direction.DEBIT else -1
        amount = _decimal(sign * posting.money.amount_minor, posting.money.currency)
        yield f"    {posting.account}  {amount}  ; {_one_line(posting.sentence)}"


def _decimal(amount_minor: int, currency: str) -> str:
    """`-12.40 USD`; a currency without decimals keeps its point, which hledger asks for."""
    places = exponent(currency)
    sign, digits = ("-" if amount_minor < 0 else ""), str(abs(amount_minor)).rjust(places + 1, "0")
    whole, fraction = (digits[:-places], digits[-places:]) if places else (digits, "")
    return f"{sign}{whole}.{fraction} {currency}"


def _one_line(sentence: str) -> str:
    return " ".join(sentence.split())
