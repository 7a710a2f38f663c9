"""The networks' vault: card numbers and keys are stored as ciphertext only.

AES-256-GCM with a random 96-bit nonce; the associated data names network, record and field, so a
ciphertext moved to another row does not open. Numbers are found by HMAC-SHA256. Both keys come from
one 32-byte key by HKDF. Refuses to know where that key lives. Sources: NIST SP 800-38D, RFC 5869.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.runtime.entropy import Stream
from backend.runtime.errors import StorageError, UsageError

KEY_BYTES = 32
NONCE_BYTES = 12


class NetworkVault:
    """Seals, opens and fingerprints for the network hosts."""

    def __init__(self, key: bytes, nonces: Stream) -> None:
        """Derive the working keys.

        Raises:
            UsageError: the key is not 32 bytes long.
        """
        if len(key) != KEY_BYTES:
            raise UsageError(f"the networks' vault key must have {KEY_BYTES} bytes")
        self._cipher = AESGCM(_derive(key, b"seal"))
        # kept keyed and copied for each use: a one-shot digest gives up the interpreter lock, and
        # taking it back from a busy writer thread costs fifty times the hash
        self._keyed = hmac.new(_derive(key, b"fingerprint"), digestmod=hashlib.sha256)
        self._nonces = nonces

    def seal(self, plain: bytes, network: str, record: str, field: str) -> bytes:
        """Nonce and ciphertext, bound to network, record and field."""
        nonce = self._nonces.bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, _place(network, record, field))

    def unseal(self, sealed: bytes, network: str, record: str, field: str) -> bytes:
        """What was sealed for this place.

        Raises:
            StorageError: sealed under another key, for another place, or changed since.
        """
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, ciphertext, _place(network, record, field))
        except InvalidTag as error:
            raise StorageError(f"vault: {field} of {record} at {network} does not open") from error

    def fingerprint(self, digits: str) -> bytes:
        """Keyed hash of a card or token number."""
        keyed = self._keyed.copy()
        keyed.update(digits.encode())
        return keyed.digest()


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"network vault " + purpose).derive(key)


def _place(network: str, record: str, field: str) -> bytes:
    return f"{network}|{record}|{field}".encode()
