"""The way from a network to its issuers, with what is armed on `<network>.issuer`.

An issuer that is slow, silent or answers by itself; one that is heard too late is silent to its
network, which then declines with 91. Nothing that is declined here holds money. Waiting is
input/output time. Knows no message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from backend.faults.armed import Facts
from backend.faults.board import FaultBoard
from backend.faults.catalogue import Point
from backend.networks.issuing import ISSUER_PATIENCE_S, Decision, IssuedCard, reason_of

SILENT = "91"


class FaultyIssuerWay:
    """An `IssuerWay` that asks the board."""

    def __init__(self, board: FaultBoard) -> None:
        self._board = board

    async def ask(
        self, network: str, card: Callable[[], Awaitable[IssuedCard]], amount_minor: int
    ) -> Decision | None:
        """What the network hears instead of the issuer's decision, or None."""
        link = f"{network}.issuer"
        if not self._board.concern(link):
            return None
        digits = (await card()).leading_digits
        facts = Facts(card_digits=digits, amount_minor=amount_minor)
        strikes = self._board.strike(link, Point.ANSWER, facts)
        is_silent = any(strike.fault.effect == "timeout" for strike in strikes)
        delay_s = sum(strike.delay_us for strike in strikes) / 1e6
        if is_silent or delay_s > ISSUER_PATIENCE_S:
            await asyncio.sleep(ISSUER_PATIENCE_S)
            return Decision(SILENT, reason_of(SILENT))
        if delay_s:
            await asyncio.sleep(delay_s)
        codes = [strike.fault.code for strike in strikes if strike.fault.code]
        return Decision(codes[0], reason_of(codes[0])) if codes else None
