"""The mix of a load: which networks' cards pay, and how many payments the bank refuses.

A TOML file with shares, in any numbers that suit:

    visa = 70
    mastercard = 20
    amex = 10
    declined = 5      # percent that end in .51: insufficient funds

What is left out is zero, but for a file that names no network: then they share alike.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from backend.api import Stream
from lab.errors import WrongUse
from lab.wallet.card_number import NETWORKS

FILE_BYTES_MAX = 64 * 1024
SHARE_MAX = 1_000_000
DECLINED_ENDING = 51


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the networks, and percent declined."""

    shares: tuple[tuple[str, float], ...] = tuple((network, 1.0) for network in NETWORKS)
    declined_percent: float = 0.0

    def network(self, stream: Stream) -> str:
        """Whose card pays next."""
        drawn = stream.random() * sum(share for _, share in self.shares)
        for network, share in self.shares:
            drawn -= share
            if drawn < 0:
                return network
        return self.shares[-1][0]

    def amount_minor(self, price_minor: int, stream: Stream) -> int:
        """The price, or the nearest below it that the bank refuses."""
        if stream.random() * 100 >= self.declined_percent:
            return price_minor
        return price_minor // 100 * 100 + DECLINED_ENDING


def read_mix(path: Path) -> Mix:
    """The mix of a file.

    Raises:
        WrongUse: it cannot be read, or says something that is no mix; the key is named.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise WrongUse(f"{path} is larger than {FILE_BYTES_MAX} bytes")
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise WrongUse(f"{path} cannot be read as a mix ({fault})") from fault
    for key, value in document.items():
        limit = 100 if key == "declined" else SHARE_MAX
        if key not in {*NETWORKS, "declined"}:
            raise WrongUse(
                f"{path}: there is no {key!r}; known are {', '.join(NETWORKS)}, declined"
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= limit:
            raise WrongUse(f"{path}: {key} is a number from 0 to {limit}, not {value!r}")
    declined = float(document.pop("declined", 0))
    if not document:
        return Mix(declined_percent=declined)
    shares = tuple((network, float(share)) for network, share in document.items() if share)
    if not shares:
        raise WrongUse(f"{path}: at least one network needs a share")
    return Mix(shares, declined)
