"""A token's credentials as the secure element's file keeps them, and back again.

The same JSON object as the token service sends (`credentials`), so one reader checks both. Knows no
file and no seal.
"""

from __future__ import annotations

import json

from hardware.card.credentials import CardKey, Credentials, read_credentials
from hardware.runtime.errors import ProvisioningRefused, SecureElementDamaged


def pack(credentials: Credentials) -> bytes:
    """The JSON object that they came as, for sealing."""

    def key(part: CardKey) -> dict[str, str]:
        return {"mk": part.master_key.hex(), "dki": f"{part.key_index:02X}"}

    return json.dumps(
        {
            "sessionId": credentials.session_id,
            "network": credentials.network.value,
            "tokenRef": credentials.token_ref,
            "dpan": credentials.dpan,
            "expiry": credentials.expiry,
            "psn": credentials.psn,
            "par": credentials.par,
            "tokenRequestorId": credentials.token_requestor_id,
            "cvn": f"{credentials.cryptogram_version:02X}",
            "keys": {
                "proximity": key(credentials.proximity),
                "remote": key(credentials.remote),
            },
            "label": credentials.label,
            "serviceCode": credentials.service_code,
            "replaces": credentials.replaces,
            "offline": None if credentials.offline is None else credentials.offline.to_json(),
            "allowance": None if credentials.allowance is None else credentials.allowance.to_json(),
            "stripe": None if credentials.stripe is None else credentials.stripe.to_json(),
        }
    ).encode()


def unpack(secret: bytes) -> Credentials:
    """Credentials out of a file.

    Raises:
        SecureElementDamaged: something else was sealed there.
    """
    try:
        document = json.loads(secret)
        assert isinstance(document, dict)
        return read_credentials(document)
    except (ValueError, ProvisioningRefused) as wrong:
        raise SecureElementDamaged("a token's sealed part is not what was written") from wrong
