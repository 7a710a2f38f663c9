"""Devices: made known, lost and found again, and told things until they say that they heard.

A message is a row first and travels second, so a phone that was off hears everything, in order,
when it comes back. Losing a device suspends its cards and ends its sessions in the same commit.
"""

from __future__ import annotations

import re
from dataclasses import replace

from backend.networks.token_life import Suspender
from backend.runtime.clock import Clock
from backend.runtime.errors import BadRequest, Conflict, NotFound
from backend.runtime.events import EventLog
from backend.wallet.accounts import Accounts
from backend.wallet.device_proof import checked_key
from backend.wallet.model import (
    DEVICE_KINDS,
    AuditEntry,
    Caller,
    Card,
    Device,
    DeviceMessage,
    Operation,
    Session,
)
from backend.wallet.ports import CardListCache, WalletRows, WalletStore
from backend.wallet.status import hold, not_pending
from backend.wallet.token_orders import TokenOrders, ordered, withdraw

NAME_LENGTH_MAX = 100
WALLET = Suspender.TOKEN_REQUESTOR.value
_DEVICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Devices:
    """A person's devices."""

    def __init__(
        self,
        store: WalletStore,
        clock: Clock,
        events: EventLog,
        lists: CardListCache,
        orders: TokenOrders,
        sessions: Accounts,
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._clock = clock
        self._events = events
        self._lists = lists
        self._orders = orders

    def all_of(self, user_id: str) -> list[Device]:
        """A person's devices, oldest first."""
        return self._store.read(lambda rows: rows.devices_of(user_id))

    def owned(self, user_id: str, device_id: str) -> Device:
        """That device, if it is theirs.

        Raises:
            NotFound: unknown, or somebody else's.
        """
        return _owned(self._store.read(lambda rows: rows.device(device_id)), user_id)

    async def register(
        self,
        caller: Caller,
        session: Session,
        device_id: str,
        *,
        kind: str,
        name: str,
        public_key: dict[str, object] | None = None,
    ) -> Device:
        """Make a device known, or rename it; the session speaks for it from now on.

        Raises:
            BadRequest: identifier, kind or name cannot be used.
            Conflict: the identifier is another person's device, or the device has another key,
                which only a session that it verified may replace.
        """
        _check(device_id, kind, name)
        shown = None if public_key is None else checked_key(public_key)
        now_us = self._clock.now_us()
        event = self._events.make(
            "device.registered", actor="phone", data={"device_id": device_id, "kind": kind}
        )

        def work(rows: WalletRows) -> Device:
            known = rows.device(device_id)
            if known is not None and known.user_id != caller.user_id:
                raise Conflict("device_taken", "this identifier is another person's device")
            device = known or Device(device_id, caller.user_id, kind, name, None, now_us)
            device = replace(
                device, kind=kind, name=name, public_key=_next_key(device, shown, session)
            )
            rows.put_device(device)
            if session.device_id != device_id:
                rows.bind_session(session.id_hash, device_id)
            rows.audit(_entry(now_us, caller, "device.registered", device_id))
            rows.record(event)
            return device

        device = await self._store.write(work)
        await self._sessions.changed(session.id_hash)
        self._events.publish(event)
        return device

    async def lost(self, caller: Caller, device_id: str) -> int:
        """Suspend every card on the device and end its sessions; how many cards were active.

        Raises:
            NotFound: unknown, or somebody else's.
        """
        now_us = self._clock.now_us()
        event = self._events.make("device.lost", actor="person", data={"device_id": device_id})

        def work(rows: WalletRows) -> tuple[list[Card], list[bytes]]:
            device = _owned(rows.device(device_id), caller.user_id)
            if device.lost_at_us is None:
                rows.mark_lost(device_id, now_us)
            held = [card for card in rows.cards_on(device_id) if _is_to_be_held(card)]
            for card in held:
                withdraw(rows, card.id, now_us, Operation.RESUME)
                hold(rows, not_pending(card, "reactivate"), WALLET, now_us, reason="device_lost")
                ordered(rows, card, Operation.SUSPEND, now_us, actor=WALLET, reason="LOST",
                        ip_address=caller.ip_address)  # fmt: skip
            ended = rows.end_sessions_of_device(device_id)
            rows.audit(_entry(now_us, caller, "device.lost", device_id))
            rows.record(event)
            return held, ended

        held, ended = await self._store.write(work)
        await self._sessions.changed(*ended)
        await self._lists.forget(caller.user_id, *(card.token_ref for card in held))
        self._events.publish(event)
        self._orders.wake()
        return sum(card.status == "active" for card in held)

    async def found(
        self, caller: Caller, device_id: str, *, reactivate_cards: bool = False
    ) -> Device:
        """The device is back. Its cards stay suspended until each is reactivated by hand.

        Args:
            caller: whose device.
            device_id: which one.
            reactivate_cards: let go, too, what was held because the device was lost; a card that
                its person or its bank had stopped besides stays so.

        Raises:
            NotFound: unknown, or somebody else's.
        """
        now_us = self._clock.now_us()
        event = self._events.make("device.found", actor="person", data={"device_id": device_id})

        def work(rows: WalletRows) -> tuple[Device, dict[str, int]]:
            device = _owned(rows.device(device_id), caller.user_id)
            rows.mark_lost(device_id, None)
            let_go = {}
            for card in rows.cards_on(device_id) if reactivate_cards else ():
                if WALLET in card.holders and card.pending_operation is None:
                    let_go[card.token_ref] = ordered(
                        rows, card, Operation.RESUME, now_us, actor=WALLET, reason="FOUND",
                        ip_address=caller.ip_address)  # fmt: skip
                    rows.put_card(
                        replace(card, pending_operation="reactivate", updated_at_us=now_us)
                    )
            rows.audit(_entry(now_us, caller, "device.found", device_id))
            rows.record(event)
            return replace(device, lost_at_us=None), let_go

        device, let_go = await self._store.write(work)
        await self._lists.forget(caller.user_id, *let_go)
        self._events.publish(event)
        for order_id in let_go.values():
            await self._orders.attempted(order_id)
        return device

    def waiting(self, device_id: str, after_id: int = 0) -> list[DeviceMessage]:
        """What the device has not acknowledged yet, oldest first."""
        return self._store.read(lambda rows: rows.waiting_messages(device_id, after_id))

    async def acknowledge(self, device_id: str, message_id: int) -> bool:
        """The device heard that message; False when none such was waiting."""
        now_us = self._clock.now_us()
        return await self._store.write(
            lambda rows: rows.acknowledge(device_id, message_id, now_us) > 0
        )


def _owned(device: Device | None, user_id: str) -> Device:
    if device is None or device.user_id != user_id:
        raise NotFound("device_unknown", "no such device: PUT /api/devices/{id} registers one")
    return device


def _next_key(device: Device, shown: str | None, session: Session) -> str | None:
    if shown is None or shown == device.public_key:
        return device.public_key
    verified = session.is_device_verified and session.device_id == device.id
    if device.public_key is not None and not verified:
        raise Conflict("device_key_known", "this device has another key: prove that one first")
    return shown


def _is_to_be_held(card: Card) -> bool:
    return card.status in {"active", "suspended"} and WALLET not in card.holders


def _check(device_id: str, kind: str, name: str) -> None:
    if not _DEVICE_ID.fullmatch(device_id):
        raise BadRequest(
            "device_id_invalid", "a device identifier is 1 to 64 letters, digits, _ or -"
        )
    if kind not in DEVICE_KINDS:
        raise BadRequest("device_kind_unknown", "kind is phone or watch", field="kind")
    if not 1 <= len(name.strip()) <= NAME_LENGTH_MAX:
        raise BadRequest(
            "device_name_length", f"a name has 1 to {NAME_LENGTH_MAX} characters", field="name"
        )


def _entry(at_us: int, caller: Caller, action: str, device_id: str) -> AuditEntry:
    return AuditEntry(at_us, caller.user_id, action, "device", device_id, "done", caller.ip_address)
