"""Reads the keys of an expectation: which subjects, and what is right for each.

Words may be one or a list of which any is right; counts are a whole number or bounds
(`{ at_least = 1, at_most = 3 }`); latency is an upper bound in milliseconds of lab time.
"""

from __future__ import annotations

from lab.amounts import currency_of
from lab.errors import WrongUse
from lab.scenarios.fields import Fields, meant
from lab.scenarios.model import NETWORKS, Accepted, Want
from lab.scenarios.subjects import (
    BREAKER_STATES,
    CARD_STATES,
    PAYMENT_STATES,
    TAP_BOUNDS,
    TAP_WORDS,
    WORLD_COUNTS,
    WORLD_WORDS,
)

COUNT_MAX = 10**9
MS_MAX = 3_600_000
MINOR_MAX = 10**15
ACCOUNTS = (
    "cash",
    "receivables",
    "reserves",
    "customer-card",
    "customer-balance",
    "merchant-balance",
    "pending-settlement",
    "processing-fees",
    "subscription-fees",
    "fx-spread",
)
SECTIONS = ("breakers", "rejected", "payments", "fired", "cards", "balances")


def read_wants(
    fields: Fields, *, is_tap: bool, faults: set[str], also: set[str] | None = None
) -> tuple[Want, ...]:
    """Everything that one table expects.

    Args:
        fields: the table.
        is_tap: whether it is about a tap, whose own subjects it may then name.
        faults: names of the scenario's faults.
        also: keys that the caller reads.

    Raises:
        WrongUse: a key, a word or a number that makes no sense.
    """
    wants: list[Want] = []
    for key in fields.names():
        if key in (also or ()):
            continue
        if key in TAP_WORDS or key in TAP_BOUNDS:
            if not is_tap:
                fields.wrong(key, f"{key} is about a tap, and this step is none")
            wants += _about_tap(fields, key)
        elif key in WORLD_WORDS:
            wants.append(Want(key, _words(fields, key, WORLD_WORDS[key])))
        elif key in WORLD_COUNTS:
            wants.append(Want(key, _count(fields, key)))
        elif key in SECTIONS:
            wants += _section(fields, key, faults)
        else:
            known = {*TAP_WORDS, *TAP_BOUNDS, *WORLD_WORDS, *WORLD_COUNTS, *SECTIONS}
            fields.wrong(key, f"unknown key {key!r}; {meant(key, known | (also or set()))}")
    return tuple(wants)


def _about_tap(fields: Fields, key: str) -> list[Want]:
    if key in TAP_WORDS:
        return [Want(key, _words(fields, key, TAP_WORDS[key]))]
    table = fields.table(key, f"{fields.title}, {key}")
    wants = []
    for part in table.names():
        _known(table, part, TAP_BOUNDS[key], "part")
        most = table.number(part, 0.0, MS_MAX)
        wants.append(Want(f"{key}.{part}", Accepted(at_most=most)))
    return wants


def _section(fields: Fields, key: str, faults: set[str]) -> list[Want]:
    table = fields.table(key, f"{fields.title}, {key}")
    wants: list[Want] = []
    for name in table.names():
        match key:
            case "breakers":
                _known(table, name, NETWORKS, "network")
                accepted = _words(table, name, BREAKER_STATES)
            case "cards":
                _known(table, name, NETWORKS, "network")
                accepted = _words(table, name, CARD_STATES)
            case "rejected":
                _known(table, name, NETWORKS, "network")
                accepted = _count(table, name)
            case "payments":
                _known(table, name, PAYMENT_STATES, "state of a payment")
                accepted = _count(table, name)
            case "fired":
                _known(table, name, faults, "fault")
                accepted = _count(table, name)
            case _:
                wants += _balances(table, name)
                continue
        wants.append(Want(f"{key}.{name}", accepted))
    if not wants:
        fields.wrong(key, f"{key} names nothing")
    return wants


def _balances(table: Fields, currency: str) -> list[Want]:
    try:
        currency_of(currency)
    except WrongUse as wrong:
        table.wrong(currency, str(wrong))
    accounts = table.table(currency, f"{table.title} {currency}")
    wants = []
    for account in accounts.names():
        _known(accounts, account, ACCOUNTS, "account")
        minor = accounts.whole(account, -MINOR_MAX, MINOR_MAX)
        wants.append(
            Want(f"balances.{currency}.{account}", Accepted(at_least=minor, at_most=minor))
        )
    return wants


def _words(fields: Fields, key: str, known: tuple[str, ...]) -> Accepted:
    words = fields.choices(key, known) if known else fields.texts(key)
    if not words:
        fields.wrong(key, f"{key} accepts nothing")
    return Accepted(words=words)


def _count(fields: Fields, key: str) -> Accepted:
    value = fields.raw(key)
    if not isinstance(value, dict):
        exact = fields.whole(key, 0, COUNT_MAX)
        return Accepted(at_least=exact, at_most=exact)
    bounds = fields.table(key, f"{fields.title} {key}")
    low = bounds.whole("at_least", 0, COUNT_MAX) if bounds.has("at_least") else None
    high = bounds.whole("at_most", 0, COUNT_MAX) if bounds.has("at_most") else None
    bounds.done()
    if low is None and high is None:
        fields.wrong(key, f"{key} is a number, or {{ at_least = …, at_most = … }}")
    if low is not None and high is not None and low > high:
        fields.wrong(key, f"{key}: at_least {low} is more than at_most {high}")
    return Accepted(at_least=low, at_most=high)


def _known(fields: Fields, name: str, known: tuple[str, ...] | set[str], what: str) -> None:
    if name not in known:
        fields.wrong(name, f"no {what} {name!r}; {meant(name, known)}")
