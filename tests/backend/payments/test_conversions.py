"""Taken in one currency, settled in another: exact, once rounded, and undone as it was done."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.money import currencies, exponent
from backend.gateway.fees import BASE_ONLY, PERCENT_ONLY, STANDARD, FeePlan
from backend.gateway.pricing import MerchantPricing, SellerTerms, TaxTable
from backend.runtime.errors import Conflict
from backend.settlement.fx import (
    REFRESH_US,
    VALID_US,
    Rate,
    RatePorts,
    Rates,
    SimulatedProvider,
    convert,
    exact,
    share,
)
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.rate_rows import SqlConversionRows, SqlRateRows
from tests.settling import Settling


def rate(base: str, quote: str, value: str) -> Rate:
    return Rate(base, quote, Decimal(value), 0, 1)


@pytest.mark.inv(237, 240, 242)
def test_the_worked_example_is_exact_under_the_base_plan():
    gross_minor = convert(10_000, rate("EUR", "USD", "1.10"))
    parts = BASE_ONLY.parts(gross_minor, "USD", international=True, converted=True)
    assert (gross_minor, parts.processing_minor, parts.spread_minor) == (11_000, 349, 0)
    assert parts.net_minor == 10_651


@pytest.mark.inv(238, 239)
def test_the_standard_plan_adds_one_percent_for_each():
    assert STANDARD.parts(11_000, "USD").processing_minor == 349
    assert STANDARD.parts(11_000, "USD", international=True).processing_minor == 459
    both = STANDARD.parts(11_000, "USD", international=True, converted=True)
    assert (both.processing_minor, both.spread_minor, both.net_minor) == (459, 110, 10_431)
    assert PERCENT_ONLY.parts(10_000, "USD").net_minor == 9_710
    taxed = STANDARD.parts(10_000, "USD", tax_basis_points=1_900)
    assert (taxed.processing_minor, taxed.tax_minor, taxed.net_minor) == (320, 61, 9_619)


@given(
    amount=st.integers(1, 10**11),
    international=st.booleans(),
    converted=st.booleans(),
    tax=st.integers(0, 3_000),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_a_fee_is_rounded_once_and_its_parts_add_up(
    amount, international, converted, tax, currency
):
    plan = FeePlan()
    parts = plan.parts(
        amount, currency, international=international, converted=converted, tax_basis_points=tax
    )
    assert min(parts.processing_minor, parts.spread_minor, parts.tax_minor, parts.net_minor) >= 0
    points = 290 + 100 * international + 100 * converted
    fixed = Decimal("0.30").scaleb(exponent(currency)).quantize(Decimal(1))
    whole = Decimal(amount * points) / 10_000 + fixed
    fee = parts.processing_minor + parts.spread_minor
    assert abs(fee - min(whole, amount)) <= Decimal("0.5")


@pytest.mark.inv(233)
@given(
    base=st.sampled_from(currencies()),
    quote=st.sampled_from(currencies()),
    amount=st.integers(1, 10**12 - 1),
    slot=st.integers(0, 100_000),
)
def test_conversion_is_exact_to_half_a_minor_unit_between_any_two(base, quote, amount, slot):
    assert len(currencies()) >= 150
    found = SimulatedProvider(7).fetch(slot * REFRESH_US)
    pair = Rate(base, quote, found[base] / found[quote], 0, 1)
    assert abs(exact(amount, pair) - convert(amount, pair)) <= Decimal("0.5")
    assert found == SimulatedProvider(7).fetch(slot * REFRESH_US + 1)


@given(whole=st.integers(0, 10**9), captured=st.integers(1, 10**6), data=st.data())
def test_parts_of_a_full_refund_add_up_to_the_whole(whole, captured, data):
    refunded, given_back = 0, 0
    while refunded < captured:
        refunded += data.draw(st.integers(max(1, captured // 5), captured)) % captured + 1
        refunded = min(refunded, captured)
        part = share(whole, refunded, captured) - given_back
        assert part >= 0
        given_back += part
    assert given_back == whole


@dataclass
class Fixed:
    """A provider whose rates a test names."""

    values: dict[str, Decimal]
    asked: int = 0

    def fetch(self, at_us: int) -> dict[str, Decimal]:
        del at_us
        self.asked += 1
        return dict(self.values)


@dataclass
class Seller:
    """One seller's terms."""

    terms: SellerTerms
    country: str | None = None

    def seller(self, *_):
        return self.terms

    def card_country(self, *_):
        return self.country


