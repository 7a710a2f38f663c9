"""Why something asked of the engine was not done, in the phone's words."""

from __future__ import annotations

from lab.errors import EngineRefused, EngineUnreachable
from lab.words import Message, message

REFUSALS = {
    "already_provisioned": "wallet.add.already",
    "card_already_provisioned": "wallet.add.already",
    "issuer_declined": "wallet.add.issuer_declined",
    "network_declined": "wallet.add.network_declined",
    "wallet_declined": "wallet.add.wallet_declined",
    "terms_changed": "wallet.add.terms_changed",
    "suspended_by_issuer": "wallet.stopped_by_bank",
    "device_lost": "wallet.device_lost",
    "device_not_verified": "wallet.in_app.device_not_verified",
}
"""The engine's code of a problem and the phone's sentence."""


def refusal(fault: Exception) -> Message:
    """What the phone says."""
    match fault:
        case EngineUnreachable():
            return Message("wallet.engine_unreachable", "bad")
        case EngineRefused() if fault.code in REFUSALS:
            return Message(REFUSALS[fault.code], "bad")
        case EngineRefused():
            return message("wallet.refused", "bad", why=fault.detail)
        case _:
            return message("wallet.refused", "bad", why=str(fault))
