"""A person's own data: all of it in one document, and its erasure (GDPR articles 15, 17 and 20).

Erasing takes who it was and leaves what happened: payments, ledger and audit trail are kept by law
and stand under a random number. Cards leave their networks as when they are removed by hand. It
cannot be taken back, so the person shows the password once more; the demo user has none and says
so in a word.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from backend.runtime.clock import Clock, to_iso
from backend.runtime.errors import BadRequest, Conflict
from backend.runtime.events import EventLog
from backend.wallet.accounts import Accounts
from backend.wallet.cards import let_go
from backend.wallet.model import AuditEntry, Caller
from backend.wallet.passwords import Passwords
from backend.wallet.ports import CardListCache, WalletRows, WalletStore
from backend.wallet.token_orders import TokenOrders

CONFIRMATION = "erase"


@dataclass(frozen=True, slots=True)
class PrivacyPorts:
    """What this needs besides the store.

    Attributes:
        forget_history: drops what is kept of a person's history.
    """

    accounts: Accounts
    passwords: Passwords
    lists: CardListCache
    orders: TokenOrders
    forget_history: Callable[[str], Awaitable[None]]


class Privacy:
    """Hands a person's data out, and forgets the person."""

    def __init__(
        self, store: WalletStore, clock: Clock, events: EventLog, ports: PrivacyPorts
    ) -> None:
        self._store = store
        self._clock = clock
        self._events = events
        self._ports = ports

    async def export(self, caller: Caller) -> dict[str, object]:
        """Everything that is stored of the caller, as JSON; that it was asked for is audited."""
        now_us = self._clock.now_us()

        def work(rows: WalletRows) -> dict[str, object]:
            rows.audit(_entry(now_us, caller, "privacy.exported", caller.ip_address))
            user = rows.user_by_id(caller.user_id)
            assert user is not None, "a session belongs to somebody"
            return {
                "exportedAt": to_iso(now_us),
                "user": {**user.to_json(), "createdAt": to_iso(user.created_at_us)},
                "sessions": rows.sessions_of(user.id),
                "devices": [device.to_json() for device in rows.devices_of(user.id)],
                "cards": [card.to_json() for card in rows.cards_of(user.id)],
                "transactions": rows.payments_of(user.id),
                "audit": rows.audit_of(user.id),
            }

        return await self._store.write(work)

    async def erase(self, caller: Caller, proof: str) -> None:
        """Forget the caller, once and for all.

        Args:
            caller: who.
            proof: the password; of the demo user the word "erase".

        Raises:
            BadRequest: that is not the proof.
            Conflict: a network is being asked for a card of theirs.
        """
        await self._check(caller, proof)
        now_us = self._clock.now_us()
        event = self._events.make("user.erased", actor="person", data={"user_id": caller.user_id})

        def work(rows: WalletRows) -> tuple[list[str], list[bytes]]:
            if rows.is_being_given_a_card(caller.user_id):
                raise Conflict("card_in_flight", "a card is on its way: try again in a moment")
            rows.forget_messages(caller.user_id)
            cards = rows.cards_of(caller.user_id)
            for card in cards:
                let_go(rows, card, now_us, ip_address=None)
            ended = rows.end_sessions_of(caller.user_id)
            rows.forget_person(caller.user_id, now_us)
            rows.audit(_entry(now_us, caller, "user.erased", None))
            rows.record(event)
            return [card.token_ref for card in cards], ended

        tokens, ended = await self._store.write(work)
        await self._ports.accounts.changed(*ended)
        await self._ports.lists.forget(caller.user_id, *tokens)
        await self._ports.forget_history(caller.user_id)
        self._events.publish(event)
        self._ports.orders.wake()

    async def _check(self, caller: Caller, proof: str) -> None:
        user = self._store.read(lambda rows: rows.user_by_id(caller.user_id))
        assert user is not None, "a session belongs to somebody"
        if user.is_demo:
            is_right = proof == CONFIRMATION
        else:
            self._ports.accounts.limit_guesses(user.email)
            is_right = await self._ports.passwords.matches(user.password_hash, proof)
        if not is_right:
            refused = _entry(self._clock.now_us(), caller, "user.erased", caller.ip_address)
            line = replace(refused, result="refused")
            await self._store.write(lambda rows: rows.audit(line))
            raise BadRequest(
                "proof_wrong", 'send the password (the demo user: "erase")', field="proof"
            )


def _entry(at_us: int, caller: Caller, action: str, address: str | None) -> AuditEntry:
    return AuditEntry(at_us, caller.user_id, action, "user", caller.user_id, "done", address)
