"""The root key's home: operating system keyring, passphrase, PKCS#11 token, or a bare file.

Theory of operation. A data folder has one 32-byte root key. `vault.json` says where it lives and
carries a check value, so that a wrong passphrase or a lost keyring entry is refused by name
instead of turning into undecipherable rows. The first opening chooses the home: the keyring of
the operating system where one answers; else a passphrase from the environment, stretched with
argon2id (RFC 9106); else a random file that only its owner may read, which is announced as
UNPROTECTED wherever the laboratory speaks about its state. A PKCS#11 token is taken only when it is
asked for by name: the root key then lies beside the data as the token's ciphertext. Later openings
use the home on record.

Refuses to know what the key is used for: `named_keys` derives those.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from filelock import FileLock

from backend.runtime.entropy import Stream
from backend.runtime.errors import StorageError, UsageError
from backend.vault.pkcs11_token import TokenWrapper, open_token, token_address
from backend.vault.private_file import read_private, write_private

ROOT_KEY_BYTES = 32
SALT_BYTES = 16
KEYRING_SERVICE = "tap-lab"
CHOICE_VARIABLE = "TAPLAB_KEY_HOME"
PASSPHRASE_VARIABLE = "TAPLAB_PASSPHRASE"  # noqa: S105 - a variable's name, not a password
ROOT_KEK, ROOT_PLACE = 0, b"root key"  # in a token; the card vault's own begin with 1
ARGON2_PASSES = 3
ARGON2_MEMORY_KIB = 65_536
ARGON2_LANES = 4


class Home(Enum):
    """Where a root key can live."""

    KEYRING = "keyring"
    PASSPHRASE = "passphrase"  # noqa: S105 - a word, not a password
    FILE = "file"
    PKCS11 = "pkcs11"


@dataclass(frozen=True, slots=True)
class KeyHome:
    """An opened root key.

    Attributes:
        root: 32 bytes; never logged, never shown.
        home: where it lives.
        token: the token it is wrapped in, whose keys wrap others too; None in every other home.
    """

    root: bytes = field(repr=False)
    home: Home
    token: TokenWrapper | None = field(default=None, repr=False)

    @property
    def is_unprotected(self) -> bool:
        """Whether anyone who reads the data folder has the key too."""
        return self.home is Home.FILE


@dataclass(frozen=True, slots=True)
class _Record:
    """What `vault.json` says: nothing in it is secret."""

    home: Home
    salt: bytes
    check: str

    def to_json(self) -> bytes:
        body = {"home": self.home.value, "salt": self.salt.hex(), "check": self.check}
        return json.dumps(body, indent=1).encode() + b"\n"


def open_key_home(data_dir: Path, environment: Mapping[str, str], secret: Stream) -> KeyHome:
    """The folder's root key; made on first use.

    Args:
        data_dir: the data folder; must exist.
        environment: `TAPLAB_KEY_HOME` may force "keyring", "passphrase", "file" or "pkcs11".
        secret: where a new key and its salt come from.

    Raises:
        UsageError: the key on record cannot be had (keyring silent, passphrase missing or wrong).
    """
    with FileLock(data_dir / "vault.lock"):
        record = _read_record(data_dir / "vault.json")
        if record is None:
            return _make(data_dir, environment, secret)
        token = _token(record, environment, secret)
        root = _fetch(data_dir, record, environment, token)
        if not hmac.compare_digest(_check_value(root), record.check):
            raise UsageError(_wrong_key_text(record.home))
        return KeyHome(root, record.home, token)


def recorded_home(data_dir: Path) -> str | None:
    """Where the folder's key lives, by `vault.json`; None when that cannot be read."""
    try:
        record = _read_record(data_dir / "vault.json")
    except UsageError:
        return None
    return None if record is None else record.home.value


def _make(data_dir: Path, environment: Mapping[str, str], secret: Stream) -> KeyHome:
    salt = secret.bytes(SALT_BYTES)
    fresh = secret.bytes(ROOT_KEY_BYTES)
    for home in _candidates(environment):
        token = _token(_Record(home, salt, ""), environment, secret)
        root = _store(data_dir, home, salt, fresh, environment, token)
        if root is not None:
            record = _Record(home, salt, _check_value(root))
            write_private(data_dir / "vault.json", record.to_json())
            return KeyHome(root, home, token)
    raise UsageError(
        f"the key home named by {CHOICE_VARIABLE} is not available here: "
        "unlock the keyring, set TAPLAB_PASSPHRASE, or name another home"
    )


def _candidates(environment: Mapping[str, str]) -> tuple[Home, ...]:
    forced = environment.get(CHOICE_VARIABLE)
    if not forced:
        return (Home.KEYRING, Home.PASSPHRASE, Home.FILE)
    try:
        return (Home(forced),)
    except ValueError as error:
        raise UsageError(
            f"{CHOICE_VARIABLE}={forced}: choose keyring, passphrase, file or pkcs11"
        ) from error


