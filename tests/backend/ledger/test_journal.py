"""Double entry: balanced or not at all, corrected only by reversing, chained so edits show."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend.domain.money import AMOUNT_MINOR_MAX, Money
from backend.ledger.accounts import Account, Kind, Side, customer_card, pending_settlement
from backend.ledger.chain import GENESIS, SHARDS, Head, chained, first_break, shard_of
from backend.ledger.journal import (
    Direction,
    Posting,
    Promise,
    Purpose,
    Transaction,
    authorization,
    balances,
    imbalance,
    release,
)

PROMISE = Promise(
    "pay_1", "tok_1", "Visa ·4242", "mer_corner_market", "Corner Market", Money(1_240, "USD")
)


@pytest.mark.inv(215)
def test_an_authorization_debits_the_card_and_credits_pending_settlement():
    card, merchant = authorization(PROMISE, at_us=5).postings
    assert (card.account, card.direction) == ("assets:customer-card:tok_1", Direction.DEBIT)
    assert (merchant.account, merchant.direction) == (
        "liabilities:pending-settlement:mer_corner_market",
        Direction.CREDIT,
    )
    assert card.sentence == "Visa ·4242 promises 12.40 USD to Corner Market"
    assert merchant.sentence == "Corner Market awaits 12.40 USD from Visa ·4242"


@pytest.mark.inv(214)
def test_a_release_exchanges_the_columns_and_leaves_nothing():
    made, taken_back = authorization(PROMISE, at_us=5), release(PROMISE, at_us=9, version=3)
    assert taken_back.id == "pay_1:release:3"
    for before, after in zip(made.postings, taken_back.postings, strict=True):
        assert (after.account, after.money) == (before.account, before.money)
        assert after.direction is before.direction.opposite
    assert set(balances(made.postings + taken_back.postings).values()) == {0}


@pytest.mark.inv(212)
@pytest.mark.parametrize(
    "postings",
    [
        (),
        (Posting("a", Direction.DEBIT, Money(1, "USD"), ""),),
        (
            Posting("a", Direction.DEBIT, Money(1, "USD"), ""),
            Posting("b", Direction.CREDIT, Money(2, "USD"), ""),
        ),
        (
            Posting("a", Direction.DEBIT, Money(1, "USD"), ""),
            Posting("b", Direction.CREDIT, Money(1, "EUR"), ""),
        ),
    ],
)
def test_an_unbalanced_transaction_cannot_be_made(postings):
    with pytest.raises(AssertionError):
        Transaction("t", Purpose.AUTHORIZATION, "pay_1", "mer_1", 0, postings)


@pytest.mark.inv(218)
def test_accounts_are_named_as_paths_and_know_their_side():
    assert customer_card("tok_1").kind.side is Side.ASSET
    assert pending_settlement("mer_1").kind.side is Side.LIABILITY
    assert Account(Kind.PROCESSING_FEES).name == "revenue:processing-fees"
    assert len({kind.value[1] for kind in Kind}) == len(Kind)


def test_merchants_spread_over_sixty_four_shards_and_stay_there():
    assert shard_of("mer_corner_market") == 36
    assert {shard_of(f"mer_{number}") for number in range(2_000)} == set(range(SHARDS))


def two_entries():
    first = chained(authorization(PROMISE, at_us=5), Head())
    return first + chained(release(PROMISE, at_us=6), Head(first[-1].seq, first[-1].hash))


def test_a_chain_starts_at_genesis_and_each_entry_continues_it():
    entries = two_entries()
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert entries[0].previous_hash == GENESIS
    assert all(after.previous_hash == before.hash for before, after in pairwise(entries))
    assert first_break(entries) is None


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize(
    "change",
    [
        {"at_us": 7},
        {"payment_id": "pay_2"},
        {"purpose": "capture"},
        {"transaction_id": "x"},
        {"seq": 9},
        {"shard": 1},
        {"posting": Posting("assets:cash", Direction.DEBIT, Money(1_240, "USD"), "")},
        {"previous_hash": bytes(32 * [1])},
        {"hash": bytes(32 * [1])},
    ],
)
def test_any_edit_breaks_the_chain_where_it_is(at, change):
    entries = two_entries()
    entries[at] = dataclasses.replace(entries[at], **change)
    broken = first_break(entries)
    assert broken is entries[at]


@pytest.mark.parametrize("at", range(3))
def test_a_missing_entry_breaks_the_chain_at_its_successor(at):
    entries = two_entries()
    del entries[at]
    assert first_break(entries) is entries[at]


@pytest.mark.parametrize("field", ["account", "direction", "money", "sentence"])
def test_every_field_of_a_posting_is_covered(field):
    other = {
        "account": "assets:cash",
        "direction": Direction.CREDIT,
        "money": Money(1_241, "USD"),
        "sentence": "?",
    }
    entries = two_entries()
    posting = dataclasses.replace(entries[0].posting, **{field: other[field]})
    entries[0] = dataclasses.replace(entries[0], posting=posting)
    assert first_break(entries) is entries[0]


@given(
    st.integers(0, AMOUNT_MINOR_MAX),
    st.sampled_from(["USD", "JPY", "KWD"]),
    st.sampled_from(["Corner Market", "Café ·", ""]),
)
def test_every_promise_balances(amount_minor, currency, merchant_name):
    promise = dataclasses.replace(
        PROMISE, money=Money(amount_minor, currency), merchant_name=merchant_name
    )
    for transaction in (authorization(promise, 0), release(promise, 0)):
        assert imbalance(transaction.postings) == {currency: 0}


class LedgerModel(RuleBasedStateMachine):
    """Promises made and released in any order, against a model of open promises."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = []
        self.open: dict[str, Promise] = {}
        self.made = 0

    def post(self, transaction: Transaction) -> None:
        head = Head(self.entries[-1].seq, self.entries[-1].hash) if self.entries else Head()
        self.entries += chained(transaction, head)

    @rule(
        amount_minor=st.integers(1, 10_000),
        currency=st.sampled_from(["USD", "JPY"]),
        token=st.integers(0, 3),
    )
    def promise(self, amount_minor: int, currency: str, token: int) -> None:
        self.made += 1
        promise = Promise(
            f"pay_{self.made}",
            f"tok_{token}",
            "Visa ·4242",
            "mer_1",
            "Shop",
            Money(amount_minor, currency),
        )
        self.open[promise.payment_id] = promise
        self.post(authorization(promise, self.made))

    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        if self.open:
            payment_id = data.draw(st.sampled_from(sorted(self.open)))
            self.post(release(self.open.pop(payment_id), self.made))

    @invariant()
    def balances_are_the_open_promises(self) -> None:
        expected: dict[tuple[str, str], int] = {}
        for promise in self.open.values():
            money = promise.money
            for account, sign in (
                (customer_card(promise.token_ref).name, 1),
                (pending_settlement("mer_1").name, -1),
            ):
                key = (account, money.currency)
                expected[key] = expected.get(key, 0) + sign * money.amount_minor
        found = balances(entry.posting for entry in self.entries)
        assert {key: value for key, value in found.items() if value} == expected

    @invariant()
    def the_whole_ledger_is_zero_and_the_chain_holds(self) -> None:
        assert not any(imbalance(entry.posting for entry in self.entries).values())
        assert first_break(self.entries) is None


TestLedgerModel = LedgerModel.TestCase
TestLedgerModel.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, derandomize=True
)
