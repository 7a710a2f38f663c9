"""The one place where a card's status changes, so that row and device message never part.

States: pending (provisioning under way), active, suspended; removing deletes the row.
"""

from __future__ import annotations

from dataclasses import replace

from backend.wallet.model import Card
from backend.wallet.ports import WalletRows


def set_status(
    rows: WalletRows, card: Card, status: str, at_us: int, *, reason: str | None
) -> Card:
    """Store the new status and queue the message that tells the device."""
    is_suspended = status == "suspended"
    changed = replace(
        card,
        status=status,
        suspended_at_us=at_us if is_suspended else None,
        suspend_reason=reason if is_suspended else None,
        updated_at_us=at_us,
    )
    rows.put_card(changed)
    tell_device(rows, changed, status, at_us, reason=reason)
    return changed


def tell_device(
    rows: WalletRows, card: Card, status: str, at_us: int, *, reason: str | None
) -> None:
    """Queue a `token_status_change` for the card's device."""
    body: dict[str, object] = {
        "cardId": card.id,
        "tokenRef": card.token_ref,
        "status": status,
        "reason": reason,
    }
    rows.add_message(card.device_id, "token_status_change", body, at_us)