class FxLab:
    """The payments lab with a merchant that is settled in US dollars."""

    def __init__(self, lab, plan=BASE_ONLY, country=None, taxes=None):
        self.lab = lab
        self.provider = Fixed({"EUR": Decimal("1.10"), "JPY": Decimal("0.0067"), "USD": Decimal(1)})
        self.rates = Rates(
            RatePorts(
                lab.database,
                SqlRateRows(),
                self.provider,
                SqlOutbox(),
                lab.events,
                lab.clock,
                lab.scheduler,
            )
        )
        seller = Seller(SellerTerms(plan, "USD", "US"), country)
        lab.pricing = MerchantPricing(seller, self.rates, SqlConversionRows(), taxes)
        lab.start_engine(first_seq=1_000)
        self.settling = Settling(lab)

    def captured(self, order, currency="EUR", amount_minor=10_000, atc=1):
        self.lab.pay(order(atc=atc, amount_minor=amount_minor, currency=currency), f"k{atc}")
        payment_id = self.lab.one("SELECT id FROM payments WHERE atc = :atc", atc=atc)["id"]
        self.lab.order_at_desk("capture", payment_id, f"c{atc}")
        return payment_id


def accounts(lab):
    sql = (
        "SELECT account, currency, SUM(CASE direction WHEN 'debit' THEN amount_minor"
        " ELSE -amount_minor END) AS minor FROM ledger_entries GROUP BY account, currency"
    )
    return {(row["account"], row["currency"]): row["minor"] for row in lab.all(sql)}


@pytest.mark.inv(231, 236, 240, 241)
def test_a_payment_in_euros_is_settled_in_dollars(lab, order):
    fx = FxLab(lab)
    payment_id = fx.captured(order)
    held = accounts(lab)
    assert held["liabilities:merchant-pending:mer_corner_market", "USD"] == -10_651
    assert held["revenue:processing-fees", "USD"] == -349
    assert (held["assets:fx-position", "EUR"], held["assets:fx-position", "USD"]) == (
        -10_000, 11_000,
    )  # fmt: skip
    row = lab.one("SELECT * FROM payment_conversions")
    assert (row["presentment_minor"], row["presentment_currency"]) == (10_000, "EUR")
    assert (row["settlement_minor"], row["settlement_currency"]) == (11_000, "USD")
    assert (row["rate"], row["fee_minor"]) == ("1.10000000", 349)
    fx.settling.pass_days(1)
    (batch,) = fx.settling.batches()
    assert (batch.currency, batch.gross_minor, batch.fees_minor) == ("USD", 11_000, 349)
    assert batch.net_minor == 10_651
    lab.order_at_desk("refund", payment_id, "r1", 3_333)
    lab.order_at_desk("refund", payment_id, "r2", 3_333)
    lab.order_at_desk("refund", payment_id, "r3")
    lab.pass_advices(1)
    row = lab.one("SELECT returned_minor, fee_returned_minor FROM payment_conversions")
    assert (row["returned_minor"], row["fee_returned_minor"]) == (11_000, 349)
    assert accounts(lab)["assets:fx-position", "EUR"] == 0
    assert lab.red_checks() == []


