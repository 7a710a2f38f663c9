"""Keys in a real PKCS#11 token (SoftHSM2): the folder's root, and the card vault's wrapping."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.api import key_home
from backend.runtime.errors import StorageError, UsageError
from backend.vault.card_entry import CardEntry
from backend.vault.key_home import Home, recorded_home
from backend.vault.pkcs11_token import TokenAddress, TokenWrapper
from tests.backend.vault.conftest import VaultBench

NUMBER = "4242424242424242"


def wrapper_of(folder: Path, token: dict[str, str]) -> TokenWrapper:
    folder.mkdir(exist_ok=True)
    wrapper = key_home(folder, token).token
    assert wrapper is not None
    return wrapper


@pytest.mark.inv(315)
def test_the_root_key_lies_in_no_file(tmp_path: Path, token: dict[str, str]) -> None:
    made = key_home(tmp_path, token)
    assert (made.home, made.is_unprotected) == (Home.PKCS11, False)
    for path in tmp_path.iterdir():
        assert made.root.hex() not in path.read_text()
        assert made.root not in path.read_bytes()
    again = {name: value for name, value in token.items() if name != "TAPLAB_KEY_HOME"}
    assert key_home(tmp_path, again).root == made.root  # the home on record is used
    assert recorded_home(tmp_path) == "pkcs11"


def test_two_folders_share_a_token_and_no_key(tmp_path: Path, token: dict[str, str]) -> None:
    one, other = wrapper_of(tmp_path / "a", token), wrapper_of(tmp_path / "b", token)
    wrapped = one.wrap(1, b"k" * 32, b"place")
    with pytest.raises(StorageError, match="has no key"):
        other.unwrap(1, wrapped, b"place")
    assert one.unwrap(1, wrapped, b"place") == b"k" * 32


def test_a_wrapped_key_is_bound_to_its_place_and_version(
    tmp_path: Path, token: dict[str, str]
) -> None:
    wrapper = wrapper_of(tmp_path, token)
    wrapped = wrapper.wrap(1, b"k" * 32, b"place")
    wrapper.wrap(2, b"k" * 32, b"place")
    changed = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    for kek, ciphertext, place in (
        (1, wrapped, b"other"), (2, wrapped, b"place"), (1, changed, b"place"), (1, b"", b"place"),
    ):  # fmt: skip
        with pytest.raises(StorageError, match="token"):
            wrapper.unwrap(kek, ciphertext, place)


def test_the_wrapping_key_cannot_be_taken_out(tmp_path: Path, token: dict[str, str]) -> None:
    pkcs11 = pytest.importorskip("pkcs11")
    wrapper = wrapper_of(tmp_path, token)
    wrapper.wrap(1, b"k" * 32, b"place")
    key = wrapper._find(1)
    with pytest.raises(pkcs11.exceptions.AttributeSensitive):
        key[pkcs11.Attribute.VALUE]  # type: ignore[index]  # whatever a token's key is


@pytest.mark.inv(314, 315)
def test_cards_stay_readable_while_a_token_turns_the_keys(
    tmp_path: Path, token: dict[str, str]
) -> None:
    bench = VaultBench(tmp_path, wrapper_of(tmp_path, token))
    first = bench.keep(CardEntry(NUMBER, 12, 2030, "123"))
    bench.rotate()
    second = bench.keep(CardEntry("5555555555554444", 12, 2030))
    bench.rotate()
    bench.wrapper = wrapper_of(tmp_path, token)  # as after a restart
    bench.open()
    assert bench.read(first) == {"pan": NUMBER, "code": "123", "rrn": "632500000001"}
    assert bench.read(second)["pan"] == "5555555555554444"
    keys = bench.database.read(bench.rows.keys)
    assert [(key.version, key.kek, key.home) for key in keys] == [
        (1, 3, "pkcs11"), (2, 3, "pkcs11"), (3, 3, "pkcs11"),
    ]  # fmt: skip
    bench.close()


def test_a_folder_of_another_home_says_so(tmp_path: Path, token: dict[str, str]) -> None:
    bench = VaultBench(tmp_path)
    card = bench.keep(CardEntry(NUMBER, 12, 2030))
    bench.wrapper = wrapper_of(tmp_path / "other", token)
    bench.open()
    with pytest.raises(StorageError, match="its keys live in file, and pkcs11 was opened"):
        bench.read(card)
    bench.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"TAPLAB_PKCS11_PIN": ""}, "set TAPLAB_PKCS11_TOKEN"),
        ({"TAPLAB_PKCS11_TOKEN": ""}, "set TAPLAB_PKCS11_TOKEN"),
        ({"TAPLAB_PKCS11_TOKEN": "none such"}, "has no token 'none such'"),
        ({"TAPLAB_PKCS11_MODULE": "/usr/lib/nothing.so"}, "cannot be opened"),
    ],
)
def test_a_token_that_cannot_be_had_is_named(
    tmp_path: Path, token: dict[str, str], wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        key_home(tmp_path, {**token, **wrong})
    assert list(tmp_path.glob("vault.json")) == []


def test_a_key_that_another_token_wrapped_does_not_open(
    tmp_path: Path, token: dict[str, str]
) -> None:
    key_home(tmp_path, token)
    record = json.loads((tmp_path / "vault.json").read_text())
    record["salt"] = "00" * 16  # another folder's mark: other keys
    (tmp_path / "vault.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match="does not open"):
        key_home(tmp_path, token)


def test_another_pin_is_named(tmp_path: Path, token: dict[str, str]) -> None:
    """Over 0.25 s: in a process of its own, for one login serves a whole process."""
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "backend", "serve", "--data-dir", str(tmp_path)],
        env={**os.environ, **token, "TAPLAB_PKCS11_PIN": "1111"},
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 3, ran.stderr
    assert "TAPLAB_PKCS11_PIN is not the PIN" in ran.stderr
    assert "1111" not in ran.stderr


def test_a_pin_does_not_print_itself() -> None:
    assert "1234" not in repr(TokenAddress("/m.so", "lab", "1234"))
