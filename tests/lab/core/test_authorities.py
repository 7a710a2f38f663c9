"""Which authorities the till believes: what the engine tells, and when nobody tells anything."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hardware.api import Authorities, AuthorityKey
from lab.authorities import Believing, own_authorities, read_key
from lab.errors import EngineRefused, EngineUnreachable, SomethingMissing
from tests.offline_issuer import authority_key


def body_of(key: AuthorityKey, **changes: str) -> dict[str, str]:
    return {
        "network": "visa",
        "rid": key.rid.hex(),
        "index": key.index.hex(),
        "modulus": key.modulus.hex(),
        "exponent": key.exponent.hex(),
        "sha1": key.digest.hex(),
        "expires": key.expires,
    } | changes


class Engine:
    """Stands for the engine's client: says what it is given, or does not answer."""

    def __init__(self, says: tuple[dict[str, str], ...] | Exception) -> None:
        self.says, self.asked = says, 0

    async def authorities(self) -> tuple[dict[str, str], ...]:
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


class Till:
    """Stands for the till: remembers what it was told to believe."""

    def __init__(self) -> None:
        self.believed: Authorities | None = None

    def believe(self, authorities: Authorities) -> None:
        self.believed = authorities


def learned(own: Authorities, engine: Engine, *, asks: bool = True) -> Authorities | None:
    shop: Any = Till()
    client: Any = engine
    asyncio.run(Believing(own, client, shop, asks=asks).learn())
    believed: Authorities | None = shop.believed
    return believed


def test_the_folders_own_keys_go_before_the_laboratorys() -> None:
    mine = authority_key("visa", expires="0130")
    theirs = (authority_key("visa"), authority_key("amex"))
    believed = learned(Authorities((mine,)), Engine(tuple(map(body_of, theirs))))
    assert believed == Authorities((mine, theirs[1]))


@pytest.mark.parametrize(
    "silence", [EngineUnreachable("gone"), EngineRefused("not_there", "no", 503)]
)
def test_without_an_answer_the_till_keeps_what_it_knows(silence: Exception) -> None:
    assert learned(Authorities(), Engine(silence)) is None


def test_a_simulated_worlds_networks_are_not_asked() -> None:
    engine = Engine(())
    assert learned(Authorities(), engine, asks=False) is None
    assert engine.asked == 0


@pytest.mark.parametrize("changes", [{"sha1": "00"}, {"rid": "zz"}, {"modulus": ""}])
def test_a_key_that_does_not_fit_its_check_sum_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"sha1|hex"):
        read_key(body_of(authority_key("visa"), **changes))


def test_a_folder_without_a_store_believes_nobody_of_its_own(tmp_path: Path) -> None:
    assert own_authorities(tmp_path / "authorities.toml") == Authorities()
    (tmp_path / "folder").mkdir()
    with pytest.raises(SomethingMissing, match="no store"):
        own_authorities(tmp_path / "folder")
