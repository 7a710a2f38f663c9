"""Seals and opens what the vault keeps of a card. The one module that turns ciphertext to numbers.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; the associated data name card, field and
key version, so a ciphertext that was moved to another record does not open. An import contract
keeps everyone but the vault's own two modules away from here.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag

from backend.runtime.entropy import Stream
from backend.runtime.errors import StorageError
from backend.vault.data_keys import DataKey

NONCE_BYTES = 12
NUMBER, CODE = "number", "code"


def sealed(key: DataKey, plain: str, card_id: str, name: str, nonces: Stream) -> bytes:
    """Nonce and ciphertext of one field of one card."""
    nonce = nonces.bytes(NONCE_BYTES)
    return nonce + key.cipher.encrypt(nonce, plain.encode(), _place(key, card_id, name))


def opened(key: DataKey, ciphertext: bytes, card_id: str, name: str) -> str:
    """The field again.

    Raises:
        StorageError: sealed under another key, for another record, or changed since.
    """
    nonce, rest = ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:]
    try:
        return key.cipher.decrypt(nonce, rest, _place(key, card_id, name)).decode()
    except (InvalidTag, ValueError) as error:
        raise StorageError(f"card vault: the {name} of {card_id} does not open") from error


def _place(key: DataKey, card_id: str, name: str) -> bytes:
    return f"{card_id}|{name}|{key.version}".encode()
