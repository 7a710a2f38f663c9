"""Which certification authorities the shop's till believes: its folder's file, and this laboratory.

The file (`authorities.toml`, as `tap-lab card ca --toml` writes it) is the owner's: keys of other
laboratories, and what has been revoked. The laboratory's own networks say the rest when the till
comes up and before a card is installed; a simulated world has none, so nobody asks there. Knows no
card and no window.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hardware.api import Authorities, AuthorityFormatError, AuthorityKey, read_authorities
from lab.client import EngineClient
from lab.errors import EngineRefused, EngineUnreachable, SomethingMissing
from lab.json_fields import Json, text
from lab.pos.flow import PosFlow

FILE_LENGTH_MAX = 4 * 1024 * 1024


def own_authorities(path: Path) -> Authorities:
    """The folder's own key store; empty where there is none.

    Raises:
        SomethingMissing: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_LENGTH_MAX + 1)
        return read_authorities(_short_enough(raw).decode())
    except FileNotFoundError:
        return Authorities()
    except (OSError, UnicodeDecodeError, AuthorityFormatError) as wrong:
        raise SomethingMissing(
            f"{path} is no store of authorities' keys ({wrong})",
            "mend it, or take it away: tap-lab card ca --toml shows what one looks like",
        ) from wrong


def _short_enough(raw: bytes) -> bytes:
    if len(raw) > FILE_LENGTH_MAX:
        raise AuthorityFormatError(f"more than {FILE_LENGTH_MAX} bytes")
    return raw


def read_key(body: Json) -> AuthorityKey:
    """One key as the engine tells it.

    Raises:
        ValueError: a field is missing or no hex.
    """
    key = AuthorityKey(
        rid=bytes.fromhex(text(body, "rid")),
        index=bytes.fromhex(text(body, "index")),
        modulus=bytes.fromhex(text(body, "modulus")),
        exponent=bytes.fromhex(text(body, "exponent")),
        expires=text(body, "expires"),
    )
    if key.digest.hex().upper() != text(body, "sha1").upper():
        raise ValueError("sha1 is not the key's check sum")
    return key


@dataclass(frozen=True, slots=True)
class Believing:
    """Keeps the till's key store.

    Attributes:
        asks: whether this world's networks can have authorities.
    """

    own: Authorities
    client: EngineClient
    pos: PosFlow
    asks: bool

    async def learn(self) -> None:
        """Take the laboratory's own authorities; out of reach, the till keeps what it knows."""
        if not self.asks:
            return
        try:
            told = await self.client.authorities()
        except (EngineUnreachable, EngineRefused):
            return  # a card of an unknown authority is a finding, and the next time will do
        keys = tuple(read_key(body) for body in told)
        self.pos.believe(self.own.joined(Authorities(keys)))
