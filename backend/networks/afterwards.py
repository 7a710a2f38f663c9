"""Payments that a network hears of afterwards: told of (an advice), or stored and forwarded.

DE 25 = 06 says that card and till have approved already: the goods are gone for good, and the
network books. DE 48 `sf` says that the till kept a cryptogram while it was offline and asks now:
the issuer decides as ever. Either may come after later payments, each counter once. Rules only;
the cryptogram is checked elsewhere.
"""

from __future__ import annotations

from backend.networks.counters import CounterVerdict, window_of_before
from backend.networks.issuing import Decision
from backend.networks.message import Message
from backend.networks.ports import HostRows, TokenRow

PREAUTHORIZED = "06"


def is_advice(request: Message) -> bool:
    """Whether a 0100 tells of a payment that card and till have approved already (DE 25 = 06)."""
    return request.fields.get("25") == PREAUTHORIZED


def is_stored(request: Message) -> bool:
    """Whether the acquirer says that the tap was stored and forwarded (DE 48 `sf`).

    Raises:
        MessageError: DE 48 is not of the dialect.
    """
    return request.private().get("sf") == "Y"


def take_counter(
    rows: HostRows, token: TokenRow, atc: int, *, advice: bool, stored: bool
) -> Decision | None:
    """Remember the counter of an active token, or say why this payment may not have it.

    Args:
        rows: the unit of work.
        token: as it was before this unit.
        atc: the counter, with a cryptogram found valid.
        advice: told of: no window holds for it.
        stored: declared as stored and forwarded.
    """
    higher = rows.take_atc(token.token_ref, atc)
    if not higher and not advice:  # or just suspended
        now = rows.token(token.token_ref)
        refusal = Decision("14", "token_unknown") if now is None else refusal_of_state(now)
        if refusal is not None:
            return refusal
    window = rows.counter_window(token.token_ref) or window_of_before(token.atc_seen)
    verdict, moved = window.take(atc, declared=advice or stored)
    if verdict is CounterVerdict.TAKEN:
        rows.put_counter_window(token.token_ref, moved)
        return None
    if advice and verdict is CounterVerdict.BEYOND_WINDOW:
        return None
    return Decision("05", verdict.value)


def refusal_of_state(token: TokenRow) -> Decision | None:
    """Why a token that is not active may not pay."""
    match token.status:
        case "active":
            return None
        case "suspended":
            return Decision("62", "token_suspended")
        case "inactive":
            return Decision("62", "token_inactive")
        case _:
            return Decision("14", "token_deactivated")
