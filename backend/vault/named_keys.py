"""Keys by name, each derived from the root key with HKDF-SHA256 (RFC 5869).

One root, many purposes: a key that leaks opens one purpose only, and nothing but the root has to
be kept safe. Refuses to know who uses a key.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


class NamedKeys:
    """The derived keys of one data folder."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._fingerprint_key = self.key("token fingerprint")

    def key(self, name: str) -> bytes:
        """32 bytes for the purpose `name`; the same for ever."""
        return HKDF(SHA256(), KEY_BYTES, None, f"tap-lab {name} v1".encode()).derive(self._root)

    def host_vault_key(self) -> bytes:
        """Seals card numbers and card keys in the network hosts' vaults."""
        return self.key("host vault")

    def secure_element_key(self) -> bytes:
        """Seals the secure element's file; the lab's process derives the same from this home."""
        return self.key("secure element")

    def fingerprint(self, token: str) -> bytes:
        """What the engine stores instead of a device account number: HMAC-SHA256 under our key."""
        return hmac.new(self._fingerprint_key, token.encode(), hashlib.sha256).digest()
