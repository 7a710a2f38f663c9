"""The one place where a card's status changes, so that row and device message never part.

States: requested (its network is being asked), pending (to be verified), active, suspended,
rejected (not verified); removing deletes the row.
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


def deliver(rows: WalletRows, card: Card, session_id: str, payload: str) -> Card | None:
    """Store a card that may pay from now on and queue its keys for its device.

    The first card of a device becomes its default.

    Args:
        rows: the unit of work.
        card: active, not yet stored as such.
        session_id: the provisioning at the network.
        payload: the keys, sealed for the device; nobody here can read them.

    Returns:
        The card as stored; None when its token is another card's already.
    """
    others = [other for other in rows.cards_on(card.device_id) if other.is_default]
    card = replace(card, is_default=not others)
    if not rows.put_card(card):
        return None
    message: dict[str, object] = {
        "cardId": card.id,
        "network": card.network,
        "last4": card.last4,
        "tokenRef": card.token_ref,
        "sessionId": session_id,
        "payload": payload,
        "replaces": None,
    }
    rows.add_message(card.device_id, "provision_token", message, card.updated_at_us)
    return card


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
