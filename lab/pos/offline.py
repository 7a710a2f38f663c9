"""Taps that were taken without the engine, on their way to it: one key each until it has an answer.

Card and till have approved some (a TC): nothing here can undo those, the engine is told. Of the
others the till has only kept the cryptogram: the issuer decides when they are uploaded. Both are a
declared store-and-forward, the oldest first; while one of a card is undecided, later ones of that
card wait. Knows no display.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from http import HTTPStatus

from backend.api import Clock, Scheduler
from lab.client import PATIENCE_S, EngineClient
from lab.engine_shapes import NfcOrder, PaymentAnswer
from lab.errors import EngineRefused, EngineUnreachable
from lab.pos import display
from lab.pos.kept_approvals import KeptApprovals, KeptTap
from lab.pos.offline_rules import OfflineMode, RuleFile, is_expired
from lab.pos.till_memory import SaleRecord
from lab.words import Message, message

AGAIN_S = 2.0
STATE = "approved offline"
STORED_STATE = "stored offline"
RESPONSE_CODE = "Y1"  # offline approved (EMV Book 4, A6)
EXPIRED = "expired"
_FINAL_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_UNDECIDED = frozenset({"pending", "not_sent"})
_NETWORK_OF_KERNEL = {2: "mastercard", 3: "visa", 4: "amex"}
Heard = Callable[[NfcOrder, str, PaymentAnswer], None]


class NoAnswer(Enum):
    """Why there is none yet."""

    UNREACHABLE = "unreachable"
    UNDECIDED = "undecided"


class Forwarding:
    """Uploads what was taken without the engine, and sees to it that each tap ends once."""

    def __init__(
        self,
        client: EngineClient,
        scheduler: Scheduler,
        heard: Heard,
        kept: KeptApprovals | None = None,
        *,
        clock: Clock,
        rules: RuleFile | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """A way to the engine.

        Args:
            client: the engine.
            scheduler: waits between two attempts.
            heard: told once for each tap what the engine made of it.
            kept: where they outlive this process; None forgets them with it.
            clock: lab time, for what is stored too long.
            rules: whether the till is to be offline now, and when stored taps expire.
            changed: something waits, or waits no more.
        """
        self._kept = kept
        self._waiting: dict[str, KeptTap] = {}
        self._sending: set[str] = set()
        self._working = False
        self._client = client
        self._scheduler = scheduler
        self._heard = heard
        self._clock = clock
        self._rules = rules or RuleFile(None)
        self._changed = changed

    @property
    def waiting(self) -> tuple[KeptTap, ...]:
        """What the engine has not answered, the oldest first."""
        return tuple(self._waiting.values())

    @property
    def is_sending(self) -> bool:
        """Whether one of them is on the wire."""
        return bool(self._sending)

    @property
    def _paused(self) -> bool:
        return self._rules.rules.mode is OfflineMode.NOW

    async def tell(
        self, order: NfcOrder, key: str, *, patience_s: float = PATIENCE_S
    ) -> PaymentAnswer | None:
        """Tell now, and go on telling in the background while there is no answer; None then."""
        tap = self._waiting.setdefault(key, KeptTap(order, key))
        answer = NoAnswer.UNREACHABLE if self._paused else await self._try(tap, patience_s)
        if isinstance(answer, NoAnswer):
            self._work()
            return None
        return answer

    def keep(self, order: NfcOrder, key: str) -> None:
        """Put a tap where it outlives this process, before anybody is told of it."""
        tap = KeptTap(order, key, self._clock.now_us(), tried=order.approved_offline)
        if self._kept is not None:
            self._kept.keep(tap)
        self._waiting[key] = tap

    def resume(self) -> None:
        """Upload what waits, also from an earlier process."""
        for tap in () if self._kept is None else self._kept.all():
            self._waiting.setdefault(tap.key, tap)
        self._work()
        self._changed()

    def _work(self) -> None:
        if not self._working and self._waiting and not self._paused:
            self._working = True
            self._scheduler.spawn(self._upload(), "till uploads what it took offline")

    async def _upload(self) -> None:
        try:
            while self._waiting and not self._paused:
                await self._round()
                if self._waiting:
                    await self._scheduler.sleep(AGAIN_S)
        finally:
            self._working = False

    async def _round(self) -> None:
        """Each once, the oldest first, as far as the engine is there."""
        held: set[str] = set()
        for tap in self.waiting:
            if self._paused:
                return
            if tap.key in self._sending or tap.order.token in held:
                continue
            if tap.order.stored and not tap.tried and self._is_expired(tap):
                self._end(tap, _refused(tap.order, "stored_too_long", EXPIRED))
                continue
            match await self._try(tap, PATIENCE_S):
                case NoAnswer.UNREACHABLE:
                    return
                case NoAnswer.UNDECIDED:
                    held.add(tap.order.token)

    def _is_expired(self, tap: KeptTap) -> bool:
        return is_expired(self._rules.rules.limits, tap, self._clock.now_us())

    async def _try(self, tap: KeptTap, patience_s: float) -> PaymentAnswer | NoAnswer:
        self._sending.add(tap.key)
        self._changed()
        try:
            return await self._send(tap, patience_s)
        finally:
            self._sending.discard(tap.key)
            self._changed()

    async def _send(self, tap: KeptTap, patience_s: float) -> PaymentAnswer | NoAnswer:
        if tap.order.stored and not tap.tried and self._kept is not None:
            self._kept.mark_tried(tap.key)
        try:
            answer = await self._client.pay_nfc(tap.order, key=tap.key, patience_s=patience_s)
        except EngineUnreachable:
            return NoAnswer.UNREACHABLE
        except EngineRefused as refusal:
            if refusal.status not in _FINAL_REFUSALS:
                return NoAnswer.UNDECIDED  # busy, in trouble, or not to be asked by us now
            answer = _refused(tap.order, refusal.code)
        if answer.status in _UNDECIDED:
            return NoAnswer.UNDECIDED
        self._end(tap, answer)
        return answer

    def _end(self, tap: KeptTap, answer: PaymentAnswer) -> None:
        """Its sale is written down first: a till that dies in between asks again and is told."""
        self._waiting.pop(tap.key, None)
        self._heard(tap.order, tap.key, answer)
        if self._kept is not None:
            self._kept.end(tap, answer.status, answer.reason)


def kept_record(order: NfcOrder, key: str, at_us: int, kernel: int | None) -> SaleRecord:
    """The sale as the till knows it before the engine does; its id is the tap's."""
    return SaleRecord(
        payment_id=order.tap_id,
        at_us=at_us,
        amount_minor=order.amount_minor,
        currency=order.currency,
        network=_NETWORK_OF_KERNEL.get(kernel or 0, ""),
        last4=order.token[-4:],
        state=STATE if order.approved_offline else STORED_STATE,
        auth_code="",
        response_code=RESPONSE_CODE if order.approved_offline else "",
        reason="",
        key=key,
    )


def told_words(order: NfcOrder, answer: PaymentAnswer) -> Message:
    """What the display adds once the engine has answered."""
    kind = "offline" if order.approved_offline else "stored"
    if answer.status == "approved":
        network = display.network_name(answer.network)
        code = answer.auth_code or ""
        return message(f"pos.{kind}.told", "good", network=network, auth_code=code)
    why = (answer.reason or answer.status).replace("_", " ")
    return message(f"pos.{kind}.refused", "bad", reason=why)


def _refused(order: NfcOrder, code: str, status: str = "declined") -> PaymentAnswer:
    """What the engine will not even look at, or was never asked, as an answer."""
    return PaymentAnswer(
        status=status,
        auth_code=None,
        response_code=None,
        network="",
        payment_id=order.tap_id,
        reason=code,
        steered=None,
        latency_ms={},
        replayed=False,
    )
