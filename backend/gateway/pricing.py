"""What a capture costs a merchant and what it is settled as; how much of that a refund undoes.

Takes the merchant's own plan, converts where the merchant is settled in another currency than the
card paid, and keeps the rate with the payment: a refund goes back at the rate at which the money
came, in parts that add up to the whole. Works inside the caller's unit of work; rates are made
fresh before it. Knows no SQL and no rate of today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from backend.domain.money import Money
from backend.gateway.fees import FeePlan
from backend.gateway.records import Refund
from backend.ledger import sales
from backend.ledger.journal import Promise
from backend.ledger.sales import Parts
from backend.payments.changes import Post
from backend.payments.records import Payment
from backend.settlement.fx import Rates, convert, share

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a captured payment was converted into.

    Attributes:
        rate: units of the settlement currency for one of the presentment currency.
        fee_minor: our fee for processing, in the settlement currency: the part that may go back.
        returned_minor: what of the settlement amount went back with refunds.
        fee_returned_minor: what of the fee went back with it.
    """

    payment_id: str
    rate: Decimal
    presentment_minor: int
    presentment_currency: str
    settlement_minor: int
    settlement_currency: str
    fee_minor: int
    returned_minor: int
    fee_returned_minor: int
    created_at_us: int


@dataclass(frozen=True, slots=True)
class RefundShare:
    """A refund's part of a conversion, in the settlement currency."""

    refund_id: str
    payment_id: str
    returned_minor: int
    fee_returned_minor: int


class ConversionRows(Protocol[Tx_contra]):
    """What was converted."""

    def add_conversion(self, tx: Tx_contra, conversion: Conversion) -> None:
        """Insert a payment's conversion."""

    def find_conversion(self, tx: Tx_contra, payment_id: str) -> Conversion | None:
        """A payment's conversion; None when it settles in what was paid."""

    def set_returned(self, tx: Tx_contra, conversion: Conversion) -> None:
        """Store how much of a conversion went back."""

    def add_share(self, tx: Tx_contra, part: RefundShare) -> None:
        """Insert a refund's part of a conversion."""

    def find_share(self, tx: Tx_contra, refund_id: str) -> RefundShare | None:
        """A refund's part of a conversion."""


@dataclass(frozen=True, slots=True)
class SellerTerms:
    """Under which terms a merchant sells.

    Attributes:
        settlement_currency: None to be settled in whatever was paid.
        country: ISO 3166-1 letters.
    """

    plan: FeePlan
    settlement_currency: str | None
    country: str


class Sellers(Protocol[Tx_contra]):
    """Merchants and cards, as far as prices depend on them."""

    def seller(self, tx: Tx_contra, merchant_id: str) -> SellerTerms:
        """A merchant's terms."""

    def card_country(self, tx: Tx_contra, payment: Payment) -> str | None:
        """Where the card was issued, as far as that is known."""


@dataclass(frozen=True, slots=True)
class TaxTable:
    """Tax on our fees by the merchant's country, in 1/10,000; none by default."""

    basis_points: Mapping[str, int] = field(default_factory=dict)

    def of(self, country: str) -> int:
        """What applies in a country."""
        return self.basis_points.get(country, 0)


class Pricing(Protocol[Tx_contra]):
    """What the desk asks about prices."""

    async def prepare(self) -> None:
        """Make rates fresh, before a unit of work that may need one."""

    def converts(self, tx: Tx_contra, payment: Payment) -> bool:
        """Whether a capture of this payment needs a rate."""

    def capture(self, tx: Tx_contra, payment: Payment, taken: Promise) -> tuple[int, Post]:
        """The fee in the payment's currency (0 where it is converted), and what to post."""

    def refund(
        self, tx: Tx_contra, payment: Payment, refund_id: str, given: Promise
    ) -> tuple[int, Post]:
        """How much of that fee goes back, and what to post."""

    def refund_failed(self, tx: Tx_contra, refund: Refund, given: Promise) -> Post:
        """What to post when the network refuses a refund."""


@dataclass(frozen=True, slots=True)
class OnePlan:
    """One plan for everybody, settled in what was paid: a shop without accounts."""

    plan: FeePlan

    async def prepare(self) -> None:
        """There is nothing to prepare."""

    def converts(self, _tx: object, _payment: Payment) -> bool:
        """Everybody is settled in what was paid."""
        return False

    def capture(self, _tx: object, payment: Payment, taken: Promise) -> tuple[int, Post]:
        """The fee, and what to post."""
        parts = self.plan.parts(taken.money.amount_minor, payment.currency)
        return parts.processing_minor, _capture(taken, parts)

    def refund(
        self, _tx: object, payment: Payment, _refund_id: str, given: Promise
    ) -> tuple[int, Post]:
        """How much of the fee goes back, and what to post."""
        return _refund_at_par(self.plan, payment, given)

    def refund_failed(self, _tx: object, refund: Refund, given: Promise) -> Post:
        """What to post when the network refuses a refund."""
        return _refused(given, given.money, refund.fee_returned_minor)


