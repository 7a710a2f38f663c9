"""What a folder keeps of a world: seed, clock, and where its random streams are."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.assembly.ground import live_ground
from backend.runtime.entropy import SeededStream
from backend.runtime.errors import UsageError
from backend.storage.data_folder import DataFolder, WorldRecord


def test_a_restarted_engine_goes_on_with_its_streams(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.keep_world(WorldRecord(7, positions={"network.visa.delays": 5}))
    stream = SeededStream(7, "network.visa.delays", 5)
    for seed in (None, 7):
        ground = live_ground(folder, seed)
        assert ground.entropy.stream("network.visa.delays").bytes(8) == stream.bytes(8)
        stream = SeededStream(7, "network.visa.delays", 5)
    kept = folder.world()
    assert kept is not None
    assert kept.positions == {"network.visa.delays": 5}


def test_another_seed_starts_anew(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.keep_world(WorldRecord(7, positions={"network.visa.delays": 5}))
    entropy = live_ground(folder, 8).entropy
    assert (entropy.seed, entropy.positions()) == (8, {})


def test_a_record_of_an_earlier_version_has_no_positions(tmp_path: Path) -> None:
    (tmp_path / "world.json").write_text('{"seed": 7, "jumped_s": 0.0, "rate": 1.0}')
    (tmp_path / "world.json").chmod(0o600)
    record = DataFolder(tmp_path).world()
    assert record == WorldRecord(7)


def test_positions_that_cannot_be_are_refused(tmp_path: Path) -> None:
    (tmp_path / "world.json").write_text(
        '{"seed": 7, "jumped_s": 0, "rate": 1, "positions": {"a": -3}}'
    )
    (tmp_path / "world.json").chmod(0o600)
    with pytest.raises(UsageError, match="damaged"):
        DataFolder(tmp_path).world()
