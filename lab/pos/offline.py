"""Offline approvals on their way to the engine: told with the same key until it has an answer.

The payment is made when card and till have approved it, so nothing here can undo it: the engine
hears of it as a declared store-and-forward, now or when it is there again. Knows no display.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from backend.api import Scheduler
from lab.client import PATIENCE_S, EngineClient
from lab.engine_shapes import NfcOrder, PaymentAnswer
from lab.errors import EngineRefused, EngineUnreachable
from lab.pos import display
from lab.pos.kept_approvals import KeptApprovals
from lab.pos.till_memory import SaleRecord
from lab.words import Message, message

AGAIN_S = 2.0
STATE = "approved offline"
RESPONSE_CODE = "Y1"  # offline approved (EMV Book 4, A6)
_FINAL_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_UNDECIDED = frozenset({"pending", "not_sent"})
_NETWORK_OF_KERNEL = {2: "mastercard", 3: "visa", 4: "amex"}
Heard = Callable[[NfcOrder, str, PaymentAnswer], None]


class Forwarding:
    """Tells the engine of offline approvals."""

    def __init__(
        self,
        client: EngineClient,
        scheduler: Scheduler,
        heard: Heard,
        kept: KeptApprovals | None = None,
    ) -> None:
        """A way to the engine.

        Args:
            client: the engine.
            scheduler: waits between two attempts.
            heard: told once for each approval what the engine made of it.
            kept: where they outlive this process; None forgets them with it.
        """
        self._kept = kept
        self._on_the_way: set[str] = set()
        self._client = client
        self._scheduler = scheduler
        self._heard = heard

    async def tell(
        self, order: NfcOrder, key: str, *, patience_s: float = PATIENCE_S
    ) -> PaymentAnswer | None:
        """Tell now, and go on telling in the background while there is no answer; None then."""
        self._on_the_way.add(key)
        answer = await self._try(order, key, patience_s)
        if answer is None:
            self._scheduler.spawn(self._later(order, key), "till tells of an offline approval")
        return answer

    def keep(self, order: NfcOrder, key: str) -> None:
        """Put an approval where it outlives this process, before anybody is told of it."""
        if self._kept is not None:
            self._kept.keep(order, key)

    def resume(self) -> None:
        """Tell of what an earlier process kept."""
        for order, key in () if self._kept is None else self._kept.all():
            if key not in self._on_the_way:
                self._on_the_way.add(key)
                self._scheduler.spawn(self._insist(order, key), "till tells of an offline approval")

    async def _later(self, order: NfcOrder, key: str) -> None:
        await self._scheduler.sleep(AGAIN_S)
        await self._insist(order, key)

    async def _insist(self, order: NfcOrder, key: str) -> None:
        while await self._try(order, key, PATIENCE_S) is None:
            await self._scheduler.sleep(AGAIN_S)

    async def _try(self, order: NfcOrder, key: str, patience_s: float) -> PaymentAnswer | None:
        try:
            answer = await self._client.pay_nfc(order, key=key, patience_s=patience_s)
        except EngineUnreachable:
            return None
        except EngineRefused as refusal:
            if refusal.status not in _FINAL_REFUSALS:
                return None  # busy, in trouble, or not to be asked by us now
            answer = _refused(order, refusal.code)
        if answer.status in _UNDECIDED:
            return None
        self._heard(order, key, answer)
        if self._kept is not None:
            self._kept.forget(key)
        self._on_the_way.discard(key)
        return answer


def kept_record(order: NfcOrder, key: str, at_us: int, kernel: int | None) -> SaleRecord:
    """The sale as the till knows it before the engine does; its id is the tap's."""
    return SaleRecord(
        payment_id=order.tap_id,
        at_us=at_us,
        amount_minor=order.amount_minor,
        currency=order.currency,
        network=_NETWORK_OF_KERNEL.get(kernel or 0, ""),
        last4=order.token[-4:],
        state=STATE,
        auth_code="",
        response_code=RESPONSE_CODE,
        reason="",
        key=key,
    )


def told_words(answer: PaymentAnswer) -> Message:
    """What the display adds once the engine has answered."""
    if answer.status == "approved":
        network = display.network_name(answer.network)
        code = answer.auth_code or ""
        return message("pos.offline.told", "good", network=network, auth_code=code)
    why = (answer.reason or answer.status).replace("_", " ")
    return message("pos.offline.refused", "bad", reason=why)


def _refused(order: NfcOrder, code: str) -> PaymentAnswer:
    """What the engine will not even look at, as an answer."""
    return PaymentAnswer(
        status="declined",
        auth_code=None,
        response_code=None,
        network="",
        payment_id=order.tap_id,
        reason=code,
        steered=None,
        latency_ms={},
        replayed=False,
    )