def _token(record: _Record, environment: Mapping[str, str], nonces: Stream) -> TokenWrapper | None:
    """The token of a home that is one; its keys carry the folder's salt in their labels."""
    if record.home is not Home.PKCS11:
        return None
    return open_token(token_address(environment), record.salt.hex(), nonces)


def _store(
    data_dir: Path,
    home: Home,
    salt: bytes,
    fresh: bytes,
    environment: Mapping[str, str],
    token: TokenWrapper | None,
) -> bytes | None:
    """Put a key there; None when that home does not exist on this machine."""
    match home:
        case Home.KEYRING:
            return fresh if _keyring_set(salt, fresh) else None
        case Home.PASSPHRASE:
            passphrase = environment.get(PASSPHRASE_VARIABLE)
            return _stretch(passphrase, salt) if passphrase else None
        case Home.FILE:
            _write_key(data_dir, fresh)
            return fresh
        case Home.PKCS11:
            assert token is not None, "opened with its home"
            try:
                _write_key(data_dir, token.wrap(ROOT_KEK, fresh, ROOT_PLACE))
            except StorageError as error:
                raise UsageError(str(error)) from error
            return fresh


def _fetch(
    data_dir: Path, record: _Record, environment: Mapping[str, str], token: TokenWrapper | None
) -> bytes:
    match record.home:
        case Home.KEYRING:
            return _keyring_get(record.salt)
        case Home.PASSPHRASE:
            passphrase = environment.get(PASSPHRASE_VARIABLE)
            if not passphrase:
                raise UsageError(
                    f"this data folder needs its passphrase: set {PASSPHRASE_VARIABLE}"
                )
            return _stretch(passphrase, record.salt)
        case Home.FILE:
            return _read_key(data_dir)
        case Home.PKCS11:
            assert token is not None, "opened with its home"
            try:
                return token.unwrap(ROOT_KEK, _read_key(data_dir), ROOT_PLACE)
            except StorageError as error:
                raise UsageError(f"this data folder's key does not open: {error}") from error


def _write_key(data_dir: Path, content: bytes) -> None:
    write_private(data_dir / "vault.key", content.hex().encode() + b"\n")


def _read_key(data_dir: Path) -> bytes:
    text = read_private(data_dir / "vault.key")
    if text is None:
        raise UsageError("vault.key is gone: restore it, or start on an empty data folder")
    try:
        return bytes.fromhex(text.decode("ascii", "replace").strip())
    except ValueError as error:
        raise UsageError("vault.key is damaged: restore it from a copy") from error


def _stretch(passphrase: str, salt: bytes) -> bytes:
    from argon2.low_level import Type, hash_secret_raw  # only homes with a passphrase pay for it

    return hash_secret_raw(
        passphrase.encode(),
        salt,
        ARGON2_PASSES,
        ARGON2_MEMORY_KIB,
        ARGON2_LANES,
        ROOT_KEY_BYTES,
        Type.ID,
    )


def _keyring_set(salt: bytes, root: bytes) -> bool:
    """Whether the operating system's keyring took the key and gave it back."""
    import keyring  # loads the desktop's backends: only when asked for
    from keyring.errors import KeyringError

    try:
        keyring.set_password(KEYRING_SERVICE, salt.hex(), root.hex())
        return bool(keyring.get_password(KEYRING_SERVICE, salt.hex()) == root.hex())
    except (KeyringError, OSError):
        return False  # no keyring answers on this machine: the next home is tried


def _keyring_get(salt: bytes) -> bytes:
    import keyring
    from keyring.errors import KeyringError

    try:
        text = keyring.get_password(KEYRING_SERVICE, salt.hex())
    except (KeyringError, OSError) as error:
        raise UsageError(f"the keyring that holds this folder's key is silent: {error}") from error
    if text is None:
        raise UsageError("the keyring has no key for this data folder: it was made elsewhere")
    return bytes.fromhex(text)


def _check_value(root: bytes) -> str:
    return hmac.new(root, b"tap-lab root key check", hashlib.sha256).hexdigest()[:16]


def _wrong_key_text(home: Home) -> str:
    if home is Home.PASSPHRASE:
        return f"{PASSPHRASE_VARIABLE} is not this data folder's passphrase"
    return f"the key from the {home.value} is not this data folder's key"


def _read_record(path: Path) -> _Record | None:
    if not os.path.lexists(path):
        return None
    try:
        body = json.loads(path.read_text())
        return _Record(Home(body["home"]), bytes.fromhex(body["salt"]), str(body["check"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path.name} is damaged ({error}): restore it from a copy") from error
