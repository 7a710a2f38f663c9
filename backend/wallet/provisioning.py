"""A card number becomes a token on a device, and this side never sees the number.

Theory of operation. The client seals number and device key for the network; the block passes
through unread. Commit, call, commit: the first commit claims the idempotency key and puts a
requested row under the unique key (person, device, last digits, network), so of two racers exactly
one asks the network for a token; the call follows; the second commit makes the card active, queues
the sealed keys for the device and stores the answer that a retry will get again. A refusal or a
network that cannot be reached takes the requested row and the key back. After a crash in between,
the lease runs out and a retry takes both over; the network recognises device and card again.

Wallet, network and issuer each say a colour. All green: the card is active. Any red: no card. Any
yellow: the card is pending, its keys are still at the network, and its cardholder is to be verified
(`verification`).

The same card on another device (a watch beside a phone) needs no number: the order names the card
that the person has, and its network knows which one that is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

import orjson

from backend.networks.tsp_terms import Colour, TokenGrant, TokenRefused, TokenRequest
from backend.runtime.clock import Clock
from backend.runtime.entropy import Entropy, identifier
from backend.runtime.errors import BadRequest, Conflict, MessageError, NotFound, TransportError
from backend.runtime.events import Event, EventLog
from backend.wallet.assessment import assess
from backend.wallet.card_offers import offer_json
from backend.wallet.card_order import (
    CardOrder,
    check_key,
    check_network,
    check_order,
    check_sealed,
)
from backend.wallet.errors import NetworkUnavailable
from backend.wallet.model import PARTIES, AuditEntry, Caller, Card, Device
from backend.wallet.ports import CardListCache, TokenService, WalletRows, WalletStore
from backend.wallet.status import deliver
from backend.wallet.step_up_view import event_facts, method_json
from backend.wallet.token_orders import TokenOrders

FIELD_TO_BLAME = {"terms_changed": "termsVersion", "design_unknown": "design"}
LEASE_US = 60_000_000


class KeyReused(BadRequest):
    """The same idempotency key with another body."""

    status = 422


class CardRefused(BadRequest):
    """The network or the issuer will not have this card on this device."""

    status = 422


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The stored answer.

    Attributes:
        body: JSON, byte-equal for every retry with the same key.
        replayed: whether it was answered from the store.
    """

    body: bytes
    replayed: bool


