"""Wires merchants' accounts: who they are, their keys, their mail."""

from __future__ import annotations

from dataclasses import dataclass

from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.domain.token_bucket import Buckets
from backend.gateway.api_keys import ApiKeyPorts, ApiKeys
from backend.gateway.merchant_notices import MerchantNotices
from backend.gateway.merchants import MerchantPorts, Merchants
from backend.gateway.rate_limits import RateLimits
from backend.http.routes_money_merchants import MerchantRoutes
from backend.runtime.clock import Clock
from backend.runtime.events import EventLog
from backend.storage.database import Transaction
from backend.storage.merchant_rows import SqlMerchantRows
from backend.storage.payment_outbox_rows import SqlOutbox


@dataclass(frozen=True, slots=True)
class MerchantServices:
    """Merchants, their keys, what is written to them."""

    merchants: Merchants[Transaction]
    keys: ApiKeys[Transaction]
    notices: MerchantNotices[Transaction]
    limits: RateLimits

    def routes(self, clock: Clock) -> MerchantRoutes:
        """Their door under `/lab`."""
        return MerchantRoutes(self.merchants, self.keys, self.notices, clock)


async def open_merchants(
    files: Files, events: EventLog, ground: Ground, buckets: Buckets
) -> MerchantServices:
    """Merchants' accounts; a fresh folder's merchant has the published key."""
    rows, outbox, secret = SqlMerchantRows(), SqlOutbox(), ground.entropy.secret
    merchants = Merchants(
        MerchantPorts(
            store=files.engine,
            rows=rows,
            outbox=outbox,
            events=events,
            clock=ground.clock,
            identifiers=secret("merchant.identifiers"),
        )
    )
    keys = ApiKeys(
        ApiKeyPorts(
            store=files.engine,
            rows=rows,
            merchants=merchants,
            outbox=outbox,
            events=events,
            clock=ground.clock,
            secrets=secret("api_key.secrets"),
            identifiers=secret("api_key.identifiers"),
        )
    )
    await keys.start()
    notices = MerchantNotices(files.engine, rows, ground.clock)
    return MerchantServices(merchants, keys, notices, RateLimits(buckets, ground.clock))
