"""Key-encryption keys derived from the folder's root key: for keyring, passphrase and file.

AES-256-GCM (NIST SP 800-38D), a random 96-bit nonce in front; every version is a key of its own
(HKDF, RFC 5869), so a new version needs nothing but its number. Knows no record and no row.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.runtime.entropy import Stream
from backend.runtime.errors import StorageError

NONCE_BYTES = 12


class SoftwareWrapper:
    """Wraps keys in this process's memory."""

    def __init__(self, key_of: Callable[[str], bytes], home: str, nonces: Stream) -> None:
        """Keys by name come from the folder's root."""
        self._cipher = lru_cache(maxsize=8)(lambda kek: AESGCM(key_of(f"card vault kek {kek}")))
        self._home = home
        self._nonces = nonces

    @property
    def home(self) -> str:
        """Where the root lives."""
        return self._home

    def wrap(self, kek: int, plain: bytes, place: bytes) -> bytes:
        """Nonce and ciphertext."""
        nonce = self._nonces.bytes(NONCE_BYTES)
        return nonce + self._cipher(kek).encrypt(nonce, plain, place)

    def unwrap(self, kek: int, wrapped: bytes, place: bytes) -> bytes:
        """The key again.

        Raises:
            StorageError: another version's or another place's ciphertext, or a changed one.
        """
        nonce, ciphertext = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._cipher(kek).decrypt(nonce, ciphertext, place)
        except (InvalidTag, ValueError) as error:
            raise StorageError(f"card vault: a key does not open under kek {kek}") from error