class Provisioning:
    """Adds cards."""

    def __init__(
        self,
        store: WalletStore,
        clock: Clock,
        events: EventLog,
        lists: CardListCache,
        *,
        tokens: TokenService,
        orders: TokenOrders,
        fingerprint: Callable[[str], bytes],
        entropy: Entropy,
    ) -> None:
        self._store = store
        self._clock = clock
        self._events = events
        self._lists = lists
        self._tokens = tokens
        self._orders = orders
        self._fingerprint = fingerprint
        self._identifiers = entropy.secret("wallet.identifiers")

    async def network_key(self, network: str) -> Mapping[str, object]:
        """The JWK that seals a card for a network.

        Raises:
            BadRequest: no such network.
            NetworkUnavailable: its token service does not answer.
        """
        check_network(network)
        try:
            return await self._tokens.public_key(network)
        except (TransportError, MessageError) as error:
            raise NetworkUnavailable(f"the token service of {network} does not answer") from error

    async def offer(self, network: str, sealed_pan: str) -> dict[str, object]:
        """What a sealed card is: product, kind, terms to accept, designs to choose from.

        Raises:
            BadRequest: a field is wrong, or it is no card of that network (`CardRefused`).
            NetworkUnavailable: its token service does not answer.
        """
        check_network(network)
        check_sealed(sealed_pan)
        try:
            offer = await self._tokens.offer(network, sealed_pan)
        except (TransportError, MessageError) as error:
            raise NetworkUnavailable(f"the token service of {network} does not answer") from error
        if isinstance(offer, TokenRefused):
            raise CardRefused(offer.code, offer.detail)
        return offer_json(offer)

    async def add(self, caller: Caller, order: CardOrder, key: str) -> Provisioned:
        """Put a card on a device.

        Raises:
            BadRequest: a field is wrong, or the network refuses the card (`CardRefused`).
            Conflict: the card is there already, or this key is at work now.
            KeyReused: the key belongs to another body.
            NetworkUnavailable: the token service does not answer.
        """
        check_key(key)
        check_order(order)
        requested = self._requested_card(caller, order)
        claimed = await self._store.write(
            lambda rows: self._claim(rows, caller, order, key, requested)
        )
        if isinstance(claimed, Provisioned):
            return claimed
        try:
            answer = await self._ask(order, claimed, caller, requested)
        except (TransportError, MessageError) as error:
            await self._store.write(lambda rows: _give_back(rows, caller, key, requested))
            raise NetworkUnavailable(
                f"the token service of {order.network} does not answer"
            ) from error
        if isinstance(answer, TokenRefused):
            await self._refuse(caller, key, requested, answer)
        return await self._grant(caller, key, requested, answer)

    def _requested_card(self, caller: Caller, order: CardOrder) -> Card:
        now_us = self._clock.now_us()
        card_id = identifier(self._identifiers, "card")
        return Card(
            id=card_id,
            user_id=caller.user_id,
            device_id=order.device_id,
            token_ref=f"requested:{card_id}",
            token_fingerprint=hashlib.sha256(card_id.encode()).digest(),
            network=order.network,
            last4=order.last4,
            token_last4="",
            card_type="",
            product="",
            card_art_url=f"/static/card-art/{card_id}.svg",
            status="requested",
            is_default=False,
            suspended_at_us=None,
            suspend_reason=None,
            provisioned_at_us=now_us,
            updated_at_us=now_us,
            terms_version=order.terms_version,
            terms_accepted_at_us=None if order.terms_version is None else now_us,
        )

    def _claim(
        self, rows: WalletRows, caller: Caller, order: CardOrder, key: str, requested: Card
    ) -> Device | Provisioned:
        """First commit. Same key: replay, refuse or take over; same card: refuse or take over."""
        now_us = self._clock.now_us()
        device = rows.device(order.device_id)
        if device is None or device.user_id != caller.user_id:
            raise BadRequest("device_unknown", "register the device first", field="deviceId")
        if device.lost_at_us is not None:
            raise Conflict("device_lost", "this device is marked as lost", field="deviceId")
        earlier = rows.claim_request(caller.user_id, key, order.request_hash(), now_us)
        if earlier is not None:
            request_hash, answer, claimed_at_us = earlier
            if request_hash != order.request_hash():
                raise KeyReused("idempotency_mismatch", "this key was used for another body")
            if answer is not None:
                return Provisioned(answer, replayed=True)
            if now_us - claimed_at_us < LEASE_US:
                raise Conflict("request_in_flight", "this key is being worked on; ask again")
            rows.release_request(caller.user_id, key)
            rows.claim_request(caller.user_id, key, order.request_hash(), now_us)
        if order.source_card_id is not None and _source(rows, caller, order) is None:
            raise NotFound("card_unknown", "no such active card in this wallet", field="fromCardId")
        same = rows.same_card(caller.user_id, order.device_id, order.last4, order.network)
        if same is not None:
            if not _may_replace(same, now_us):
                raise Conflict("already_provisioned", "this card is on this device already")
            rows.remove_card(same.id)
        rows.add_card(requested)
        return device

    async def _ask(
        self, order: CardOrder, device: Device, caller: Caller, requested: Card
    ) -> TokenGrant | TokenRefused:
        cards, source = self._store.read(
            lambda rows: (rows.cards_on(device.id), _source(rows, caller, order))
        )
        if source is None and order.source_card_id is not None:
            return TokenRefused("source_unknown", "the card that was named was taken away")
        ours = assess(order.cvv, [card for card in cards if card.id != requested.id])
        if ours is Colour.RED:
            return TokenRefused("wallet_declined", "the wallet does not want this card")
        await self._orders.deletions_heard(device.id, order.network)
        return await self._tokens.request_token(
            order.network,
            TokenRequest(
                sealed_pan=order.encrypted_pan,
                expiry=order.expiry_yymm,
                cvv=order.cvv,
                last4=order.last4,
                device_id=device.id,
                device_type=device.kind,
                wallet_id=caller.user_id,
                wallet_decision=ours.value,
                source_token_ref="" if source is None else source.token_ref,
                terms_version=order.card_terms,
                design=order.design or ("" if source is None else source.design),
            ),
        )

    async def _refuse(
        self, caller: Caller, key: str, requested: Card, refused: TokenRefused
    ) -> NoReturn:
        entry = self._entry(caller, "card.refused", requested.id, "refused", {"code": refused.code})

        def work(rows: WalletRows) -> None:
            _give_back(rows, caller, key, requested)
            rows.audit(entry)

        await self._store.write(work)
        if (field := FIELD_TO_BLAME.get(refused.code)) is not None:
            raise BadRequest(refused.code, refused.detail, field=field)
        raise CardRefused(refused.code, refused.detail)

    async def _grant(
        self, caller: Caller, key: str, requested: Card, grant: TokenGrant
    ) -> Provisioned:
        """Second commit: the card is there, the device will hear, the answer is stored."""
        now_us = self._clock.now_us()
        is_green = grant.decision == Colour.GREEN.value
        said = (grant.wallet_decision, grant.network_decision, grant.issuer_decision)
        card = replace(
            requested,
            token_ref=grant.token_ref,
            token_fingerprint=self._fingerprint(grant.token),
            token_last4=grant.token_last4,
            card_type=grant.card_type,
            product=grant.product,
            design=grant.design,
            status="active" if is_green else "pending",
            decisions=" ".join(said),
            provisioned_at_us=now_us,
            updated_at_us=now_us,
        )
        kind = "card.provisioned" if is_green else "card.verification_required"
        event = self._events.make(kind, actor=card.network, data=event_facts(card))
        facts: dict[str, object] = {
            "token_ref": card.token_ref,
            "decisions": dict(zip(PARTIES, said, strict=True)),
            "terms_version": card.terms_version,
        }
        entry = self._entry(caller, kind, card.id, "done", facts)
        try:
            body = await self._store.write(
                lambda rows: self._commit_card(rows, key, card, grant, event, entry)
            )
        except Conflict:
            await self._store.write(lambda rows: _give_back(rows, caller, key, requested))
            raise
        await self._lists.forget(caller.user_id, card.token_ref)
        self._events.publish(event)
        return Provisioned(body, replayed=False)

    def _commit_card(
        self,
        rows: WalletRows,
        key: str,
        card: Card,
        grant: TokenGrant,
        event: Event,
        entry: AuditEntry,
    ) -> bytes:
        if rows.card(card.id) is None:  # the lease ran out and somebody else took the card over
            raise Conflict("request_in_flight", "another request took this card over; ask again")
        if card.status == "active":
            stored = deliver(rows, card, grant.session_id, grant.device_payload)
        else:
            stored = card if rows.put_card(card) else None
        if stored is None:
            raise Conflict("already_provisioned", "the network knows this card on this device")
        rows.audit(entry)
        rows.record(event)
        body = orjson.dumps(
            {
                "status": "success" if stored.status == "active" else "verification_required",
                "card": stored.to_json(),
                "methods": [method_json(method) for method in grant.methods],
            }
        )
        rows.finish_request(card.user_id, key, body)
        return body

    def _entry(
        self, caller: Caller, action: str, card_id: str, result: str, facts: dict[str, object]
    ) -> AuditEntry:
        return AuditEntry(
            self._clock.now_us(),
            caller.user_id,
            action,
            "card",
            card_id,
            result,
            caller.ip_address,
            facts,
        )


def _source(rows: WalletRows, caller: Caller, order: CardOrder) -> Card | None:
    """The card that the order goes by: the caller's own, active, and the one that it says."""
    card = rows.card(order.source_card_id) if order.source_card_id is not None else None
    if card is None or (card.user_id, card.status) != (caller.user_id, "active"):
        return None
    return card if (card.network, card.last4) == (order.network, order.last4) else None


def _may_replace(same: Card, now_us: int) -> bool:
    """Whether this card on this device gives way to a new request for it."""
    if same.status == "requested":
        return now_us - same.updated_at_us >= LEASE_US
    return same.status == "rejected"


def _give_back(rows: WalletRows, caller: Caller, key: str, requested: Card) -> None:
    rows.remove_card(requested.id)
    rows.release_request(caller.user_id, key)
