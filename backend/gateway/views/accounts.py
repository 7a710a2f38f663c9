"""The merchant itself as the `account` object."""

from __future__ import annotations

from backend.gateway.merchant_account import MerchantAccount


def account_json(merchant: MerchantAccount) -> dict[str, object]:
    """A merchant as its own account."""
    return {
        "id": merchant.id,
        "object": "account",
        "business_profile": {"name": merchant.name, "mcc": merchant.category},
        "business_type": "company",
        "capabilities": {"card_payments": "active"},
        "charges_enabled": True,
        "country": merchant.country,
        "default_currency": merchant.settlement_currency.lower(),
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "payments": {"statement_descriptor": merchant.statement()},
            "payouts": {"schedule": {"interval": merchant.payout_schedule.value}},
        },
        "type": "standard",
    }
