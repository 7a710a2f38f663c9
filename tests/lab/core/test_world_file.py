"""A world in one file: what is saved comes back; what is no world replaces nothing."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from lab import kept_streams, world_file
from lab.commands.world import load, reset, save
from lab.errors import SomethingMissing, WrongUse
from lab.pos.state import PosPhase
from lab.settings import Settings
from lab.words import tell
from tests.lab.core.running import Running


@pytest.fixture(scope="module")
def saved(
    tmp_path_factory: pytest.TempPathFactory, start_lab: Callable[[Path], Running]
) -> tuple[Path, dict[str, str]]:
    """A saved world with three cards and one payment, and what it held."""
    folder = tmp_path_factory.mktemp("saved")
    running = start_lab(folder / "lab")
    world = running.world
    running.run(world.wallet.start_with_demo_cards())
    sale = running.run(world.hands.tap(1240, "USD"))
    running.run(world.console.set_fault("amex.slow", on=True, parameters={"ms": 300.0}))
    running.call(lambda: world.entropy.stream("a draw").bytes(5))
    manifest = running.run(save(world, folder / "world.taplab"))
    drawn = running.call(lambda: world.entropy.stream("a draw").bytes(8).hex())
    running.stop()
    assert manifest["contains_its_key"]
    facts = {"payment": sale.answer.payment_id, "token": sale.tap.token, "drawn": drawn}
    return folder / "world.taplab", facts


def test_a_saved_world_comes_back_on_another_folder(
    saved: tuple[Path, dict[str, str]], tmp_path: Path, start_lab: Callable[[Path], Running]
) -> None:
    """Over 0.25 s: an engine starts on the loaded folder."""
    archive, facts = saved
    settings = Settings(data_dir=tmp_path / "other", profile="instant", pace=0.0)
    settings.data_dir.mkdir()
    asyncio.run(load(settings, archive))
    running = start_lab(settings.data_dir)
    try:
        running.run(running.world.console.look())
        (deviation,) = running.world.console.state.deviations
        assert tell(deviation.text) == "We broke Amex: slow, 300 ms"
        assert len(running.world.wallet.cards) == 3
        assert [p.id for p in running.run(running.world.client.payments())] == [facts["payment"]]
        sale = running.run(running.world.hands.tap(1240, "USD"))
        assert sale.phase is PosPhase.APPROVED
        assert sale.tap.atc == 2  # the card's counter went on from where it was saved
        drawn = running.call(lambda: running.world.entropy.stream("a draw").bytes(8).hex())
        assert drawn == facts["drawn"]  # the random streams went on from where they were
        assert running.world.pos.state.recent[1].payment_id == facts["payment"]
    finally:
        running.stop()


def test_seeds_and_positions_are_in_the_manifest(saved: tuple[Path, dict[str, str]]) -> None:
    with zipfile.ZipFile(saved[0]) as packed:
        manifest = orjson.loads(packed.read("manifest.json"))
        kept = {name: orjson.loads(packed.read(name)) for name in ("world.json", "streams.json")}
    for side, name in (("engine", "world.json"), ("lab", "streams.json")):
        assert manifest[side]["seed"] == kept[name]["seed"] == 7
        assert manifest[side]["positions"] == kept[name]["positions"]
    assert "network.visa.delays" in manifest["engine"]["positions"]
    assert manifest["lab"]["positions"]["a draw"] == 2  # five bytes are two words


def test_streams_go_on_unless_another_seed_is_asked_for(tmp_path: Path) -> None:
    first = kept_streams.entropy_of(tmp_path, 7)
    first.stream("a").bytes(9)
    kept_streams.keep(tmp_path, first)
    expected = first.stream("a").bytes(9)
    for seed in (None, 7):
        assert kept_streams.entropy_of(tmp_path, seed).stream("a").bytes(9) == expected
    assert kept_streams.entropy_of(tmp_path, 8).positions() == {}
    (tmp_path / kept_streams.FILE).write_text("{")
    with pytest.raises(SomethingMissing, match="delete it"):
        kept_streams.entropy_of(tmp_path, 7)


def resealed(archive: Path, target: Path, name: str, content: bytes) -> Path:
    """The archive with one file replaced, and a manifest that vouches for it."""
    with zipfile.ZipFile(archive) as packed:
        manifest = orjson.loads(packed.read("manifest.json"))
    manifest["files"][name] = hashlib.sha256(content).hexdigest()
    return rewritten(archive, target, {name: content, "manifest.json": orjson.dumps(manifest)})


@pytest.mark.parametrize("name", ["world.json", "streams.json"])
@pytest.mark.parametrize("content", [b"{", b'{"seed": 7, "positions": {"a": -1}}', b"{}"])
def test_streams_that_cannot_be_replace_nothing(
    saved: tuple[Path, dict[str, str]], tmp_path: Path, name: str, content: bytes
) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    bad = resealed(saved[0], tmp_path / "bad.taplab", name, content)
    with pytest.raises(WrongUse, match="no saved world"):
        asyncio.run(load(Settings(data_dir=folder), bad))
    assert list(folder.iterdir()) == []


def test_no_number_lies_open_in_the_file(saved: tuple[Path, dict[str, str]]) -> None:
    archive, facts = saved
    with zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            content = packed.read(name)
            assert b"4242424242424242" not in content, name
            assert facts["token"].encode() not in content, name
    assert archive.stat().st_mode & 0o077 == 0


def rewritten(archive: Path, target: Path, change: dict[str, bytes | None]) -> Path:
    """The archive with some of its files replaced (None: left out)."""
    with zipfile.ZipFile(archive) as packed, zipfile.ZipFile(target, "w") as out:
        contents = {name: packed.read(name) for name in packed.namelist()}
        for name, content in {**contents, **change}.items():
            if content is not None:
                out.writestr(name, content)
    return target


@pytest.mark.parametrize(
    "change",
    [
        {"../../escaped": b"x"},
        {"/etc/escaped": b"x"},
        {"surplus.txt": b"x"},
        {"engine.db": None},
        {"engine.db": b"not what was saved"},
        {"manifest.json": b"{}"},
        {"manifest.json": b"no json"},
        {"manifest.json": orjson.dumps({"format": "tap-lab world 99", "files": {}})},
    ],
)
def test_what_is_no_world_is_refused_and_replaces_nothing(
    saved: tuple[Path, dict[str, str]], tmp_path: Path, change: dict[str, bytes | None]
) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "engine.db").write_bytes(b"what was there before")
    bad = rewritten(saved[0], tmp_path / "bad.taplab", change)
    with pytest.raises(WrongUse):
        asyncio.run(load(Settings(data_dir=folder), bad))
    assert (folder / "engine.db").read_bytes() == b"what was there before"
    assert {path.name for path in folder.iterdir()} == {"engine.db"}
    assert not (tmp_path / "escaped").exists()


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.taplab"
    bad.write_bytes(b"hello")
    for source in (bad, tmp_path / "absent.taplab"):
        with pytest.raises(WrongUse):
            asyncio.run(load(Settings(data_dir=tmp_path), source))


def test_an_archive_damaged_inside_is_refused(
    saved: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    """Over 0.25 s: every eighth byte of two hundred, one after the other."""
    whole = saved[0].read_bytes()
    bad = tmp_path / "bad.taplab"
    refused = 0
    for at in range(0, 1_600, 8):
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            with world_file.unpacked(bad, tmp_path):
                pass
        except WrongUse:
            refused += 1
    assert refused > 100


def test_a_file_that_swells_is_stopped(
    saved: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world_file, "FILE_BYTES_MAX", 1000)
    with pytest.raises(WrongUse, match="larger"):
        asyncio.run(load(Settings(data_dir=tmp_path), saved[0]))


def test_a_world_whose_key_is_elsewhere_is_refused(
    saved: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    other_key = rewritten(saved[0], tmp_path / "keyless.taplab", {"vault.key": None})
    folder = tmp_path / "lab"
    folder.mkdir()
    with pytest.raises(SomethingMissing, match="key"):
        asyncio.run(load(Settings(data_dir=folder), other_key))
    assert list(folder.iterdir()) == []


def test_a_folder_in_use_is_not_replaced(own_lab: Running) -> None:
    settings = own_lab.world.settings
    with pytest.raises(SomethingMissing, match="in use"):
        own_lab.run(reset(settings))
    assert own_lab.world.engine.endpoint is not None


def test_a_reset_leaves_a_clean_start_and_keeps_the_key(
    tmp_path: Path, start_lab: Callable[[Path], Running]
) -> None:
    """Over 0.25 s: two engines start, one after the other."""
    folder = tmp_path / "lab"
    running = start_lab(folder)
    running.run(running.world.wallet.start_with_demo_cards())
    key = (folder / "vault.json").read_bytes()
    running.stop()
    asyncio.run(reset(running.world.settings))
    assert not (folder / "engine.db").exists()
    assert not (folder / "secure-element.db").exists()
    assert not (folder / "traces").exists()
    assert (folder / "vault.json").read_bytes() == key
    again = start_lab(folder)
    assert again.world.wallet.cards == ()
    again.stop()


def test_the_process_named_by_a_stale_file_is_not_needed(tmp_path: Path) -> None:
    (tmp_path / "engine.json").write_text('{"url": "http://127.0.0.1:9", "pid": 2147483646}')
    asyncio.run(reset(Settings(data_dir=tmp_path)))
    assert not (tmp_path / "engine.json").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"engine.lock"}