def test_the_fee_for_converting_is_the_spread_and_tax_is_owed(lab, order):
    fx = FxLab(lab, STANDARD, country="FR", taxes=TaxTable({"US": 1_000}))
    fx.captured(order, currency="JPY", amount_minor=100_000)
    held = accounts(lab)
    # 670.00: 3.9 % and 0.30 are 26.43, one percent for converting 6.70, a tenth of both is 3.31
    assert held["revenue:processing-fees", "USD"] == -2_643
    assert held["revenue:fx-spread", "USD"] == -670
    assert held["liabilities:tax", "USD"] == -331
    assert held["liabilities:merchant-pending:mer_corner_market", "USD"] == -63_356
    fx.settling.pass_days(1)
    (batch,) = fx.settling.batches()
    assert (batch.gross_minor, batch.fees_minor) == (67_000, 2_643 + 670 + 331)
    assert lab.red_checks() == []


def test_a_refused_refund_is_booked_back_at_its_own_rate(lab, order):
    fx = FxLab(lab)
    payment_id = fx.captured(order)
    lab.pass_advices(1)
    before = accounts(lab)
    fx.provider.values["EUR"] = Decimal("1.30")
    lab.networks.advice_faults.append("14")
    lab.order_at_desk("refund", payment_id, "r1", 2_500)
    lab.pass_advices(1)
    assert accounts(lab) == before
    assert lab.red_checks() == []


@pytest.mark.inv(234, 235)
def test_rates_are_fetched_every_half_hour_and_valid_for_one(lab, order):
    fx = FxLab(lab)
    assert lab.run(fx.rates.refresh())
    assert not lab.run(fx.rates.refresh())
    lab.run(lab.scheduler.sleep(REFRESH_US / 1e6))
    fx.provider.values["EUR"] = Decimal("1.20")
    assert lab.run(fx.rates.refresh())
    assert fx.provider.asked == 2

    def eur(tx):
        return fx.rates.between(tx, "EUR", "USD")

    assert lab.database.read(eur).rate == Decimal("1.2")
    yen = lab.database.read(lambda tx: fx.rates.between(tx, "EUR", "JPY"))
    assert yen.rate == Decimal("179.10447761")
    with pytest.raises(Conflict, match="no rate from EUR to CHF"):
        lab.database.read(lambda tx: fx.rates.between(tx, "EUR", "CHF"))
    lab.run(lab.scheduler.sleep(VALID_US / 1e6))
    with pytest.raises(Conflict, match="no rate"):
        lab.database.read(eur)


def test_rates_stay_fresh_for_a_day_after_they_were_wanted(lab, order):
    fx = FxLab(lab)

    async def days(number: int) -> None:
        clock = lab.scheduler.spawn(fx.rates.run_forever(), "rates")
        await lab.scheduler.sleep(number * 86_400)
        clock.cancel()

    lab.run(days(1))
    assert fx.provider.asked == 0
    lab.run(fx.rates.refresh())
    lab.run(days(3))
    assert 48 <= fx.provider.asked <= 50
    assert lab.one("SELECT COUNT(*) AS n FROM exchange_rates")["n"] == fx.provider.asked * 2


@given(
    steps=st.lists(st.tuples(st.integers(1, 4_000), st.booleans()), max_size=4),
    plan=st.sampled_from([BASE_ONLY, STANDARD]),
)
@settings(max_examples=25, deadline=None)
def test_whatever_is_refunded_the_books_hold(build_lab, order, tmp_path_factory, steps, plan):
    lab = build_lab(tmp_path_factory.mktemp("fx") / "engine.db")
    fx = FxLab(lab, plan)
    payment_id = fx.captured(order)
    left = 10_000
    for number, (wanted_minor, refused) in enumerate(steps):
        amount_minor = min(wanted_minor, left)
        if not amount_minor:
            break
        lab.pass_advices(1)
        if refused:
            lab.networks.advice_faults.append("14")
        lab.order_at_desk("refund", payment_id, f"r{number}", amount_minor)
        lab.pass_advices(1)
        left -= 0 if refused else amount_minor
        assert lab.red_checks() == []
    row = lab.one("SELECT * FROM payment_conversions")
    assert row["returned_minor"] == share(11_000, 10_000 - left, 10_000)
    lab.close()
