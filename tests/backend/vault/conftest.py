"""A card vault over a real database, and a PKCS#11 token of these tests' own.

The token is Debian's SoftHSM2 with its store in a temporary folder, one for the whole run: the
library reads its configuration once a process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from backend.runtime.entropy import Entropy
from backend.runtime.events import EventLog
from backend.runtime.scheduler import VirtualClock, VirtualLoop, VirtualScheduler
from backend.storage.database import Database, Transaction
from backend.storage.migrate import migrate_engine
from backend.storage.vault_rows import SqlVaultRows
from backend.vault.cards import CardEntry, CardVault, StoredCard, VaultPorts
from backend.vault.data_keys import DataKeys
from backend.vault.network_blocks import NetworkBlocks
from backend.vault.pkcs11_token import SOFTHSM
from backend.vault.ports import KeyWrapper
from backend.vault.rotation import Rotation, RotationPorts
from backend.vault.software_wrapper import SoftwareWrapper
from tests.backend.vault.network import ANetwork

T = TypeVar("T")
MERCHANT = "mer_corner_market"
LABEL, PIN = "tap lab test", "246810"


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment that names a fresh token."""
    pytest.importorskip("pkcs11", reason="needs python-pkcs11: pip install tap-lab[hsm]")
    program = shutil.which("softhsm2-util")
    if program is None or not Path(SOFTHSM).exists():
        pytest.skip("needs SoftHSM2: apt-get install softhsm2")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    subprocess.run(  # noqa: S603 - Debian's program
        [program, "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN],
        check=True,
        capture_output=True,
    )
    yield {
        "TAPLAB_KEY_HOME": "pkcs11",
        "TAPLAB_PKCS11_TOKEN": LABEL,
        "TAPLAB_PKCS11_PIN": PIN,
        "SOFTHSM2_CONF": str(folder / "softhsm2.conf"),
    }
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


class VaultBench:
    """A vault, what opens its cards, and what turns its keys; may be opened again."""

    def __init__(self, folder: Path, wrapper: KeyWrapper | None = None) -> None:
        self.loop = VirtualLoop()
        self.clock = VirtualClock(self.loop, 1_790_000_000_000_000)
        self.path = folder / "engine.db"
        migrate_engine(self.path)
        self.entropy = Entropy(5, simulated=True)
        self.wrapper = wrapper or self.software()
        self.network = ANetwork()
        self.database = Database(self.path, inline=True, synchronous="OFF")
        self.open()

    def software(self, root: bytes = b"r" * 16) -> SoftwareWrapper:
        def key_of(name: str) -> bytes:
            return (root + name.encode()).rjust(32, b"0")[-32:]

        return SoftwareWrapper(key_of, "file", self.entropy.secret("wrapping"))

    def open(self) -> None:
        """What a process starts with: nothing of it is remembered from before."""
        self.rows: SqlVaultRows = SqlVaultRows()
        secret = self.entropy.secret
        self.keys = DataKeys(self.rows, self.wrapper, self.clock, secret("keys"))
        self.vault = CardVault(
            VaultPorts(self.rows, self.keys, b"f" * 32, self.clock, secret("records"))
        )
        self.blocks = NetworkBlocks(self.rows, self.keys, self.clock)
        self.events = EventLog(self.clock, source="engine", world="simulated", first_seq=1)
        self.rotation = Rotation(
            RotationPorts(
                self.database, self.rows, self.keys, self.clock,
                VirtualScheduler(self.clock), self.events.emit,
            )
        )  # fmt: skip

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self.loop.run_until_complete(self.database.write(work))

    def keep(self, entry: CardEntry, merchant_id: str = MERCHANT) -> StoredCard:
        return self.write(lambda tx: self.vault.keep(tx, merchant_id, entry))

    def read(self, card: StoredCard, reference: str = "632500000001") -> dict[str, str]:
        """What the card's network reads of it."""
        taken = self.write(
            lambda tx: self.blocks.take(tx, card.id, purpose="test", payment_id="pay_1")
        )
        assert taken is not None
        return self.network.opened(self.blocks.seal(taken, self.network.public, reference))

    def rotate(self) -> None:
        self.loop.run_until_complete(self.rotation.rotate())

    def change(self, sql: str, *values: str) -> None:
        """Meddle with the stored rows."""
        self.database._writer.execute(sql, values)

    def audit(self) -> list[tuple[str, str, str]]:
        rows = self.database._writer.execute(
            "SELECT action, resource_id, metadata FROM audit_logs ORDER BY id"
        )
        return [tuple(row) for row in rows]

    def close(self) -> None:
        self.database.close()
        self.loop.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[VaultBench]:
    made = VaultBench(tmp_path)
    yield made
    made.close()
