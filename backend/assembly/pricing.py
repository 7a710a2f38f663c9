"""Wires prices: each merchant's plan and currency, and exchange rates."""

from __future__ import annotations

from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.gateway.merchant_account import MerchantAccount
from backend.gateway.pricing import MerchantPricing, SellerTerms
from backend.payments.records import Channel, Payment
from backend.runtime.events import EventLog
from backend.settlement.fx import RatePorts, Rates, SimulatedProvider
from backend.storage.database import Transaction
from backend.storage.merchant_rows import SqlMerchantRows
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.rate_rows import SqlConversionRows, SqlRateRows
from backend.storage.vault_rows import SqlVaultRows


class _Sellers:
    """Merchants' accounts as sellers' terms."""

    def __init__(self) -> None:
        self._rows = SqlMerchantRows()
        self._cards = SqlVaultRows()

    def seller(self, tx: Transaction, merchant_id: str) -> SellerTerms:
        """A merchant's terms; what was never set stands at the defaults of an account."""
        account = self._rows.account(tx, merchant_id) or MerchantAccount(merchant_id, "", "", "")
        return SellerTerms(account.fee_plan, account.settlement_currency, account.country)

    def card_country(self, tx: Transaction, payment: Payment) -> str | None:
        """Of a typed card, from the vault; a token does not say where its card is from."""
        if payment.channel is not Channel.WEB or payment.card_id is None:
            return None
        found = self._cards.card(tx, payment.card_id)
        return None if found is None else found.card.country


def open_pricing(files: Files, events: EventLog, ground: Ground) -> MerchantPricing[Transaction]:
    """Prices by merchant, with rates of a simulated provider."""
    rates = Rates(
        RatePorts(
            store=files.engine,
            rows=SqlRateRows(),
            provider=SimulatedProvider(ground.entropy.seed),
            outbox=SqlOutbox(),
            events=events,
            clock=ground.clock,
            scheduler=ground.scheduler,
        )
    )
    ground.scheduler.spawn(rates.run_forever(), "exchange rates")
    return MerchantPricing(_Sellers(), rates, SqlConversionRows())
