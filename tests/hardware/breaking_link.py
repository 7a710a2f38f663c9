"""A link that breaks at one exchange, before or after the card has done its work."""

from __future__ import annotations

from typing import Any


class BreakingLink:
    """The given link until exchange number `at`, counted from 1, and there the fault."""

    def __init__(self, link: Any, at: int, fault: Exception, *, after: bool) -> None:
        self.link, self.at, self.after, self.fault, self.count = link, at, after, fault, 0
        self.atr, self.uid = link.atr, link.uid

    async def transmit(self, command: bytes) -> bytes:
        self.count += 1
        if self.count == self.at and not self.after:
            raise self.fault
        answer: bytes = await self.link.transmit(command)
        if self.count == self.at:
            raise self.fault
        return answer

    async def release(self) -> None:
        await self.link.release()
