"""A device proves that it holds its key: challenge, signature, and the session remembers.

The device shows a public key (P-256) when it is registered, and signs a challenge of 256 random
bits as a JWS (ES256, RFC 7515) together with its own name and whether its person enrolled a face.
A challenge is good once, for two minutes, for the session that asked; challenges live in this
process only, so a restart costs a device one more round. Whether a face was shown is the device's
word: the signature says which device gave it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from backend.runtime.clock import Clock, to_iso
from backend.runtime.entropy import Entropy
from backend.runtime.errors import BadRequest, Conflict
from backend.wallet.accounts import Accounts
from backend.wallet.model import AuditEntry, Caller, Session
from backend.wallet.ports import WalletRows, WalletStore

CHALLENGE_LIFE_S = 120
CHALLENGES_MAX = 10_000
CURVE = "P-256"
_ALGORITHM = "ES256"
_PARTS = frozenset({"kty", "crv", "x", "y"})


@dataclass(frozen=True, slots=True)
class _Challenge:
    text: str
    expires_at_us: int


class DeviceProofs:
    """Gives challenges and judges what comes back."""

    def __init__(
        self, store: WalletStore, clock: Clock, entropy: Entropy, sessions: Accounts
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = entropy.secret("wallet.challenges")
        self._sessions = sessions
        self._open: dict[bytes, _Challenge] = {}

    def challenge(self, session: Session, device_id: str) -> dict[str, object]:
        """A fresh challenge; one asked for before is good no more.

        Raises:
            Conflict: the session does not speak for that device, or it never showed a key.
        """
        self._key_of(session, device_id)
        now_us = self._clock.now_us()
        if len(self._open) >= CHALLENGES_MAX:
            self._open = {
                who: each for who, each in self._open.items() if each.expires_at_us > now_us
            }
        expires_at_us = now_us + CHALLENGE_LIFE_S * 1_000_000
        given = _Challenge(self._random.bytes(32).hex(), expires_at_us)
        self._open[session.id_hash] = given
        return {"challenge": given.text, "expiresAt": to_iso(expires_at_us)}

    async def verify(self, caller: Caller, session: Session, device_id: str, proof: str) -> bool:
        """Take the device at its signature; whether a face is enrolled on it.

        Args:
            caller: for the audit trail.
            session: which remembers it.
            device_id: which device.
            proof: compact JWS over {"challenge", "deviceId", "faceEnrolled"}.

        Raises:
            Conflict: another device's session, no key, or no challenge that is still good.
            BadRequest: the signature or what it covers is wrong; audited.
        """
        key = self._key_of(session, device_id)
        now_us = self._clock.now_us()
        given = self._open.pop(session.id_hash, None)
        if given is None or given.expires_at_us <= now_us:
            raise Conflict("challenge_expired", "ask for a challenge first: it is good once")
        face_enrolled = _read(proof, key, given.text, device_id)

        def work(rows: WalletRows) -> None:
            result = "refused" if face_enrolled is None else "done"
            rows.audit(
                AuditEntry(
                    now_us, caller.user_id, "device.verified", "device", device_id, result,
                    caller.ip_address,
                )
            )  # fmt: skip
            if face_enrolled is not None:
                rows.verify_session(session.id_hash, now_us, face_enrolled=face_enrolled)

        await self._store.write(work)
        await self._sessions.changed(session.id_hash)
        if face_enrolled is None:
            raise BadRequest("proof_invalid", "this device did not sign that", field="proof")
        return face_enrolled

    def _key_of(self, session: Session, device_id: str) -> ECKey:
        if session.device_id != device_id:
            raise Conflict("device_not_bound", "this session does not speak for that device")
        device = self._store.read(lambda rows: rows.device(device_id))
        if device is None or device.public_key is None:
            raise Conflict("device_key_missing", "register the device with its publicKey first")
        return ECKey.import_key(orjson.loads(device.public_key))


def checked_key(shown: dict[str, object]) -> str:
    """A public key as it is stored.

    Raises:
        BadRequest: it is no public key on P-256, or more than one.
    """
    if not _is_public_key(shown):
        raise BadRequest(
            "public_key_invalid", "publicKey is a JWK: kty EC, crv P-256, x, y", field="publicKey"
        )
    return orjson.dumps(shown, option=orjson.OPT_SORT_KEYS).decode()


def _is_public_key(shown: dict[str, object]) -> bool:
    parts: dict[str, str | list[str]] = {
        name: value for name, value in shown.items() if isinstance(value, str)
    }
    if parts.keys() != _PARTS or shown.keys() != _PARTS:
        return False
    if (parts["kty"], parts["crv"]) != ("EC", CURVE):
        return False
    try:
        ECKey.import_key(parts).get_op_key("verify")
    except (JoseError, ValueError):
        return False  # what is no point on the curve is no key
    return True


def _read(proof: str, key: ECKey, challenge: str, device_id: str) -> bool | None:
    """Whether a face is enrolled; None when the signature or what it covers is wrong."""
    try:
        said = orjson.loads(jws.deserialize_compact(proof, key, algorithms=[_ALGORITHM]).payload)
    except (JoseError, ValueError):
        return None  # a wrong proof is an outcome
    if not isinstance(said, dict) or said.keys() != {"challenge", "deviceId", "faceEnrolled"}:
        return None
    same = isinstance(said["challenge"], str) and hmac.compare_digest(
        said["challenge"].encode(), challenge.encode()
    )
    face_enrolled = said["faceEnrolled"]
    if not same or said["deviceId"] != device_id or not isinstance(face_enrolled, bool):
        return None
    return face_enrolled