class MerchantPricing(Generic[Tx]):
    """Each merchant's own plan and currency."""

    def __init__(
        self,
        sellers: Sellers[Tx],
        rates: Rates[Tx],
        rows: ConversionRows[Tx],
        taxes: TaxTable | None = None,
    ) -> None:
        self._sellers = sellers
        self._rates = rates
        self._rows = rows
        self._taxes = taxes or TaxTable()

    async def prepare(self) -> None:
        """Make rates fresh.

        Raises:
            StorageError: the database refused.
        """
        await self._rates.refresh()

    def converts(self, tx: Tx, payment: Payment) -> bool:
        """Whether a capture of this payment needs a rate."""
        settles_in = self._sellers.seller(tx, payment.merchant.id).settlement_currency
        return settles_in not in {None, payment.currency}

    def capture(self, tx: Tx, payment: Payment, taken: Promise) -> tuple[int, Post]:
        """The fee in the payment's currency (0 where it is converted), and what to post.

        Raises:
            Conflict: `rate_unavailable`.
        """
        seller = self._sellers.seller(tx, payment.merchant.id)
        settles_in = seller.settlement_currency or payment.currency
        converted = settles_in != payment.currency
        gross_minor, rate = taken.money.amount_minor, Decimal(1)
        if converted:
            found = self._rates.between(tx, payment.currency, settles_in)
            gross_minor, rate = convert(gross_minor, found), found.rate
        country = self._sellers.card_country(tx, payment)
        parts = seller.plan.parts(
            gross_minor,
            settles_in,
            international=country is not None and country != seller.country,
            converted=converted,
            tax_basis_points=self._taxes.of(seller.country),
        )
        if not converted:
            return parts.processing_minor, _capture(taken, parts)
        self._rows.add_conversion(
            tx,
            Conversion(
                payment_id=payment.id,
                rate=rate,
                presentment_minor=taken.money.amount_minor,
                presentment_currency=payment.currency,
                settlement_minor=gross_minor,
                settlement_currency=settles_in,
                fee_minor=parts.processing_minor,
                returned_minor=0,
                fee_returned_minor=0,
                created_at_us=payment.updated_at_us,
            ),
        )
        return 0, _capture(taken, parts)

    def refund(self, tx: Tx, payment: Payment, refund_id: str, given: Promise) -> tuple[int, Post]:
        """How much of that fee goes back, and what to post."""
        plan = self._sellers.seller(tx, payment.merchant.id).plan
        conversion = self._rows.find_conversion(tx, payment.id)
        if conversion is None:
            return _refund_at_par(plan, payment, given)
        refunded_minor = payment.refunded_minor + given.money.amount_minor
        returned_minor = share(
            conversion.settlement_minor, refunded_minor, conversion.presentment_minor
        )
        fee_minor = plan.returned(
            fee_minor=conversion.fee_minor,
            captured_minor=conversion.presentment_minor,
            refunded_minor=refunded_minor,
        )
        settled_minor = max(0, returned_minor - conversion.returned_minor)
        fee_back_minor = max(0, min(fee_minor - conversion.fee_returned_minor, settled_minor))
        self._move(tx, conversion, settled_minor, fee_back_minor)
        self._rows.add_share(tx, RefundShare(refund_id, payment.id, settled_minor, fee_back_minor))
        settled = Money(settled_minor, conversion.settlement_currency)
        return 0, lambda at_us, version: sales.refund(
            given, settled, fee_back_minor, at_us, version=version
        )

    def refund_failed(self, tx: Tx, refund: Refund, given: Promise) -> Post:
        """What to post when the network refuses a refund."""
        part = self._rows.find_share(tx, refund.id)
        if part is None:
            return _refused(given, given.money, refund.fee_returned_minor)
        conversion = self._rows.find_conversion(tx, refund.payment_id)
        assert conversion is not None, "a refund has a part of its payment's conversion"
        self._move(tx, conversion, -part.returned_minor, -part.fee_returned_minor)
        settled = Money(part.returned_minor, conversion.settlement_currency)
        return _refused(given, settled, part.fee_returned_minor)

    def _move(self, tx: Tx, conversion: Conversion, settled_minor: int, fee_minor: int) -> None:
        self._rows.set_returned(
            tx,
            replace(
                conversion,
                returned_minor=conversion.returned_minor + settled_minor,
                fee_returned_minor=conversion.fee_returned_minor + fee_minor,
            ),
        )


def _capture(taken: Promise, parts: Parts) -> Post:
    return lambda at_us, version: sales.capture(taken, parts, at_us, version=version)


def _refused(given: Promise, settled: Money, fee_minor: int) -> Post:
    return lambda at_us, version: sales.refund_failed(
        given, settled, fee_minor, at_us, version=version
    )


def _refund_at_par(plan: FeePlan, payment: Payment, given: Promise) -> tuple[int, Post]:
    """Within one currency: the fee's part on the running total, never more than is refunded."""
    amount_minor = given.money.amount_minor
    whole_minor = plan.returned(
        fee_minor=payment.fee_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor + amount_minor,
    )
    fee_back_minor = max(0, min(whole_minor - payment.fee_returned_minor, amount_minor))
    return fee_back_minor, lambda at_us, version: sales.refund(
        given, given.money, fee_back_minor, at_us, version=version
    )
