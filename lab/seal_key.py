"""The key that seals this folder's secure elements, derived from the folder's key home."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from backend.api import Entropy, key_home, named_keys


def seal_key(
    data_dir: Path, environment: Mapping[str, str] = os.environ, entropy: Entropy | None = None
) -> bytes:
    """32 bytes, the same for every start of this folder.

    Args:
        data_dir: the data folder.
        environment: where the key home looks for its choice.
        entropy: where a new key comes from in a simulated world.

    Raises:
        BackendError: the key on record cannot be had (keyring silent, passphrase wrong).
    """
    return named_keys(key_home(data_dir, environment, entropy)).secure_element_key()
