"""Settings: options before environment before defaults, and what cannot be is refused."""

from pathlib import Path

import pytest

from backend.runtime.errors import UsageError
from backend.settings import is_loopback, settings_from


def test_options_win_over_the_environment(tmp_path: Path) -> None:
    environment = {"TAPLAB_DATA_DIR": str(tmp_path / "env"), "TAPLAB_REDIS_URL": "redis://a"}
    assert settings_from(environment).data_dir == tmp_path / "env"
    assert settings_from(environment).redis_url == "redis://a"
    chosen = settings_from(environment, data_dir=tmp_path / "own", redis_url="redis://b")
    assert (chosen.data_dir, chosen.redis_url) == (tmp_path / "own", "redis://b")
    named = {"TAPLAB_DATABASE_URL": f"sqlite:///{tmp_path / 'engine.db'}"}
    assert settings_from(named, data_dir=tmp_path).data_dir == tmp_path
    with pytest.raises(UsageError, match=r"engine\.db"):
        settings_from({"TAPLAB_DATABASE_URL": "postgresql://h/d"}, data_dir=tmp_path)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.test"])  # noqa: S104 - refused
def test_other_machines_only_if_told_twice(tmp_path: Path, host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(UsageError, match="--allow-non-loopback"):
        settings_from({}, data_dir=tmp_path, host=host)
    told = settings_from({}, data_dir=tmp_path, host=host, allow_non_loopback=True)
    assert told.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


def test_numbers_and_words_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--port"):
        settings_from({}, data_dir=tmp_path, port=70_000)
    with pytest.raises(UsageError, match="--profile"):
        settings_from({}, data_dir=tmp_path, profile="warp")


def test_a_moment_to_die_is_named_exactly(tmp_path: Path) -> None:
    assert settings_from({}, data_dir=tmp_path).kill_at is None
    told = settings_from({"TAPLAB_KILL_AT": "after:17"}, data_dir=tmp_path)
    assert told.kill_at == ("after", 17)
    for wrong in ("17", "after", "after:0", "after:-1", "during:3", "before:x", "before:٣x"):
        with pytest.raises(UsageError, match="TAPLAB_KILL_AT"):
            settings_from({"TAPLAB_KILL_AT": wrong}, data_dir=tmp_path)
