"""The keys of one network: three issuer master keys and the key that opens sealed card numbers.

Made once, kept sealed, read at start. A device gets two card keys of each token: `proximity` (index
01) for taps and `remote` (index 02) for payments in apps; a third one, from the master key `track`,
makes the dynamic codes of mag-stripe mode. Knows nothing of tokens or messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from backend.networks.ports import HostRows, HostStore
from backend.networks.vault import NetworkVault
from backend.runtime.entropy import Stream

PROXIMITY_INDEX = "01"
REMOTE_INDEX = "02"
PRESENT_ENTRY_MODES = frozenset({"05", "07", "91"})
"""DE 22 begins so where card and till meet: contact, contactless chip, contactless stripe."""
KEY_BYTES = 16
SCALAR_BYTES = 40  # 64 bits more than the curve's order, so the remainder is not biased
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
RECORD = "network"


@dataclass(frozen=True, slots=True)
class NetworkKeys:
    """Opened keys; in memory only.

    Attributes:
        issuer: derivation key index to issuer master key, 16 bytes.
        track: issuer master key of the dynamic codes on a track, 16 bytes.
        sealing: P-256 key pair for ECDH-ES.
    """

    issuer: dict[str, bytes] = field(repr=False)
    track: bytes = field(repr=False)
    sealing: ECKey = field(repr=False)

    def is_of_channel(self, key_index: str, entry_mode: str) -> bool:
        """Whether a cryptogram under this key may come over this channel (domain control).

        Args:
            key_index: derivation key index out of 9F10; an unknown one is not judged here.
            entry_mode: DE 22.
        """
        own = PROXIMITY_INDEX if entry_mode[:2] in PRESENT_ENTRY_MODES else REMOTE_INDEX
        return key_index == own or key_index not in self.issuer


async def load_keys(
    network: str, store: HostStore, vault: NetworkVault, secrets: Stream
) -> NetworkKeys:
    """Open the network's keys, making those that are not there yet.

    Raises:
        StorageError: the stored keys were sealed under another vault key.
    """

    def unit(rows: HostRows) -> tuple[bytes, bytes, bytes, bytes]:
        def key(name: str, length: int) -> bytes:
            sealed = rows.secret(network, name)
            if sealed is None:
                fresh = secrets.bytes(length)
                rows.put_secret(network, name, vault.seal(fresh, network, RECORD, name))
                return fresh
            return vault.unseal(sealed, network, RECORD, name)

        return (
            key("issuer.proximity", KEY_BYTES),
            key("issuer.remote", KEY_BYTES),
            key("sealing", SCALAR_BYTES),
            key("issuer.track", KEY_BYTES),
        )

    proximity, remote, scalar, track = await store.write(unit)
    private = ec.derive_private_key(
        int.from_bytes(scalar, "big") % (P256_ORDER - 1) + 1, ec.SECP256R1()
    )
    return NetworkKeys(
        issuer={PROXIMITY_INDEX: proximity, REMOTE_INDEX: remote},
        track=track,
        sealing=ECKey.import_key(private),
    )
