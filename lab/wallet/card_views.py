"""From what the engine says about cards and payments to what the phone draws."""

from __future__ import annotations

from dataclasses import replace

from hardware.api import SecureElement
from lab.amounts import format_amount
from lab.clock_text import iso_to_text
from lab.engine_shapes import CardRecord, DeviceRecord, shown_state
from lab.json_fields import Json, text, whole
from lab.wallet.state import CardView, DeviceView, HistoryRow

ARTS = frozenset({"everyday", "everyday-tide", "travel", "travel-night", "reserve", "plain"})


OnWatch = frozenset[tuple[str, str]] | None
"""Network and last digits of the watch's cards; None without a watch."""


def on_watch(devices: tuple[DeviceRecord, ...], listed: tuple[CardRecord, ...]) -> OnWatch:
    """What lies on the person's watch, by the engine's lists."""
    watches = {device.id for device in devices if device.kind == "watch" and not device.is_lost}
    if not watches:
        return None
    return frozenset((card.network, card.last4) for card in listed if card.device_id in watches)


def card_views(
    cards: tuple[CardRecord, ...], element: SecureElement, watch: OnWatch = None
) -> tuple[CardView, ...]:
    """The stack: what the engine says of each card, and what this device knows of its token."""
    tokens = {token.token_ref: token for token in element.tokens()}
    express = element.express
    return tuple(
        replace(
            card_view(card),
            is_express=card.token_ref == express,
            is_spent=card.token_ref in tokens and tokens[card.token_ref].is_spent,
            is_here=card.token_ref in tokens,
            watch=_watch_word(card, watch),
        )
        for card in cards
    )


def _watch_word(card: CardRecord, watch: OnWatch) -> str:
    if watch is None:
        return ""
    return "there" if (card.network, card.last4) in watch else "offered"


def card_view(card: CardRecord) -> CardView:
    """One card as the engine describes it."""
    art = card.design or card.product.lower()  # an older cache names no design
    return CardView(
        id=card.id,
        token_ref=card.token_ref,
        label=card.product or card.network.title(),
        network=card.network,
        last4=card.last4,
        token_last4=card.token_last4,
        art=art if art in ARTS else "plain",
        status=card.status,
        is_default=card.is_default,
        suspended_by=card.suspended_by,
        waiting_for=card.pending_operation,
    )


def device_views(
    devices: tuple[DeviceRecord, ...], cards: tuple[CardRecord, ...], this_id: str
) -> tuple[DeviceView, ...]:
    """A person's devices with what lies on them: this one first, then watches.

    Args:
        devices: as the engine lists them.
        cards: of all of them.
        this_id: the device that shows the list.
    """
    views = []
    for device in devices:
        held = [card for card in cards if card.device_id == device.id]
        views.append(
            DeviceView(
                id=device.id,
                kind=device.kind,
                name=device.name,
                is_this=device.id == this_id,
                is_lost=device.is_lost,
                cards=len(held),
                stopped=sum(card.status == "suspended" for card in held),
            )
        )
    return tuple(sorted(views, key=lambda view: (not view.is_this, view.kind != "watch")))


def history_rows(payments: tuple[Json, ...], card: CardRecord) -> tuple[HistoryRow, ...]:
    """A card's payments, newest first."""
    return tuple(
        HistoryRow(
            payment_id=text(payment, "id"),
            merchant=text(payment, "merchantName", ""),
            at_text=iso_to_text(text(payment, "createdAt")),
            amount_text=format_amount(whole(payment, "amount"), text(payment, "currency")),
            state=shown_state(
                text(payment, "state", ""),
                whole(payment, "captured", 0),
                whole(payment, "refunded", 0),
            ),
            back_text=_back_text(payment),
        )
        for payment in payments
        if text(payment, "cardId", "") == card.id
    )


def _back_text(payment: Json) -> str:
    back_minor = whole(payment, "refunded", 0)
    return format_amount(back_minor, text(payment, "currency")) if back_minor else ""
