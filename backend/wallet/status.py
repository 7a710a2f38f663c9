"""The one place where a card's status changes, so that row and device message never part.

States: requested (its network is being asked), pending (to be verified), active, suspended,
rejected (not verified); removing deletes the row. A card is suspended as long as anybody holds it.
"""

from __future__ import annotations

from dataclasses import replace

from backend.wallet.model import Card
from backend.wallet.ports import WalletRows


def reject(rows: WalletRows, card: Card, at_us: int, *, reason: str) -> Card:
    """Its cardholder could not be verified: its bank has to be called."""
    changed = replace(card, status="rejected", updated_at_us=at_us)
    rows.put_card(changed)
    tell_device(rows, changed, changed.status, at_us, reason=reason)
    return changed


def hold(rows: WalletRows, card: Card, by: str, at_us: int, *, reason: str) -> Card:
    """Somebody holds the card: it is suspended; the first reason and moment stay."""
    is_news = card.status != "suspended"
    changed = replace(
        card,
        status="suspended",
        suspended_by=_said(card.holders | {by}),
        suspended_at_us=at_us if is_news else card.suspended_at_us,
        suspend_reason=reason if is_news else card.suspend_reason,
        updated_at_us=at_us,
    )
    rows.put_card(changed)
    tell_device(rows, changed, "suspended", at_us, reason=changed.suspend_reason)
    return changed


def let_go(rows: WalletRows, card: Card, parties: frozenset[str], at_us: int) -> Card:
    """These hold the card no more; when nobody is left, it can pay again."""
    left = card.holders - parties
    changed = replace(card, suspended_by=_said(left), updated_at_us=at_us)
    if not left:
        changed = replace(changed, status="active", suspended_at_us=None, suspend_reason=None)
    rows.put_card(changed)
    tell_device(rows, changed, changed.status, at_us, reason=changed.suspend_reason)
    return changed


def not_pending(card: Card, operation: str) -> Card:
    """The card, no longer waiting for that operation."""
    return replace(card, pending_operation=None) if card.pending_operation == operation else card


def take_away(rows: WalletRows, card: Card, at_us: int, *, reason: str | None) -> None:
    """Take a card off its device; the oldest active one that is left becomes the default."""
    rows.remove_card(card.id)
    others = [other for other in rows.cards_on(card.device_id) if other.status == "active"]
    if card.is_default and others:
        rows.put_card(replace(others[0], is_default=True, updated_at_us=at_us))
    tell_device(rows, card, "removed", at_us, reason=reason)


def hand_over(rows: WalletRows, card: Card, session_id: str, payload: str, replaces: str) -> bool:
    """Store a card with its new token and queue the keys, which replace those of the old one.

    Returns:
        False when the token is another card's already; nothing was stored.
    """
    if not rows.put_card(card):
        return False
    _queue_keys(rows, card, session_id, payload, replaces)
    return True


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
    _queue_keys(rows, card, session_id, payload, None)
    return card


def _queue_keys(
    rows: WalletRows, card: Card, session_id: str, payload: str, replaces: str | None
) -> None:
    message: dict[str, object] = {
        "cardId": card.id,
        "network": card.network,
        "last4": card.last4,
        "tokenRef": card.token_ref,
        "sessionId": session_id,
        "payload": payload,
        "replaces": replaces,
    }
    rows.add_message(card.device_id, "provision_token", message, card.updated_at_us)


def tell_device(
    rows: WalletRows, card: Card, status: str, at_us: int, *, reason: str | None
) -> None:
    """Queue a `token_status_change` for the card's device."""
    body: dict[str, object] = {
        "cardId": card.id,
        "tokenRef": card.token_ref,
        "status": status,
        "reason": reason,
        "suspendedBy": card.suspended_by.split(),
        "last4": card.last4,
    }
    rows.add_message(card.device_id, "token_status_change", body, at_us)


def _said(holders: frozenset[str]) -> str:
    return " ".join(sorted(holders))
