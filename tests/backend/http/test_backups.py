"""Backups: taken beside a running engine and without one, put back, and refused when not whole."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.__main__ import main
from backend.api import UsageError, put_back, simulated, take_backup, verify
from backend.runtime.clock import LabClock, to_datetime
from backend.runtime.scheduler import LabScheduler, VirtualClock, VirtualLoop
from backend.storage.daily_snapshots import take_daily
from tests.backend.http.phone import Phone
from tests.backend.http.test_payments import ready_card
from tests.backend.http.test_process import ENVIRONMENT, START_LIMIT_S, Child, provision

DAY_S = 86_400


def payments_of(folder: Path) -> list[str]:
    database = sqlite3.connect(folder / "engine.db")
    found = [row[0] for row in database.execute("SELECT id FROM payments ORDER BY id")]
    database.close()
    return found


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A data folder with one payment in it, and nobody working on it."""
    with simulated(7, tmp_path / "lab") as world:
        client = world.client()
        phone = Phone(client)
        world.run(phone.sign_in())
        card = ready_card(world, phone)
        world.run(phone.pay(phone.tap(card["tokenRef"]), "T-1"))
        world.run(client.aclose())
    return tmp_path / "lab"


@pytest.fixture
def backup(shop: Path, tmp_path: Path) -> Path:
    made = take_backup(shop, tmp_path / "friday")
    assert made["verified"] is True
    return tmp_path / "friday"


@pytest.mark.inv(350)
def test_a_backup_is_whole_and_can_be_put_back(shop: Path, backup: Path) -> None:
    before = payments_of(shop)
    (shop / "engine.db").write_bytes(b"a disk that died")
    done = put_back(backup, shop)
    assert {"engine.db", "networks.db", "vault.json"} <= set(done["restored"])
    assert payments_of(shop) == before
    assert verify(shop)["ok"]
    kept = Path(str(done["kept"]))
    assert (kept / "engine.db").read_bytes() == b"a disk that died"
    with simulated(7, shop) as world:  # and an engine starts on it
        assert world.engine.lab.payments.recent(5)[0]["id"] == before[0]


@pytest.mark.inv(350)
def test_a_backup_is_put_back_into_an_empty_folder(backup: Path, tmp_path: Path) -> None:
    done = put_back(backup, tmp_path / "elsewhere")
    assert done["kept"] is None
    assert verify(tmp_path / "elsewhere")["ok"]


@pytest.mark.parametrize("name", ["engine.db", "networks.db", "vault.json", "manifest.json"])
def test_a_damaged_backup_changes_nothing(shop: Path, backup: Path, name: str) -> None:
    with (backup / name).open("r+b") as file:
        file.seek(100 if name.endswith(".db") else 0)
        file.write(b"\x00\xff")
    before = {path.name: path.read_bytes() for path in shop.iterdir() if path.is_file()}
    with pytest.raises(UsageError, match=r"damaged|no backup"):
        put_back(backup, shop)
    after = {path.name: path.read_bytes() for path in shop.iterdir() if path.is_file()}
    assert {**after, "engine.lock": b""} == {**before, "engine.lock": b""}


def test_a_backup_that_breaks_an_invariant_is_not_put_back(shop: Path, tmp_path: Path) -> None:
    database = sqlite3.connect(shop / "engine.db")
    database.execute("DROP TRIGGER tr_ledger_entries_no_delete")
    database.execute("DELETE FROM ledger_entries WHERE seq = 1")
    database.commit()
    database.close()
    assert main(["backup", str(tmp_path / "bad"), "--data-dir", str(shop)]) == 1
    with pytest.raises(UsageError, match="breaks an invariant"):
        put_back(tmp_path / "bad", tmp_path / "new")
    assert not (tmp_path / "new" / "engine.db").exists()


def test_a_manifest_cannot_name_other_files(backup: Path, tmp_path: Path) -> None:
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["files"]["../../outside"] = "00"
    (backup / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="it lists"):
        put_back(backup, tmp_path / "new")


def test_wrong_use_is_said_in_one_line(
    shop: Path, backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, words in (
        (["backup", str(backup), "--data-dir", str(shop)], "exists already"),
        (["backup", str(tmp_path / "x"), "--data-dir", str(tmp_path / "none")], "nothing to back"),
        (["restore", str(tmp_path / "absent"), "--data-dir", str(shop)], "no backup"),
    ):
        assert main(arguments) == 3
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert words in said.err


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    started = Child(tmp_path / "lab", "--daily-snapshots", "3")
    yield started
    if started.process.poll() is None:
        started.process.kill()
    started.process.communicate()


@pytest.mark.inv(350)
def test_a_running_engine_is_backed_up_and_cannot_be_overwritten(
    tmp_path: Path, child: Child
) -> None:
    said = child.ready()

    async def sell() -> None:
        async with child.client(said["url"]) as client:
            phone = Phone(client)
            card = await provision(phone, said["url"])
            await phone.pay(phone.tap(card["tokenRef"]), "T-1")

    asyncio.run(sell())

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "backend", *words, "--data-dir", str(tmp_path / "lab")],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            timeout=START_LIMIT_S,
            check=False,
        )

    made = command("backup", str(tmp_path / "friday"), "--json")
    assert (made.returncode, json.loads(made.stdout)["verified"]) == (0, True)
    assert len(payments_of(tmp_path / "friday")) == 1
    assert len(list((tmp_path / "lab" / "snapshots").glob("daily-*"))) == 1
    refused = command("restore", str(tmp_path / "friday"))
    assert refused.returncode == 3
    assert "in use by the engine" in refused.stderr
    child.end(signal.SIGTERM)
    assert command("restore", str(tmp_path / "friday")).returncode == 0


def test_every_day_has_one_snapshot_and_old_ones_go(tmp_path: Path) -> None:
    taken: list[str] = []

    def take(name: str) -> None:
        taken.append(name)
        (tmp_path / name).mkdir()

    loop = VirtualLoop()
    clock = LabClock(VirtualClock(loop))
    scheduler = LabScheduler(clock)

    async def a_week() -> None:
        job = scheduler.spawn(take_daily(tmp_path, 3, take, clock, scheduler), "daily")
        await scheduler.sleep_until(clock.now_us() + 6 * DAY_S * 1_000_000)
        job.cancel()
        again = scheduler.spawn(take_daily(tmp_path, 3, take, clock, scheduler), "daily")
        await scheduler.sleep_until(clock.now_us() + 1)
        again.cancel()

    first = to_datetime(clock.now_us())
    loop.run_until_complete(a_week())
    loop.close()
    assert len(taken) == len(set(taken)) == 7
    assert taken[0] == f"daily-{first:%Y-%m-%d}"
    assert sorted(path.name for path in tmp_path.iterdir()) == taken[-3:]
