"""What the till's display, lights and speaker say in each phase, and the receipt's lines.

The four lights of EMV contactless readers (Book A, user interface): idle the first blinks, ready
the first is on, a good read lights all four with a tone. The lights and the tone mean "card read",
never "approved". Words come as keys only.
"""

from __future__ import annotations

from lab.amounts import format_amount
from lab.clock_text import date_and_time, hour_and_minute
from lab.pos.state import OFF4, Light, PosPhase, Receipt, RecentSale
from lab.pos.till_memory import SaleRecord
from lab.words import Message, message
from lab.words.flow_words import NETWORK_NAMES

Lights = tuple[Light, Light, Light, Light]

_OFF, _ON, _BLINK, _ALERT = Light.OFF, Light.ON, Light.BLINK, Light.ALERT
IDLE_LIGHTS: Lights = (_BLINK, _OFF, _OFF, _OFF)
READY_LIGHTS: Lights = (_ON, _OFF, _OFF, _OFF)
READ_LIGHTS: Lights = (_ON, _ON, _ON, _ON)
ALERT_LIGHTS: Lights = (_ALERT, _OFF, _OFF, _OFF)

_GOOD = frozenset({PosPhase.APPROVED})
_WAITING = frozenset(
    {
        PosPhase.PRESENT,
        PosPhase.READING,
        PosPhase.AUTHORIZING,
        PosPhase.NOT_COMPLETED,
        PosPhase.STORED,
    }
)
_CALM = frozenset({PosPhase.IDLE, PosPhase.AMOUNT})
ALERTING = frozenset(PosPhase) - _GOOD - _WAITING - _CALM - {PosPhase.TIMED_OUT}


def network_name(network: str) -> str:
    """A network's name in plain type."""
    return NETWORK_NAMES.get(network, network or "Card")


def headline(phase: PosPhase) -> Message:
    """The display's main line."""
    if phase in _GOOD:
        kind = "good"
    elif phase in _WAITING:
        kind = "waiting"
    else:
        kind = "neutral" if phase in _CALM else "bad"
    return Message(f"pos.{phase.value}", kind)


def lights(phase: PosPhase) -> tuple[Lights, Message]:
    """The four lights and what they mean in words."""
    match phase:
        case PosPhase.IDLE | PosPhase.AMOUNT:
            return IDLE_LIGHTS, Message("pos.lights.idle")
        case PosPhase.PRESENT:
            return READY_LIGHTS, Message("pos.lights.ready")
        case PosPhase.READING:
            return READY_LIGHTS, Message("pos.lights.reading", "waiting")
        case PosPhase.AUTHORIZING:
            return READ_LIGHTS, Message("pos.lights.read")
        case _ if phase in ALERTING and phase is not PosPhase.DECLINED:
            return ALERT_LIGHTS, Message("pos.lights.alert", "bad")
        case _:
            return OFF4, Message("pos.lights.off")


def tone(phase: PosPhase) -> str:
    """What the speaker says on entering a phase."""
    if phase is PosPhase.AUTHORIZING:
        return "read"
    return "alert" if phase in ALERTING else ""


def refusal(
    reason: str, steered: str | None, network: str, response_code: str | None = None
) -> Message:
    """Why it was not approved, in one sentence: the till, the command line and the console."""
    key = f"pos.why.{reason}"
    if steered:
        named = f"pos.steered.{reason}" if key in KNOWN_REASONS else "pos.steered.other"
        return message(named, "bad", code=response_code or "no code", steered=steered)
    if key not in KNOWN_REASONS:
        return message("pos.why.other", "bad", reason=reason.replace("_", " ") or "no reason given")
    return message(key, "bad", network=network_name(network))


KNOWN_REASONS = frozenset(
    f"pos.why.{reason}"
    for reason in (
        "insufficient_funds",
        "expired_card",
        "exceeds_limit",
        "restricted_card",
        "issuer_unavailable",
        "system_malfunction",
        "invalid_token",
        "token_not_active",
        "atc_replay",
        "cryptogram_invalid",
        "cvc3_invalid",
        "atc_not_higher",
        "key_of_other_channel",
        "breaker_open",
        "no_connection",
        "network_unavailable",
        "no_answer_in_time",
    )
)


def receipt(sale: SaleRecord, merchant: str, terminal_id: str) -> Receipt:
    """The receipt, line by line; its head, drawn by the view, says that it is worth nothing.

    A merchant never sees the card's number: the digits are those of the device account number.
    """
    amount = format_amount(sale.amount_minor, sale.currency)
    lines = [
        (merchant, ""),
        (date_and_time(sale.at_us), terminal_id),
        ("Sale", amount),
        (f"{network_name(sale.network)} contactless", f"device ·{sale.last4}"),
        ("Result", sale.shown.replace("_", " ")),
    ]
    if sale.auth_code:
        lines.append(("Auth code", sale.auth_code))
    if sale.response_code:
        lines.append(("Response", sale.response_code))
    if sale.refunded_minor:
        lines.append(("Refunded", format_amount(sale.refunded_minor, sale.currency)))
    lines.append(("Payment", sale.payment_id[-12:]))
    return Receipt(sale.payment_id, tuple(lines))


def refund_receipt(
    sale: SaleRecord,
    *,
    amount_minor: int,
    refund_id: str,
    at_us: int,
    merchant: str,
    terminal_id: str,
) -> Receipt:
    """A refund's receipt: its own line and reference, and those of the sale that it is about."""
    lines = (
        (merchant, ""),
        (date_and_time(at_us), terminal_id),
        ("Refund", format_amount(amount_minor, sale.currency)),
        (f"{network_name(sale.network)} contactless", f"device ·{sale.last4}"),
        ("Refund no.", refund_id[-12:]),
        ("Original sale", format_amount(sale.amount_minor, sale.currency)),
        ("of", date_and_time(sale.at_us)),
        ("Payment", sale.payment_id[-12:]),
    )
    return Receipt(refund_id, lines)


def recent(sales: tuple[SaleRecord, ...]) -> tuple[RecentSale, ...]:
    """The last payments, as the till lists them."""
    return tuple(
        RecentSale(
            sale.payment_id,
            hour_and_minute(sale.at_us),
            format_amount(sale.amount_minor, sale.currency),
            sale.shown,
        )
        for sale in sales
    )
