"""A card network as the vault meets it: a public key, and the private one that opens blocks."""

from __future__ import annotations

import json

from joserfc import jwe
from joserfc.jwk import ECKey


class ANetwork:
    def __init__(self) -> None:
        self._key = ECKey.generate_key("P-256")
        shown = self._key.as_dict(private=False)
        self.public = {name: str(shown[name]) for name in ("kty", "crv", "x", "y")}

    def opened(self, block: str) -> dict[str, str]:
        plain = jwe.decrypt_compact(block, self._key, algorithms=["ECDH-ES", "A256GCM"]).plaintext
        return dict(json.loads(plain or b""))
