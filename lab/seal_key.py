"""The key that seals this folder's secure elements, derived from the folder's key home."""

from __future__ import annotations

import os
from pathlib import Path

from backend.api import key_home, named_keys


def seal_key(data_dir: Path) -> bytes:
    """32 bytes, the same for every start of this folder.

    Raises:
        BackendError: the key on record cannot be had (keyring silent, passphrase wrong).
    """
    return named_keys(key_home(data_dir, os.environ)).secure_element_key()
