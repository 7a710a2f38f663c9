"""Why something asked of the engine was not done, in the phone's words."""

from __future__ import annotations

from lab.errors import EngineRefused, EngineUnreachable
from lab.words import Message, message


def refusal(fault: Exception) -> Message:
    """What the phone says."""
    match fault:
        case EngineUnreachable():
            return Message("wallet.engine_unreachable", "bad")
        case EngineRefused(code="already_provisioned" | "card_already_provisioned"):
            return Message("wallet.add.already", "bad")
        case EngineRefused(code="suspended_by_issuer"):
            return Message("wallet.stopped_by_bank", "bad")
        case EngineRefused(code="device_lost"):
            return Message("wallet.device_lost", "bad")
        case EngineRefused(code="issuer_declined" | "network_declined" | "wallet_declined"):
            return Message(f"wallet.add.{fault.code}", "bad")
        case EngineRefused(code="terms_changed"):
            return Message("wallet.add.terms_changed", "bad")
        case EngineRefused():
            return message("wallet.refused", "bad", why=fault.detail)
        case _:
            return message("wallet.refused", "bad", why=str(fault))
