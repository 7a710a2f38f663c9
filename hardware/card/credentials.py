"""Card credentials as the token service sends them: read, checked, nothing installed yet.

A compact JWE (RFC 7516, ECDH-ES with A256GCM) for this device's public key; inside, one JSON
object. Every field is checked before anything is kept, and a refusal names the field without
showing its value. Knows no storage and no APDU.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from hardware.card.allowance import Allowance, read_allowance
from hardware.card.offline_data import OfflineData, read_offline_data
from hardware.card.stripe_data import StripeData, read_stripe_data
from hardware.emv.formats import luhn_valid
from hardware.runtime.errors import ProvisioningRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHMS = ("ECDH-ES", "A256GCM")
JWE_LENGTH_MAX = 16 * 1024


class Network(StrEnum):
    """The lab's card networks."""

    VISA = "visa"
    MASTERCARD = "mastercard"
    AMEX = "amex"


CRYPTOGRAM_VERSIONS = {
    Network.VISA: frozenset({0x0A, 0x11, 0x12, 0x22}),
    Network.MASTERCARD: frozenset({0x10, 0x11, 0x14, 0x15}),
    Network.AMEX: frozenset({0x01}),
}
"""Which versions a token may be personalised with; `versions` says what each of them is."""


@dataclass(frozen=True, slots=True)
class CardKey:
    """One card master key and its derivation key index."""

    master_key: bytes = field(repr=False)
    key_index: int


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything one token needs on a device."""

    session_id: str
    network: Network
    token_ref: str
    dpan: str = field(repr=False)
    expiry: str
    """YYMM."""
    psn: str
    par: str
    token_requestor_id: str
    cryptogram_version: int
    proximity: CardKey
    remote: CardKey
    label: str
    service_code: str
    replaces: str | None
    offline: OfflineData | None = None
    """None: this token cannot be authenticated offline."""
    allowance: Allowance | None = None
    """None: its issuer is asked of every payment."""
    stripe: StripeData | None = None
    """None: this token has no mag-stripe mode with dynamic codes."""


def open_envelope(jwe: str, private_key_pem: bytes) -> Credentials:
    """Decrypt and check.

    Raises:
        ProvisioningRefused: not for this device, damaged, or a field that is missing or wrong.
    """
    # joserfc costs 30 ms to import and only provisioning needs it.
    from joserfc import jwe as jose
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    if len(jwe) > JWE_LENGTH_MAX:
        raise ProvisioningRefused("the envelope is too long")
    try:
        key = ECKey.import_key(private_key_pem)
        opened = jose.decrypt_compact(jwe, key, algorithms=list(ALGORITHMS))
        if opened.plaintext is None:
            raise ProvisioningRefused("the envelope is empty")
        document = json.loads(opened.plaintext)
    except (JoseError, ValueError, TypeError, KeyError) as wrong:
        raise ProvisioningRefused(f"the envelope does not open: {type(wrong).__name__}") from None
    if not isinstance(document, dict):
        raise ProvisioningRefused("the envelope holds no object")
    return read_credentials(document)


def _text(document: Mapping[str, object], name: str, pattern: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ProvisioningRefused(f"field {name!r} is missing or malformed")
    return value


def _version(document: Mapping[str, object], network: Network) -> int:
    """The cryptogram version, one that this network has."""
    number = int(_text(document, "cvn", r"[0-9A-Fa-f]{2}"), 16)
    if number not in CRYPTOGRAM_VERSIONS[network]:
        raise ProvisioningRefused(f"field 'cvn' is no version of {network}")
    return number


def _card_key(document: Mapping[str, object], name: str) -> CardKey:
    keys = document.get("keys")
    entry = keys.get(name) if isinstance(keys, dict) else None
    if not isinstance(entry, dict):
        raise ProvisioningRefused(f"key {name!r} is missing")
    return CardKey(
        master_key=bytes.fromhex(_text(entry, "mk", r"[0-9A-Fa-f]{32}")),
        key_index=int(_text(entry, "dki", r"[0-9A-Fa-f]{2}"), 16),
    )


def read_credentials(document: Mapping[str, object]) -> Credentials:
    """Check every field of the decrypted object.

    Raises:
        ProvisioningRefused: a field is missing or wrong; the message names it.
    """
    network = _text(document, "network", "|".join(Network))
    dpan = _text(document, "dpan", r"[0-9]{12,19}")
    if not luhn_valid(dpan):
        raise ProvisioningRefused("field 'dpan' fails its check digit")
    expiry = _text(document, "expiry", r"[0-9]{4}")
    if not 1 <= int(expiry[2:]) <= 12:
        raise ProvisioningRefused("field 'expiry' names no month")
    replaces = document.get("replaces")
    if replaces is not None:
        replaces = _text(document, "replaces", r"[\x21-\x7e]{1,128}")
    offline, stripe = document.get("offline"), document.get("stripe")
    return Credentials(
        session_id=_text(document, "sessionId", r"[\x21-\x7e]{1,128}"),
        network=Network(network),
        token_ref=_text(document, "tokenRef", r"[\x21-\x7e]{1,128}"),
        dpan=dpan,
        expiry=expiry,
        psn=_text(document, "psn", r"[0-9]{2}"),
        par=_text(document, "par", r"[0-9A-Za-z]{29}"),
        token_requestor_id=_text(document, "tokenRequestorId", r"[0-9]{11}"),
        cryptogram_version=_version(document, Network(network)),
        proximity=_card_key(document, "proximity"),
        remote=_card_key(document, "remote"),
        label=_text(document, "label", r"[\x20-\x7e]{1,64}"),
        service_code=_text(document, "serviceCode", r"[0-9]{3}"),
        replaces=replaces,
        offline=None if offline is None else read_offline_data(offline),
        allowance=read_allowance(document.get("allowance")),
        stripe=None if stripe is None else read_stripe_data(stripe),
    )
