"""What the till writes down of a sale: from the engine's answer, or from what it says later.

Pure: no file, no engine, no display. A merchant's order about a finished sale (capture, void,
refund) is told apart from an outcome that comes late.
"""

from __future__ import annotations

from hardware.api import Outcome, TapResult, TerminalConfig
from lab.engine_shapes import NfcOrder, PaymentAnswer, PaymentRecord
from lab.pos import display
from lab.pos.machine import PosEvent
from lab.pos.till_memory import SaleRecord
from lab.words import Message, message

PAID = frozenset({"approved", "refunded"})
"""How a payment's customer hears of it (`PaymentRecord.told`) when its bank said yes."""
_FINISHED = frozenset({"approved", "captured", "voided"})
_LET_GO = frozenset({"voided", "lapsed"})  # by the merchant, or because its time was over


def order_of(
    tap: TapResult, tap_id: str, config: TerminalConfig, amount_minor: int, currency: str
) -> NfcOrder:
    """What the engine is asked, or told, about a tap."""
    return NfcOrder(
        token=tap.token,
        cryptogram=tap.cryptogram,
        atc=tap.atc or 0,
        amount_minor=amount_minor,
        currency=currency,
        merchant_id=config.merchant_id,
        terminal_id=config.terminal_id,
        emv_data=tap.emv_data.hex().upper(),
        expiry=tap.expiry,
        psn=tap.psn or "00",
        tap_id=tap_id,
        approved_offline=tap.outcome is Outcome.APPROVED,
        track_2=tap.track_2,
    )


def record_of(answer: PaymentAnswer, order: NfcOrder, key: str, at_us: int) -> SaleRecord:
    """A sale as its answer tells it; `at_us` is lab time."""
    return SaleRecord(
        payment_id=answer.payment_id,
        at_us=at_us,
        amount_minor=order.amount_minor,
        currency=order.currency,
        network=answer.network,
        last4=order.token[-4:],
        state="not completed" if answer.status == "pending" else answer.status,
        auth_code=answer.auth_code or "",
        response_code=answer.response_code or "",
        reason=answer.reason,
        key=key,
    )


def record_of_copy(record: PaymentRecord, order: NfcOrder, key: str) -> SaleRecord:
    """A sale that was taken for failed and was paid by another copy of its request."""
    return SaleRecord(
        payment_id=record.id,
        at_us=record.created_at_us,
        amount_minor=order.amount_minor,
        currency=order.currency,
        network=record.network,
        last4=order.token[-4:],
        state=record.state,
        auth_code=record.auth_code,
        response_code=record.response_code,
        reason=record.reason,
        key=key,
        captured_minor=record.captured_minor,
        refunded_minor=record.refunded_minor,
    )


def ordered_since(known: SaleRecord, record: PaymentRecord) -> dict[str, str | int] | None:
    """What a merchant's order changed about a finished sale; None if it is about its outcome."""
    if known.state not in _FINISHED or record.state in {"authorizing", "unknown", "declined"}:
        return None
    now: dict[str, str | int] = {
        "state": "voided" if record.reason in _LET_GO else record.state,
        "captured_minor": record.captured_minor,
        "refunded_minor": record.refunded_minor,
    }
    return {name: value for name, value in now.items() if getattr(known, name) != value}


def verdict_of(answer: PaymentAnswer) -> tuple[PosEvent, Message]:
    """What an answer means to a sale, and the display's second line."""
    match answer.status:
        case "approved":
            return PosEvent.APPROVED, message(
                "pos.detail.approved",
                "good",
                network=display.network_name(answer.network),
                auth_code=answer.auth_code or "",
            )
        case "pending":
            return PosEvent.NO_ANSWER, Message("pos.why.no_answer_in_time", "waiting")
        case _:
            return PosEvent.DECLINED, display.refusal(
                answer.reason, answer.steered, answer.network, answer.response_code
            )
