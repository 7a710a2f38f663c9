"""Passwords as argon2id hashes (RFC 9106, PHC string form).

Hashing is deliberately slow, so it runs where the caller says (a thread in the live world). A
sign-in with an unknown address costs the same as one with a wrong password.
"""

from __future__ import annotations

from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.runtime.entropy import Stream
from backend.wallet.ports import Offload

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs.

    Attributes:
        memory_kib: memory in KiB.
    """

    passes: int
    memory_kib: int
    lanes: int


LIVE = Cost(passes=3, memory_kib=65_536, lanes=1)
SIMULATED = Cost(passes=1, memory_kib=64, lanes=1)


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self, cost: Cost, salts: Stream, offload: Offload) -> None:
        self._hasher = PasswordHasher(cost.passes, cost.memory_kib, cost.lanes)
        self._salts = salts
        self._offload = offload
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The PHC string to store."""
        salt = self._salts.bytes(SALT_BYTES)
        return await self._offload(lambda: self._hasher.hash(password, salt=salt))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether that is the password; with None stored, the same work for nothing."""
        known = stored or await self._nobodys_hash()
        right = await self._offload(lambda: self._verify(known, password))
        return right and stored is not None

    async def _nobodys_hash(self) -> str:
        if self._nobody is None:
            self._nobody = await self.hash("a password nobody has")
        return self._nobody

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False  # a wrong password is an outcome
