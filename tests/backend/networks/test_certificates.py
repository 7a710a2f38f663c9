"""The network as certification authority: what it puts into a device, opened from outside.

Certificates are opened here with bare arithmetic straight from the tables of EMV Book 2; keys are
the tests' own primes, so that no test waits for a prime.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe

from backend.networks.chip.rsa import RsaKey, fresh_key
from backend.runtime.errors import StorageError
from backend.storage.host_rows import open_host_store
from tests.backend.networks.bench import DEVICE_KEY, ask_token, bench, phone_with, run_virtual
from tests.offline_issuer import AUTHORITY, CARD, ISSUER, RIDS

NETWORKS = ("visa", "mastercard", "amex")
KEYS = {1408: AUTHORITY, 1152: ISSUER, 1024: CARD}
TWO_KEYS = 2


def given(drawn: list[int] | None = None) -> Callable[[int], RsaKey]:
    """A source of keys that are known; says which were drawn."""

    def draw(bits: int) -> RsaKey:
        if drawn is not None:
            drawn.append(bits)
        return RsaKey((KEYS[bits].p, KEYS[bits].q))

    return draw


def objects_of(record: bytes) -> dict[str, bytes]:
    """A record's objects, read with nothing of ours."""
    assert record[0] == 0x70
    at = 3 if record[1] == 0x81 else 2
    objects: dict[str, bytes] = {}
    while at < len(record):
        width = 2 if record[at] & 0x1F == 0x1F else 1
        tag, at = record[at : at + width].hex().upper(), at + width
        if record[at] == 0x81:
            at += 1
        length, at = record[at], at + 1
        assert tag not in objects
        objects[tag], at = record[at : at + length], at + length
    return objects


def opened(modulus: bytes, signature: bytes) -> bytes:
    assert len(signature) == len(modulus)
    number = pow(int.from_bytes(signature, "big"), 3, int.from_bytes(modulus, "big"))
    return number.to_bytes(len(modulus), "big")


