"""Offline approvals on their way to the engine: told with the same key until it has an answer.

The payment is made when card and till have approved it, so nothing here can undo it: the engine
hears of it as a declared store-and-forward, now or when it is there again. Knows no display.
"""

from __future__ import annotations

from collections.abc import Callable

from backend.api import Scheduler
from lab.client import PATIENCE_S, EngineClient
from lab.engine_shapes import NfcOrder, PaymentAnswer
from lab.errors import EngineRefused, EngineUnreachable
from lab.pos import display
from lab.pos.till_memory import SaleRecord
from lab.words import Message, message

AGAIN_S = 2.0
STATE = "approved offline"
RESPONSE_CODE = "Y1"  # offline approved (EMV Book 4, A6)
_UNDECIDED = frozenset({"pending", "not_sent"})
Heard = Callable[[NfcOrder, str, PaymentAnswer], None]


class Forwarding:
    """Tells the engine of offline approvals."""

    def __init__(self, client: EngineClient, scheduler: Scheduler, heard: Heard) -> None:
        """A way to the engine.

        Args:
            client: the engine.
            scheduler: waits between two attempts.
            heard: told once for each approval what the engine made of it.
        """
        self._client = client
        self._scheduler = scheduler
        self._heard = heard

    async def tell(
        self, order: NfcOrder, key: str, *, patience_s: float = PATIENCE_S
    ) -> PaymentAnswer | None:
        """Tell now, and go on telling in the background while there is no answer; None then."""
        answer = await self._try(order, key, patience_s)
        if answer is None:
            self._scheduler.spawn(self._insist(order, key), "till tells of an offline approval")
        return answer

    async def _insist(self, order: NfcOrder, key: str) -> None:
        while True:
            await self._scheduler.sleep(AGAIN_S)
            if await self._try(order, key, PATIENCE_S) is not None:
                return

    async def _try(self, order: NfcOrder, key: str, patience_s: float) -> PaymentAnswer | None:
        try:
            answer = await self._client.pay_nfc(order, key=key, patience_s=patience_s)
        except EngineUnreachable:
            return None
        except EngineRefused as refusal:
            if refusal.is_trouble:
                return None
            answer = _refused(order, refusal.code)
        if answer.status in _UNDECIDED:
            return None
        self._heard(order, key, answer)
        return answer


def kept_record(order: NfcOrder, key: str, at_us: int) -> SaleRecord:
    """The sale as the till knows it before the engine does; its id is the tap's."""
    return SaleRecord(
        payment_id=order.tap_id,
        at_us=at_us,
        amount_minor=order.amount_minor,
        currency=order.currency,
        network="",
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
