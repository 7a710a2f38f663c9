"""RSA keys with exponent 3, as card schemes use them: drawn, stored, and used bare.

`fresh_key` takes its primes from the library, which draws from the operating system and takes a
tenth of a second: live worlds only. A simulated world must repeat from its seed and be cheap, so
its tokens have no certificates. Source: EMV Book 2 Annex A2.1 and B2.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa

EXPONENT = 3


@dataclass(frozen=True, slots=True)
class RsaKey:
    """A key pair by its two primes."""

    primes: tuple[int, int] = field(repr=False)

    @property
    def modulus(self) -> bytes:
        """The public half; the exponent is 3."""
        product = self.primes[0] * self.primes[1]
        return product.to_bytes((product.bit_length() + 7) // 8, "big")

    def apply(self, block: bytes) -> bytes:
        """The block under the private key (signature without any padding of its own).

        The block must be as long as the modulus, and smaller as a number.
        """
        modulus = self.modulus
        assert len(block) == len(modulus)
        assert block < modulus
        number = int.from_bytes(block, "big")
        first, second = self.primes
        rest_1, rest_2 = (
            pow(number % prime, pow(EXPONENT, -1, prime - 1), prime) for prime in self.primes
        )
        step = (rest_1 - rest_2) * pow(second, -1, first) % first
        return (rest_2 + step * second).to_bytes(len(modulus), "big")

    def to_bytes(self) -> bytes:
        """Both primes, each in half the modulus' length; to be sealed."""
        half = (len(self.modulus) + 1) // 2
        return b"".join(prime.to_bytes(half, "big") for prime in self.primes)

    @classmethod
    def from_bytes(cls, stored: bytes) -> RsaKey:
        """The inverse."""
        half = len(stored) // 2
        return cls((int.from_bytes(stored[:half], "big"), int.from_bytes(stored[half:], "big")))


def fresh_key(bits: int) -> RsaKey:
    """A new key of at least 1024 bits."""
    numbers = rsa.generate_private_key(EXPONENT, bits).private_numbers()
    return RsaKey((numbers.p, numbers.q))
