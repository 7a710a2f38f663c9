"""Signing secrets of endpoints: made, kept sealed, and changed with an overlap.

While an old secret is still valid both sign, so a receiver can take the new one when it likes.
Knows no signature and no rows.
"""

from __future__ import annotations

from backend.runtime.entropy import Stream
from backend.webhooks.ports import Vault
from backend.webhooks.records import Endpoint
from backend.webhooks.signing import SECRET_BYTES, SECRET_PREFIX

PLACE = "webhooks"
FIELD = "secret"


class Secrets:
    """Opens and makes signing secrets."""

    def __init__(self, vault: Vault, stream: Stream) -> None:
        self._vault = vault
        self._stream = stream

    def fresh(self, endpoint_id: str) -> tuple[str, bytes]:
        """A new secret for an endpoint, as its merchant sees it once, and sealed."""
        plain = SECRET_PREFIX + self._stream.bytes(SECRET_BYTES).hex()
        return plain, self._vault.seal(plain.encode(), PLACE, endpoint_id, FIELD)

    def shown(self, endpoint: Endpoint) -> str:
        """The secret that signs now.

        Raises:
            StorageError: it does not open.
        """
        return self._open(endpoint.id, endpoint.secret)

    def valid(self, endpoint: Endpoint, now_us: int) -> list[str]:
        """Every secret that signs at that lab time, the newest first.

        Raises:
            StorageError: one does not open.
        """
        found = [self.shown(endpoint)]
        until_us = endpoint.old_secret_until_us
        if endpoint.old_secret is not None and until_us is not None and now_us < until_us:
            found.append(self._open(endpoint.id, endpoint.old_secret))
        return found

    def _open(self, endpoint_id: str, sealed: bytes) -> str:
        return self._vault.unseal(sealed, PLACE, endpoint_id, FIELD).decode()
