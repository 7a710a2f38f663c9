"""A device's word that it knew its owner, bound to one in-app payment, judged with its key.

A session may pay in apps when its device proved that it holds its key and a face is enrolled there
(`device_proof`); that alone says nothing of a payment. So each order carries a JWS (ES256,
RFC 7515) of that device over the hash of everything that the secure element signed, with the
session's reference and how the owner was recognised. What was said of one payment fits no other.
"""

from __future__ import annotations

import hashlib
import hmac

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from backend.runtime.errors import BadRequest
from backend.wallet.model import PAY_IN_APP, Session
from backend.wallet.ports import WalletStore

METHODS = ("face", "passcode")
_ALGORITHM = "ES256"
_SAID = frozenset({"emvDataSha256", "method", "reference"})


class NotVouched(BadRequest):
    """No device that is known to be its owner's vouches for this payment."""

    status = 403


class PaymentWords:
    """Judges what devices say of payments."""

    def __init__(self, store: WalletStore) -> None:
        self._store = store

    def demand_device(self, session: Session) -> None:
        """Only a session whose device proved itself, with a face enrolled, pays in apps.

        Raises:
            NotVouched: `device_not_verified`.
        """
        if PAY_IN_APP not in session.permissions:
            raise NotVouched(
                "device_not_verified",
                "this session may not pay in apps: the device proves itself first, with a face "
                "enrolled (POST /api/devices/{id}/challenge, then /proof)",
            )

    def demand_word(
        self, session: Session, card_id: str, word: str, *, emv_data: bytes, reference: str
    ) -> None:
        """The session's own device vouches for exactly this payment, with a card of its own.

        Args:
            session: a verified one.
            card_id: which card pays.
            word: compact JWS.
            emv_data: what the secure element signed.
            reference: the shop's session.

        Raises:
            NotVouched: `card_on_other_device` or `device_verification_wrong`.
        """
        card, device = self._store.read(
            lambda rows: (rows.card(card_id), rows.device(session.device_id or ""))
        )
        if card is None or device is None or card.device_id != device.id:
            raise NotVouched(
                "card_on_other_device", "that card's keys are on another device", field="cardId"
            )
        if device.public_key is None or not _fits(word, device.public_key, emv_data, reference):
            raise NotVouched(
                "device_verification_wrong",
                "deviceVerification is not this device's word for this payment",
                field="deviceVerification",
            )


def _fits(word: str, public_key: str, emv_data: bytes, reference: str) -> bool:
    key = ECKey.import_key(orjson.loads(public_key))
    try:
        said = orjson.loads(jws.deserialize_compact(word, key, algorithms=[_ALGORITHM]).payload)
    except (JoseError, ValueError):
        return False  # a wrong word is an outcome
    if not isinstance(said, dict) or said.keys() != _SAID or said["method"] not in METHODS:
        return False
    wanted = {"emvDataSha256": hashlib.sha256(emv_data).hexdigest(), "reference": reference}
    return all(
        isinstance(said[name], str) and hmac.compare_digest(said[name].encode(), text.encode())
        for name, text in wanted.items()
    )
