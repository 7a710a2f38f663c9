"""What a network puts into a device: the token, its keys and certificates, sealed for that device.

JWE (RFC 7516, ECDH-ES with A256GCM) for the key that the device named when it asked. Whoever
passes it on cannot read it. Knows no rule of provisioning.
"""

from __future__ import annotations

import json

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from backend.networks import numbers
from backend.networks.authority import CardAuthority
from backend.networks.card_versions import version_of
from backend.networks.chip import stripe
from backend.networks.chip.keys import master_key
from backend.networks.keys import PROXIMITY_INDEX, REMOTE_INDEX, NetworkKeys
from backend.networks.numbers import SEQUENCE_NUMBER
from backend.networks.ports import AccountRow, HostRows, TokenRow

SERVICE_CODE = "201"
# what a token whose card approves alone may spend before its keys are renewed: US dollars
ALLOWANCE = {"currency": 840, "singleMinor": 25_00, "totalMinor": 100_00, "payments": 8}
JWE_ALGORITHMS = ["ECDH-ES", "A256GCM"]
JWE_HEADER = {"alg": "ECDH-ES", "enc": "A256GCM"}


def device_key_of(jwk: object) -> ECKey | None:
    """The device's public key, or None when this is no P-256 key."""
    try:
        key = ECKey.import_key(jwk)  # type: ignore[arg-type]  # whatever the device sent
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return key if key.curve_name == "P-256" else None


class DevicePayload:
    """Seals tokens of one network for devices."""

    def __init__(self, network: str, keys: NetworkKeys, authority: CardAuthority) -> None:
        self._network = network
        self._keys = keys
        self._authority = authority

    def sealed(
        self,
        rows: HostRows,
        account: AccountRow,
        token: TokenRow,
        number: str,
        device_key: ECKey,
        replaces: str | None = None,
    ) -> str:
        """The token with its keys, readable by the device alone (JWE compact).

        Cards of load tests get no certificates: hundreds of them are made at once.

        Args:
            rows: the unit of work to read and make keys in.
            account: what the token stands for.
            token: to be sealed.
            number: its digits.
            device_key: whose eyes it is for.
            replaces: the token that the device erases for it.
        """
        payload: dict[str, object] = {
            "sessionId": token.session_id,
            "network": self._network,
            "tokenRef": token.token_ref,
            "dpan": number,
            "expiry": token.expiry,
            "psn": SEQUENCE_NUMBER,
            "par": account.account_reference,
            "tokenRequestorId": numbers.TOKEN_REQUESTOR[self._network],
            "cvn": version_of(self._network, account.product),
            "keys": {
                "proximity": self._card_key(PROXIMITY_INDEX, number),
                "remote": self._card_key(REMOTE_INDEX, number),
            },
            "label": account.product,
            "serviceCode": SERVICE_CODE,
            "replaces": replaces,
        }
        if self._network == "mastercard":
            key = master_key(self._keys.track, number, SEQUENCE_NUMBER)
            payload["stripe"] = stripe.personalise(key, number, token.expiry, SERVICE_CODE)
        if account.product != numbers.LOAD_CARD.product:
            static = account.product == numbers.STATIC_CARD.product
            made = self._authority.static_data if static else self._authority.offline_data
            offline = made(rows, number, token.expiry, SEQUENCE_NUMBER)
            payload |= {} if offline is None else {"offline": offline}
            alone = offline is not None and account.product == numbers.POCKET_PRODUCT
            payload |= {"allowance": ALLOWANCE} if alone else {}
        return jwe.encrypt_compact(
            dict(JWE_HEADER), json.dumps(payload).encode(), device_key, algorithms=JWE_ALGORITHMS
        )

    def _card_key(self, index: str, number: str) -> dict[str, str]:
        key = master_key(self._keys.issuer[index], number, SEQUENCE_NUMBER)
        return {"mk": key.hex().upper(), "dki": index}
