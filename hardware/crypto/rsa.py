"""A card's private RSA key: two primes, exponent 3, and the bare operation on a block.

The library has no raw RSA, so this is pow() over the two primes with the Chinese remainder theorem
(RFC 8017, 5.1.2); a card's blocks carry their own padding (Book 2, A2.1). Not hardened against
timing: it lives in a lab's emulated card. Knows no block's content.
"""

from __future__ import annotations

from dataclasses import dataclass, field

EXPONENT = 3


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """Two primes; neither may be one more than a multiple of the exponent."""

    p: int = field(repr=False)
    q: int = field(repr=False)

    def __post_init__(self) -> None:
        assert self.p != self.q
        assert (self.p - 1) % EXPONENT
        assert (self.q - 1) % EXPONENT

    @property
    def modulus_length(self) -> int:
        """Bytes of the modulus, and of every block."""
        return ((self.p * self.q).bit_length() + 7) // 8

    def sign(self, block: bytes) -> bytes:
        """The block under this key; it must be as long as the modulus and smaller."""
        assert len(block) == self.modulus_length
        number = int.from_bytes(block, "big")
        assert number < self.p * self.q
        of_p = pow(number, pow(EXPONENT, -1, self.p - 1), self.p)
        of_q = pow(number, pow(EXPONENT, -1, self.q - 1), self.q)
        joined = of_q + self.q * ((of_p - of_q) * pow(self.q, -1, self.p) % self.p)
        return joined.to_bytes(self.modulus_length, "big")
