"""Where the root key lives: each home, its refusals, and that the user's own keyring is not met."""

import stat
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from backend.api import key_home, named_keys
from backend.runtime.entropy import Entropy
from backend.runtime.errors import UsageError
from backend.storage.data_folder import DataFolder, FolderInUse
from backend.vault import key_home as key_home_module
from backend.vault.key_home import Home
from backend.vault.named_keys import NamedKeys
from backend.vault.private_file import is_private, write_private

PASSPHRASE = {"TAPLAB_KEY_HOME": "passphrase", "TAPLAB_PASSPHRASE": "nine green horses"}
FILE = {"TAPLAB_KEY_HOME": "file"}


class MemoryKeyring(KeyringBackend):
    """A keyring of this test's own."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("locked")
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        raise PasswordDeleteError(f"{service} {username}")


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    own = MemoryKeyring()
    before = keyring.get_keyring()
    keyring.set_keyring(own)
    yield own
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def _cheap_stretching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_home_module, "ARGON2_MEMORY_KIB", 64)
    monkeypatch.setattr(key_home_module, "ARGON2_PASSES", 1)


def test_a_file_says_that_it_protects_nothing(tmp_path: Path) -> None:
    made = key_home(tmp_path, FILE)
    assert made.is_unprotected
    assert made.root.hex() not in repr(made)
    assert stat.S_IMODE((tmp_path / "vault.key").stat().st_mode) == 0o600
    assert key_home(tmp_path, {}).root == made.root


def test_a_passphrase_is_asked_again_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    made = key_home(tmp_path, PASSPHRASE)
    assert not made.is_unprotected
    assert made.root.hex() not in (tmp_path / "vault.json").read_text()
    assert key_home(tmp_path, PASSPHRASE).root == made.root
    with pytest.raises(UsageError, match="not this data folder's passphrase"):
        key_home(tmp_path, {**PASSPHRASE, "TAPLAB_PASSPHRASE": "ten green horses"})
    with pytest.raises(UsageError, match="set TAPLAB_PASSPHRASE"):
        key_home(tmp_path, {})


def test_the_keyring_comes_first_and_its_silence_is_named(
    tmp_path: Path, ring: MemoryKeyring
) -> None:
    made = key_home(tmp_path, {})
    assert made.home is Home.KEYRING
    assert list(ring.entries.values()) == [made.root.hex()]
    assert key_home(tmp_path, {}).root == made.root
    ring.locked = True
    with pytest.raises(UsageError, match="silent"):
        key_home(tmp_path, {})
    ring.locked = False
    ring.entries.clear()
    with pytest.raises(UsageError, match="made elsewhere"):
        key_home(tmp_path, {})


def test_without_a_keyring_the_next_home_is_taken(tmp_path: Path, ring: MemoryKeyring) -> None:
    ring.locked = True
    assert key_home(tmp_path / "a", {"TAPLAB_PASSPHRASE": "x"}).home is Home.PASSPHRASE
    assert key_home(tmp_path / "b", {}).home is Home.FILE
    with pytest.raises(UsageError, match="not available"):
        key_home(tmp_path / "c", {"TAPLAB_KEY_HOME": "keyring"})
    with pytest.raises(UsageError, match="choose"):
        key_home(tmp_path / "d", {"TAPLAB_KEY_HOME": "pocket"})


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("vault.key", b"", "not this data folder's key|damaged"),
        ("vault.key", b"zz", "damaged"),
        ("vault.key", b"00" * 32, "not this data folder's key"),
        ("vault.json", b"{}", "damaged"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    key_home(tmp_path, FILE)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=word):
        key_home(tmp_path, {})


def test_a_lost_key_file_is_named(tmp_path: Path) -> None:
    key_home(tmp_path, FILE)
    (tmp_path / "vault.key").unlink()
    with pytest.raises(UsageError, match="gone"):
        key_home(tmp_path, {})


def test_each_purpose_has_a_key_of_its_own(tmp_path: Path) -> None:
    home = key_home(tmp_path, FILE)
    keys = named_keys(home)
    made = {keys.host_vault_key(), keys.secure_element_key(), keys.key("x"), home.root}
    assert len(made) == 4
    assert named_keys(home).secure_element_key() == keys.secure_element_key()
    assert keys.fingerprint("4999990000000001") != NamedKeys(bytes(32)).fingerprint(
        "4999990000000001"
    )


def test_the_token_stays_unless_others_could_read_it(tmp_path: Path) -> None:
    secret = Entropy(1, simulated=True).secret("token")
    folder = DataFolder(tmp_path)
    token = folder.token(secret)
    assert folder.token(secret) == token
    (tmp_path / "engine.token").chmod(0o644)
    fresh = folder.token(secret)
    assert fresh != token
    assert is_private(tmp_path / "engine.token")
    write_private(tmp_path / "engine.token", b"short")
    assert folder.token(secret) not in {token, fresh, "short"}


def test_a_folder_is_taken_once(tmp_path: Path) -> None:
    first, second = DataFolder(tmp_path), DataFolder(tmp_path)
    first.take()
    with pytest.raises(FolderInUse, match="in use"):
        second.take()
    first.give_back()
    second.take()
    second.give_back()
