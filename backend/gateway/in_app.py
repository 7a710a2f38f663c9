"""Payments in apps: a shop's session, a token sealed for the shop, and the shop that opens it.

Theory of operation. A shop opens a session; the device is asked, and signs with the token's remote
key over the session's own random number. The wallet's door seals what the device signed for the
merchant; from there on both doors are one: the merchant opens the token (signature, chain, five
minutes, key hash), compares amount and currency with what it asked, and has it authorized by the
engine that pays for taps. That a token was not seen before is settled in the unit of work that
stores the payment's intent, so two requests with one token cannot both be taken. What was answered
to a key is answered again before anything else is judged: a token grows old, an answer does not.

Knows no SQL, no HTTP and no card; a device account number passes through and is not stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256

from backend.domain.identifiers import ordered_identifier
from backend.domain.money import numeric_code
from backend.domain.pan import network_of
from backend.gateway.in_app_orders import MerchantOrder, WalletOrder
from backend.gateway.in_app_records import Session, SessionOrder, TakenToken
from backend.gateway.in_app_tokens import (
    content_for,
    order_of_token,
    random_of_chip,
    random_of_token,
    seen_by_merchant,
)
from backend.gateway.merchant_keys import MerchantKeys
from backend.outbox.ports import AuditRecord, Outbox
from backend.payments.engine import PaymentEngine
from backend.payments.idempotency import Reply
from backend.payments.ports import PaymentRows, TokenDirectory
from backend.payments.records import Merchant
from backend.paytoken.errors import TokenRefused
from backend.paytoken.token import Opened, merchant_of, seal, unseal
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.errors import BadRequest, Conflict, NotFound
from backend.runtime.events import Event, EventLog
from backend.runtime.store import Store
from backend.wallet.model import Session as SignedIn
from backend.wallet.payment_word import PaymentWords

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)

SESSION_LIFE_S = 300
RANDOM_BYTES = 4
SEALED_FOR_OTHER_KEY = "token_other_merchant"
WITHOUT_TOKEN = "payment_token"  # noqa: S105 - a kind of resource


class InAppRows(Protocol[Tx_contra]):
    """Sessions and tokens that were taken."""

    def add_session(self, tx: Tx_contra, session: Session) -> None:
        """Store a session."""

    def session(self, tx: Tx_contra, session_id: str) -> Session | None:
        """A session, with what became of it."""

    def cancel_session(self, tx: Tx_contra, session_id: str, at_us: int) -> bool:
        """Close a session that nothing was paid in; False when there is none such."""

    def pay_session(self, tx: Tx_contra, session_id: str, payment_id: str, at_us: int) -> bool:
        """This payment is the session's now; False when it is closed, or another may yet count."""

    def take_token(self, tx: Tx_contra, token: TakenToken) -> bool:
        """Take a token; False when its transaction identifier was seen before."""

    def ask_device(
        self, tx: Tx_contra, device_id: str, kind: str, body: dict[str, object], at_us: int
    ) -> bool:
        """Queue a message for a device; False when nobody has such a device."""


@dataclass(frozen=True, slots=True)
class InAppPorts(Generic[Tx]):
    """Everything that payments in apps take from outside.

    Attributes:
        seal_stream: ephemeral keys and transaction identifiers of tokens.
        identifiers: of sessions, and their random numbers.
        fingerprint: keyed digest of a token's digits.
        words: judges what devices say of payments.
    """

    store: Store[Tx]
    rows: InAppRows[Tx]
    payments: PaymentRows[Tx]
    tokens: TokenDirectory[Tx]
    engine: PaymentEngine[Tx]
    keys: MerchantKeys[Tx]
    outbox: Outbox[Tx]
    events: EventLog
    clock: Clock
    seal_stream: Stream
    identifiers: Stream
    fingerprint: Callable[[str], bytes]
    words: PaymentWords


