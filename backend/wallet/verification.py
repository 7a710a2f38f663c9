"""Verification of a pending card: a code goes to the cardholder, and what they type goes back.

Theory of operation. The network's host draws, sends and judges codes; this side never sees one that
it was not given by the person, and keeps none. Commit, call, commit: a step under an
Idempotency-Key claims it first, then asks the network under a name made of person and key, then
commits what came of it (card, device message, audit line, event, stored answer) in one piece. After
a crash in between, the repeat asks under the same name and hears the same; a token that became
active meanwhile says so to whatever step comes next, and brings its keys. Refusals that changed
nothing give the key back, so that the same step may be tried again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import orjson

from backend.networks.decisions import METHODS, STEP_UP_DIGITS
from backend.networks.tsp_terms import StepUpMethod, Verification, Verified
from backend.runtime.clock import Clock
from backend.runtime.entropy import Entropy, identifier
from backend.runtime.errors import (
    BadRequest,
    Conflict,
    MessageError,
    NotFound,
    TransportError,
)
from backend.runtime.events import Event, EventLog
from backend.wallet.card_order import check_key
from backend.wallet.cards import owned
from backend.wallet.errors import NetworkUnavailable
from backend.wallet.model import AuditEntry, Caller, Card
from backend.wallet.ports import CardListCache, TokenService, WalletRows, WalletStore
from backend.wallet.provisioning import KeyReused
from backend.wallet.status import deliver, reject
from backend.wallet.step_up_view import event_facts, method_json

CLAIM_US = 15_000_000
"""How long a claimed key counts as being worked on: longer than a network is waited for."""
_Ask = Callable[[Card, str], Awaitable[Verification]]


class StepRefused(BadRequest):
    """A step of a verification that was not done, or a code that was not right.

    Attributes:
        methods: how each method stands now.
    """

    def __init__(self, outcome: Verified, methods: tuple[StepUpMethod, ...], by: str = "") -> None:
        refusal = REFUSALS[outcome]
        super().__init__(refusal.code, refusal.detail)
        self.status = refusal.status
        self.members = {"methods": [method_json(method) for method in methods]}
        if outcome is Verified.TOO_EARLY:
            waits = [method.resend_in_ms for method in methods if method.method == by]
            self.retry_after_s = -(-max(waits, default=0) // 1_000)


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    code: str
    detail: str


REFUSALS = {
    Verified.TOO_EARLY: _Refusal(
        429, "resend_too_early", "a code was sent just now: wait a little"
    ),
    Verified.SENDS_USED: _Refusal(409, "no_more_codes", "this method sends no more codes"),
    Verified.CODE_WRONG: _Refusal(422, "code_wrong", "this is not the code that was sent"),
    Verified.CODE_EXPIRED: _Refusal(422, "code_expired", "the code has expired: ask for another"),
    Verified.CODE_NOT_SENT: _Refusal(409, "code_not_sent", "no code was sent by this method yet"),
    Verified.METHOD_SPENT: _Refusal(409, "method_spent", "this method is spent: take another"),
    Verified.METHOD_UNKNOWN: _Refusal(
        409, "method_not_offered", "the bank does not offer this method for this card"
    ),
    Verified.FAILED: _Refusal(
        409, "verification_failed", "the card could not be verified: its bank has to be called"
    ),
}
_CHANGING = {Verified.CODE_SENT, Verified.CODE_WRONG, Verified.ACTIVE, Verified.FAILED}


@dataclass(frozen=True, slots=True)
class Step:
    """The answer to a step.

    Attributes:
        body: JSON, byte-equal for every retry with the same key.
        replayed: whether it was answered from the store.
    """

    body: bytes
    replayed: bool = False


class Verifications:
    """Verifies pending cards."""

    def __init__(
        self,
        store: WalletStore,
        clock: Clock,
        events: EventLog,
        lists: CardListCache,
        *,
        tokens: TokenService,
        fingerprint: Callable[[str], bytes],
        entropy: Entropy,
    ) -> None:
        self._store = store
        self._clock = clock
        self._events = events
        self._lists = lists
        self._tokens = tokens
        self._fingerprint = fingerprint
        self._names = entropy.secret("wallet.verification.steps")

    async def look(self, caller: Caller, card_id: str) -> Step:
        """How a card's verification stands; takes up what a crash left.

        Raises:
            NotFound: no such card of theirs.
            Conflict: it is not pending.
            NetworkUnavailable: the network cannot be asked.
        """
        return await self._step(caller, card_id, "", None, self._look)

    async def send(self, caller: Caller, card_id: str, method: str, key: str | None) -> Step:
        """Have a code sent.

        Args:
            caller: whose card it is.
            card_id: a pending card.
            method: "sms", "email", "bank_app" or "call".
            key: the client's Idempotency-Key, if it sends one.

        Raises:
            BadRequest: the method or the key cannot be.
            NotFound: no such card of theirs.
            Conflict: it is not pending, its device is lost, or the key is at work now.
            KeyReused: the key belongs to another step.
            StepRefused: no code was sent, with the reason.
            NetworkUnavailable: the network cannot be asked.
        """
        _check_method(method)

        async def ask(card: Card, name: str) -> Verification:
            return await self._tokens.send_code(card.network, card.token_ref, method, name)

        return await self._step(caller, card_id, method, key, ask)

    async def check(
        self, caller: Caller, card_id: str, *, method: str, code: str, key: str | None
    ) -> Step:
        """Check a code. Arguments and errors as `send`."""
        _check_method(method)

        async def ask(card: Card, name: str) -> Verification:
            _check_code(card, code)
            return await self._tokens.check_code(card.network, card.token_ref, method, code, name)

        return await self._step(caller, card_id, f"{method} {code}", key, ask)

    async def _look(self, card: Card, _name: str) -> Verification:
        return await self._tokens.verification(card.network, card.token_ref)

    async def _step(
        self, caller: Caller, card_id: str, said: str, key: str | None, ask: _Ask
    ) -> Step:
        if key is not None:
            check_key(key)
        claimed = await self._store.write(
            lambda rows: self._claim(rows, caller, card_id, said, key)
        )
        if isinstance(claimed, Step):
            return claimed
        try:
            answer = await ask(claimed, self._name(caller, key))
        except BadRequest as refused:
            await self._give_back(caller, key)
            if isinstance(refused, NotFound):  # a token that its network has forgotten
                raise Conflict(
                    "verification_unknown", "remove this card and add it again"
                ) from None
            raise
        except (TransportError, MessageError) as error:
            await self._give_back(caller, key)
            raise NetworkUnavailable(
                f"the token service of {claimed.network} does not answer"
            ) from error
        return await self._settle(caller, claimed, said.split(" ", maxsplit=1)[0], key, answer)

    def _claim(
        self, rows: WalletRows, caller: Caller, card_id: str, said: str, key: str | None
    ) -> Card | Step:
        """First commit: the key is ours, or its answer is there."""
        now_us = self._clock.now_us()
        card = owned(rows, caller, card_id)
        if key is not None:
            wanted = self._fingerprint(f"{card_id} {said}")  # keyed: a code is easy to guess
            earlier = rows.claim_request(caller.user_id, key, wanted, now_us)
            if earlier is not None:
                request_hash, answer, claimed_at_us = earlier
                if request_hash != wanted:
                    raise KeyReused("idempotency_mismatch", "this key was used for another body")
                if answer is not None:
                    return _replayed(answer)
                if now_us - claimed_at_us < CLAIM_US:
                    raise Conflict("request_in_flight", "this key is being worked on; ask again")
                rows.release_request(caller.user_id, key)
                rows.claim_request(caller.user_id, key, wanted, now_us)
        _check_pending(rows, card)
        return card

    def _name(self, caller: Caller, key: str | None) -> str:
        """The step's name for the network: the same for every repeat under one key."""
        if key is None:
            return identifier(self._names, "stp")
        return self._fingerprint(f"step {caller.user_id} {key}").hex()

    async def _give_back(self, caller: Caller, key: str | None) -> None:
        if key is not None:
            await self._store.write(lambda rows: rows.release_request(caller.user_id, key))

    async def _settle(
        self, caller: Caller, card: Card, method: str, key: str | None, answer: Verification
    ) -> Step:
        """Second commit: what the network said is true here too."""
        is_refused = answer.outcome in REFUSALS
        if answer.outcome not in _CHANGING:
            await self._give_back(caller, key)
            if is_refused:
                raise StepRefused(answer.outcome, answer.methods, method)
            return Step(_body(card, answer.methods))
        kind = _KINDS[answer.outcome]
        event = self._events.make(
            kind, actor=card.network, data={**event_facts(card), "method": method}
        )
        entry = AuditEntry(
            self._clock.now_us(),
            caller.user_id,
            "card.verified" if answer.outcome is Verified.ACTIVE else kind,
            "card",
            card.id,
            "refused" if is_refused else "done",
            caller.ip_address,
            {"token_ref": card.token_ref, "method": method},
        )
        step, is_news = await self._store.write(
            lambda rows: self._commit(rows, card, key, answer, event, entry)
        )
        if is_news:
            await self._lists.forget(caller.user_id, card.token_ref)
            self._events.publish(event)
        if is_refused:
            raise StepRefused(answer.outcome, answer.methods)
        return step

    def _commit(
        self,
        rows: WalletRows,
        card: Card,
        key: str | None,
        answer: Verification,
        event: Event,
        entry: AuditEntry,
    ) -> tuple[Step, bool]:
        now_card = rows.card(card.id)
        if now_card is None:
            raise NotFound("card_unknown", "this card was removed meanwhile")
        is_news = now_card.status == "pending"
        if is_news:
            now_card = self._changed(rows, now_card, answer)
            rows.audit(entry)
            rows.record(event)
        body = _body(now_card, answer.methods)
        if key is not None:
            is_refused = answer.outcome in REFUSALS
            stored = _refused_body(answer.outcome, answer.methods) if is_refused else body
            rows.finish_request(card.user_id, key, stored)
        return Step(body), is_news

    def _changed(self, rows: WalletRows, card: Card, answer: Verification) -> Card:
        now_us = self._clock.now_us()
        match answer.outcome:
            case Verified.ACTIVE:
                active = replace(
                    card, status="active", provisioned_at_us=now_us, updated_at_us=now_us
                )
                stored = deliver(rows, active, answer.session_id, answer.device_payload)
                assert stored is not None, "a pending card has its token's row already"
                return stored
            case Verified.FAILED:
                return reject(rows, card, now_us, reason="verification_failed")
            case _:
                return card


