"""How one attempt at a sale went, as the till hands it to whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from hardware.api import TapResult
from lab.engine_shapes import PaymentAnswer
from lab.pos.state import PosPhase


@dataclass(frozen=True, slots=True)
class Sale:
    """How one attempt went.

    Attributes:
        phase: where the till stands.
        tap: what the kernel said; None when no card came.
        answer: what the engine said; None when it was not asked or did not answer.
        total_us: from the card in the field to the result.
        problem: why there is neither, in one stable word.
    """

    tap_id: str
    phase: PosPhase
    amount_minor: int
    currency: str
    tap: TapResult | None = None
    answer: PaymentAnswer | None = None
    total_us: int = 0
    problem: str = ""