class InApp(Generic[Tx]):
    """Both doors, and the sessions before them.

    Attributes:
        keys: the merchants' certificates.
    """

    def __init__(self, ports: InAppPorts[Tx]) -> None:
        self._ports = ports
        self.keys = ports.keys

    # Sessions.

    async def open_session(self, order: SessionOrder) -> Session:
        """Open a session and ask the device; whether there is such a device, nobody hears.

        Raises:
            BadRequest: `merchant_unknown`.
            StorageError: the database refused.
        """
        ports, now_us = self._ports, self._ports.clock.now_us()
        session = Session(
            id=ordered_identifier("mss", now_us, ports.identifiers),
            order=order,
            merchant=self._merchant(order.merchant_id),
            unpredictable_number=ports.identifiers.bytes(RANDOM_BYTES),
            created_at_us=now_us,
            expires_at_us=now_us + SESSION_LIFE_S * 1_000_000,
        )
        event = ports.events.make(
            "device.asked_to_pay",
            actor="shop",
            tap_id=session.id,
            data={
                "merchant_id": session.merchant.id,
                "amount_minor": order.amount_minor,
                "currency": order.currency,
            },
        )
        asked = session.for_device(now_us)

        def work(tx: Tx) -> None:
            ports.rows.add_session(tx, session)
            ports.rows.ask_device(tx, order.device_id, "payment_request", asked, now_us)
            ports.outbox.add_events(tx, (event,))

        await ports.store.write(work)
        ports.events.publish(event)
        return session

    def session(self, session_id: str) -> Session:
        """A session with what became of it.

        Raises:
            NotFound: `session_unknown`.
        """
        found = self._ports.store.read(lambda tx: self._ports.rows.session(tx, session_id))
        if found is None:
            raise NotFound("session_unknown", "no such session: POST /api/merchant-sessions")
        return found

    async def cancel(self, session_id: str) -> Session:
        """Close a session in which nothing is being paid; one that ended stays as it is.

        Raises:
            NotFound: `session_unknown`.
            StorageError: the database refused.
        """
        session, ports = self.session(session_id), self._ports
        now_us = ports.clock.now_us()
        body: dict[str, object] = {"id": session.id}

        def work(tx: Tx) -> bool:
            closed = ports.rows.cancel_session(tx, session_id, now_us)
            if closed:
                device_id = session.order.device_id
                ports.rows.ask_device(tx, device_id, "payment_cancelled", body, now_us)
                ports.outbox.add_events(tx, (event,))
            return closed

        event = ports.events.make("device.payment_cancelled", actor="shop", tap_id=session_id)
        if await ports.store.write(work):
            ports.events.publish(event)
        return self.session(session_id)

    async def renew_key(self, merchant_id: str) -> dict[str, str]:
        """Give a merchant a new key for payment tokens; those under way still open.

        Returns:
            What may be told: the certificate's SHA-256 and its last moment.

        Raises:
            BadRequest: `merchant_unknown`.
            StorageError: the database refused; the merchant has its old key.
        """
        merchant = self._merchant(merchant_id)
        certificate = (await self._ports.keys.renew(merchant.id)).certificate
        shown = {
            "merchant_id": merchant.id,
            "certificate_sha256": certificate.fingerprint(SHA256()).hex(),
            "not_after": certificate.not_valid_after_utc.isoformat(),
        }
        now_us = self._ports.clock.now_us()
        record = AuditRecord(
            now_us, None, "merchant_key.renewed", WITHOUT_TOKEN, merchant.id, "done", shown
        )
        await self._ports.store.write(lambda tx: self._ports.outbox.add_audit(tx, record))
        return shown

    # The two doors.

    async def pay_with_wallet(
        self, person: SignedIn, asked: WalletOrder, *, key: str, request_hash: bytes
    ) -> Reply:
        """Seal for the merchant what a person's device signed, and have the merchant take it.

        Raises:
            NotVouched: the session's device is not verified, or says nothing of this payment.
            BadRequest: `session_unknown`, `session_differs`, `network_not_taken`,
                `device_verification_required`, and everything the merchant's door refuses.
            NotFound: `card_unknown`: absent, another person's, or not active.
            KeyInFlight, KeyMismatch: as for a tap.
        """
        user_id, words = person.user_id, self._ports.words
        account = f"{user_id}/apps"
        known = self._ports.engine.answered(account=account, key=key, request_hash=request_hash)
        if known is not None:
            return known
        words.demand_device(person)
        session, order = self.session(asked.session_id), asked.order
        for_merchant = _for_merchant(session, asked)
        self._demand_session(session, for_merchant, random_of_chip(order.emv_data))
        if network_of(order.token) not in session.order.networks:
            raise BadRequest("network_not_taken", "the shop takes other networks' cards")
        content = content_for(order, session.order.data_type)
        self._demand_own(user_id, asked)
        words.demand_word(
            person, asked.card_id, asked.word, emv_data=order.emv_data, reference=session.id
        )
        merchant = session.merchant
        identity = await self._ports.keys.identity(merchant.id)
        authority = await self._ports.keys.authority_for(merchant.id)
        token = seal(
            content,
            merchant_of(identity.certificate),
            authority,
            self._ports.seal_stream,
            self._ports.clock.now_us(),
            session.id.encode(),
        )
        opened = await self._open(token, merchant)
        return await self._authorize(
            for_merchant, merchant, opened, str(token["version"]),
            account=account, key=key, request_hash=request_hash,
            owns=lambda tx: self._owns(tx, user_id, asked),
        )  # fmt: skip

    async def pay_with_token(self, asked: MerchantOrder, *, key: str, request_hash: bytes) -> Reply:
        """What a merchant's server does with a token that it was given.

        Raises:
            TokenRefused: why the token must not be used; written down in the audit log.
            BadRequest: `merchant_unknown`, `amount_differs`, `currency_differs`, `session_…`.
            KeyInFlight, KeyMismatch: as for a tap.
        """
        account = asked.merchant_id
        known = self._ports.engine.answered(account=account, key=key, request_hash=request_hash)
        if known is not None:
            return known
        merchant = self._merchant(asked.merchant_id)
        try:
            opened = await self._open(asked.token, merchant)
            if asked.session_id is not None:
                session = self.session(asked.session_id)
                self._demand_session(session, asked, random_of_token(opened.content))
            return await self._authorize(
                asked, merchant, opened, str(asked.token["version"]),
                account=account, key=key, request_hash=request_hash,
            )  # fmt: skip
        except TokenRefused as refused:
            await self._note_refusal(merchant, refused)
            raise

    async def _open(self, token: object, merchant: Merchant) -> Opened:
        """The merchant's own checks, in the order in which nothing unsigned is decrypted."""
        keys, now_us = self._ports.keys, self._ports.clock.now_us()
        openers = await keys.openers(merchant.id)
        root = (await keys.authority_for(merchant.id)).root.certificate
        *newer, oldest = [merchant_of(each.certificate, each.key) for each in openers]
        for opener in newer:
            try:
                return unseal(token, opener, root, now_us)
            except TokenRefused as refused:
                if refused.code != SEALED_FOR_OTHER_KEY:
                    raise
        return unseal(token, oldest, root, now_us)

    async def _authorize(
        self,
        asked: MerchantOrder,
        merchant: Merchant,
        opened: Opened,
        version: str,
        *,
        account: str,
        key: str,
        request_hash: bytes,
        owns: Callable[[Tx], None] | None = None,
    ) -> Reply:
        """From an opened token on: only what stands inside is authorized."""
        content = opened.content
        if content.amount_minor != asked.amount_minor:
            raise BadRequest("amount_differs", "amount is not the token's", field="amount")
        if content.currency_numeric != numeric_code(asked.currency):
            raise BadRequest("currency_differs", "currency is not the token's", field="currency")
        order = order_of_token(content, asked, merchant)
        signed_at_us = int(opened.signed_at.timestamp()) * 1_000_000

        def admit(tx: Tx, payment_id: str) -> tuple[Event, ...]:
            if owns is not None:
                owns(tx)
            taken = TakenToken(
                opened.transaction_id, merchant.id, payment_id, version, signed_at_us
            )
            if not self._ports.rows.take_token(tx, taken):
                raise TokenRefused("token_replayed", "this token was taken before")
            if asked.session_id is not None and not self._ports.rows.pay_session(
                tx, asked.session_id, payment_id, self._ports.clock.now_us()
            ):
                raise Conflict("session_closed", "the session is paid, cancelled or expired")
            event = self._ports.events.make(
                "payment_token.opened",
                actor="shop",
                payment_id=payment_id,
                tap_id=asked.session_id,
                data=seen_by_merchant(opened, order, taken),
            )
            self._ports.outbox.add_events(tx, (event,))
            return (event,)

        return await self._ports.engine.pay(
            order, account=account, key=key, request_hash=request_hash, admit=admit
        )

    # What is demanded.

    def _merchant(self, merchant_id: str) -> Merchant:
        ports = self._ports
        found = ports.store.read(lambda tx: ports.payments.find_merchant(tx, merchant_id))
        if found is None:
            raise BadRequest("merchant_unknown", "no such merchant", field="merchantId")
        return found

    def _demand_session(self, session: Session, asked: MerchantOrder, signed: bytes) -> None:
        """The order is the session's, and so is what the device signed."""
        order = session.order
        wanted = (order.merchant_id, order.amount_minor, order.currency)
        if wanted != (asked.merchant_id, asked.amount_minor, asked.currency):
            raise BadRequest(
                "session_differs", "merchant, amount and currency are those of the session"
            )
        if signed != session.unpredictable_number:
            raise BadRequest(
                "session_differs", "the device signed another session's number", field="emvData"
            )

    def _demand_own(self, user_id: str, asked: WalletOrder) -> None:
        self._ports.store.read(lambda tx: self._owns(tx, user_id, asked))

    def _owns(self, tx: Tx, user_id: str, asked: WalletOrder) -> None:
        """One answer for a card that is absent, another person's, or not active."""
        found = self._ports.tokens.find(tx, self._ports.fingerprint(asked.order.token))
        own = found is not None and (found.card_id, found.user_id) == (asked.card_id, user_id)
        if not own or found is None or found.status != "active":
            raise NotFound("card_unknown", "Card not found or inactive", field="cardId")

    async def _note_refusal(self, merchant: Merchant, refused: TokenRefused) -> None:
        record = AuditRecord(
            at_us=self._ports.clock.now_us(),
            user_id=None,
            action="payment_token.refused",
            resource_type=WITHOUT_TOKEN,
            resource_id=merchant.id,
            result="refused",
            metadata={"code": refused.code},
        )
        await self._ports.store.write(lambda tx: self._ports.outbox.add_audit(tx, record))


def _for_merchant(session: Session, asked: WalletOrder) -> MerchantOrder:
    order = asked.order
    return MerchantOrder(asked.merchant_id, {}, order.amount_minor, order.currency, session.id)