_KINDS = {
    Verified.CODE_SENT: "card.code_sent",
    Verified.CODE_WRONG: "card.code_wrong",
    Verified.ACTIVE: "card.provisioned",
    Verified.FAILED: "card.rejected",
}


def _check_pending(rows: WalletRows, card: Card) -> None:
    if card.status == "rejected":
        raise StepRefused(Verified.FAILED, ())
    if card.status != "pending":
        raise Conflict("card_not_pending", "this card is verified already")
    device = rows.device(card.device_id)
    if device is not None and device.lost_at_us is not None:
        raise Conflict("device_lost", "mark the device as found first")


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise BadRequest("method_unknown", f"method is one of {', '.join(METHODS)}", field="method")


def _check_code(card: Card, code: str) -> None:
    digits = STEP_UP_DIGITS[card.network]
    if not (len(code) == digits and code.isascii() and code.isdecimal()):
        raise BadRequest("code_invalid", f"a code of this bank has {digits} digits", field="code")


def _body(card: Card, methods: tuple[StepUpMethod, ...]) -> bytes:
    return orjson.dumps(
        {
            "status": "success" if card.status == "active" else "verification_required",
            "card": card.to_json(),
            "methods": [method_json(method) for method in methods],
        }
    )


def _refused_body(outcome: Verified, methods: tuple[StepUpMethod, ...]) -> bytes:
    return orjson.dumps({"refused": outcome.value, "methods": [_plain(m) for m in methods]})


def _plain(method: StepUpMethod) -> dict[str, object]:
    return {name: getattr(method, name) for name in StepUpMethod.__dataclass_fields__}


def _replayed(answer: bytes) -> Step:
    """The stored answer again.

    Raises:
        StepRefused: it was a refusal.
    """
    stored = orjson.loads(answer)
    if "refused" in stored:
        methods = tuple(StepUpMethod(**method) for method in stored["methods"])
        raise StepRefused(Verified(stored["refused"]), methods)
    return Step(answer, replayed=True)