def check_sum(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()


@pytest.mark.parametrize("network", NETWORKS)
def test_the_chain_opens_from_authority_to_card(tmp_path: Path, network: str) -> None:
    async def main() -> dict[str, Any]:
        async with bench(tmp_path, draw_key=given()) as made:
            return (await phone_with(made, network)).payload

    payload = run_virtual(main())
    offline, number = payload["offline"], payload["dpan"]
    assert offline["signedRecords"] == 1
    records = [bytes.fromhex(record) for record in offline["records"]]
    assert all(len(record) <= 253 for record in records)
    signed, card = (objects_of(record) for record in records)
    issuer = signed
    assert signed["5A"].hex().upper().rstrip("F") == number
    assert (issuer["8F"], issuer["9F32"], card["9F47"], card["9F4A"]) == (
        b"\xf1", b"\x03", b"\x03", b"\x82",
    )  # fmt: skip

    block = opened(AUTHORITY.modulus, issuer["90"])
    assert block[:2] == b"\x6a\x02"
    assert block[-1:] == b"\xbc"
    assert block[2:6].hex().upper() == number[:6] + "FF"
    assert block[6:8].hex() == "1249"
    assert block[11:15] == bytes([1, 1, 144, 1])
    assert block[15:-21] + issuer["92"] == ISSUER.modulus
    assert block[-21:-1] == check_sum(block[1:-21], issuer["92"], b"\x03")

    block = opened(ISSUER.modulus, card["9F46"])
    assert block[:2] == b"\x6a\x04"
    assert block[-1:] == b"\xbc"
    assert block[2:12].hex().upper() == number.ljust(20, "F")
    assert block[12:14].hex() == payload["expiry"][2:] + payload["expiry"][:2]
    assert block[17:21] == bytes([1, 1, 128, 1])
    assert block[21:-21] + card["9F48"] == CARD.modulus
    assert records[0][:2] == b"\x70\x81"
    covered = records[0][3:] + bytes.fromhex(offline["profile"])
    assert block[-21:-1] == check_sum(block[1:-21], card["9F48"], b"\x03", covered)
    key = offline["key"]
    assert int(key["p"], 16) * int(key["q"], 16) == CARD.p * CARD.q


def test_the_issuer_signs_the_data_of_a_card_that_cannot(tmp_path: Path) -> None:
    drawn: list[int] = []

    async def main() -> Any:
        async with bench(tmp_path, draw_key=given(drawn)) as made:
            grant = await ask_token(made.tsp, "amex", "371449635398431")
            return json.loads(jwe.decrypt_compact(grant.device_payload, DEVICE_KEY).plaintext)

    payload = run_virtual(main())
    offline = payload["offline"]
    assert drawn == [1408, 1152], "no key of its own"
    assert (offline["key"], offline["signedRecords"]) == (None, 1)
    assert int(offline["profile"][:2], 16) & 0x61 == 0x40, "static authentication alone"
    records = [bytes.fromhex(record) for record in offline["records"]]
    assert all(len(record) <= 253 for record in records)
    signed, signature = (objects_of(record) for record in records)
    assert signed["5A"].hex().upper().rstrip("F") == payload["dpan"]
    assert set(signature) == {"93", "9F4A"}
    issuer = opened(AUTHORITY.modulus, signed["90"])
    assert issuer[15:-21] + signed["92"] == ISSUER.modulus
    block = opened(ISSUER.modulus, signature["93"])
    assert (block[:3].hex(), block[-1:]) == ("6a0301", b"\xbc")
    covered = records[0][3:] + bytes.fromhex(offline["profile"])
    assert block[-21:-1] == check_sum(block[1:-21], covered)


@pytest.mark.parametrize("network", NETWORKS)
def test_keys_are_made_once_and_for_each_card_anew(tmp_path: Path, network: str) -> None:
    drawn: list[int] = []

    async def main() -> tuple[Any, Any]:
        async with bench(tmp_path, draw_key=given(drawn)) as made:
            assert await made.tsp.authority(network, make=False) is None
            await phone_with(made, network)
            first = await made.tsp.authority(network, make=False)
        async with bench(tmp_path, draw_key=given(drawn)) as made:
            await phone_with(made, network, device_id="dev_2")
            return first, await made.tsp.authority(network, make=True)

    first, again = run_virtual(main())
    assert first == again
    assert drawn == [1408, 1152, 1024, 1024]
    modulus = bytes.fromhex(again["modulus"])
    assert modulus == AUTHORITY.modulus
    assert (again["rid"], again["index"], again["exponent"]) == (RIDS[network], "F1", "03")
    named = bytes.fromhex(RIDS[network] + "F1") + modulus + b"\x03"
    assert bytes.fromhex(again["sha1"]) == check_sum(named)


def test_an_authority_can_be_asked_for_before_there_is_a_card(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        async with bench(tmp_path, draw_key=given()) as made:
            return [await made.tsp.authority(network, make=True) for network in NETWORKS]

    assert [found["network"] for found in run_virtual(main())] == list(NETWORKS)


def test_the_keys_are_stored_as_ciphertext_bound_to_their_place(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path, draw_key=given()) as made:
            await phone_with(made, "visa")
        other = bytes(32)
        with pytest.raises(StorageError, match="does not open"):
            async with bench(tmp_path, draw_key=given(), vault_key=other):
                raise AssertionError("it opened under another key")

    run_virtual(main())
    store = open_host_store(tmp_path / "networks.db", inline=True)
    names = ("authority.ca", "authority.issuer")
    sealed = [store.read(lambda rows, name=name: rows.secret("visa", name)) for name in names]
    store.close()
    assert len([each for each in sealed if each is not None]) == TWO_KEYS
    raw = (tmp_path / "networks.db").read_bytes()
    for key in (AUTHORITY, ISSUER, CARD):
        for prime in (key.p, key.q):
            assert prime.to_bytes((prime.bit_length() + 7) // 8, "big") not in raw


def test_a_world_that_draws_no_keys_gives_tokens_without_certificates(tmp_path: Path) -> None:
    async def main() -> tuple[Any, Any]:
        async with bench(tmp_path) as made:
            payload = (await phone_with(made, "visa")).payload
            return payload, await made.tsp.authority("visa", make=True)

    payload, authority = run_virtual(main())
    assert "offline" not in payload
    assert authority is None


def test_cards_of_load_tests_have_no_certificates(tmp_path: Path) -> None:
    drawn: list[int] = []

    async def main() -> Any:
        async with bench(tmp_path, draw_key=given(drawn)) as made:
            grant = await ask_token(made.tsp, "visa", "4000990000000004")
            return jwe.decrypt_compact(grant.device_payload, DEVICE_KEY).plaintext

    assert "offline" not in json.loads(run_virtual(main()))
    assert drawn == []


def test_the_library_draws_keys_that_can_be_used() -> None:
    key = fresh_key(1024)
    assert key == RsaKey.from_bytes(key.to_bytes())
    assert len(key.modulus) == 128
    block = b"\x6a" + bytes(126) + b"\xbc"
    assert opened(key.modulus, key.apply(block)) == block
