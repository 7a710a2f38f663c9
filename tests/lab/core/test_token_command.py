"""`tap-lab token`: makes what it opens, names why it does not open, and spoils no file."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.cli import main

MADE_AT = "2026-11-21T10:00:00Z"
LATER = "2026-11-21T10:06:00Z"


def make(folder: Path, *extra: str, version: str = "EC_v1") -> int:
    return main(
        ["token", "make", "--type", version, "--merchant-id", "merchant.lab.shop",
         "--amount", "12.40", "--currency", "USD", "--at", MADE_AT, "--out", str(folder), *extra]
    )  # fmt: skip


def opening(folder: Path, at: str = MADE_AT, **other: Path) -> list[str]:
    files = {
        "merchant_cert": folder / "merchant.pem",
        "merchant_key": folder / "merchant.key",
        "root": folder / "root.pem",
        **other,
    }
    named = [part for name, path in files.items() for part in (f"--{name.replace('_', '-')}", path)]
    return ["token", "open", str(folder / "token.json"), "--at", at, *map(str, named)]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    return lambda: json.loads(capsys.readouterr().out)


@pytest.mark.inv(95, 96)
@pytest.mark.parametrize("version", ["EC_v1", "RSA_v1"])
def test_what_is_made_opens(version: str, tmp_path: Path, printed: Callable[[], Any]) -> None:
    assert make(tmp_path, "--json", version=version) == 0
    assert set(printed()) == {path.name for path in tmp_path.iterdir()}
    assert stat.S_IMODE((tmp_path / "merchant.key").stat().st_mode) == 0o600
    assert 1024 < (tmp_path / "token.json").stat().st_size < 5 * 1024
    assert main(opening(tmp_path)) == 0
    assert printed() == json.loads((tmp_path / "clear.json").read_bytes())


def test_a_seed_and_a_time_repeat_the_token(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert make(tmp_path / name, "--seed", "7") == 0
    one, two = (tmp_path / name / "token.json" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_an_old_token_is_refused_by_name(tmp_path: Path, printed: Callable[[], Any]) -> None:
    make(tmp_path, "--json")
    printed()
    assert main(opening(tmp_path, at=LATER)) == 1
    assert printed()["error"]["code"] == "token_stale"


def test_another_merchants_files_are_refused_by_name(
    tmp_path: Path, printed: Callable[[], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    make(mine)
    make(other)
    capsys.readouterr()
    theirs = {name: other / file for name, file in
              (("merchant_cert", "merchant.pem"), ("merchant_key", "merchant.key"))}  # fmt: skip
    assert main(opening(mine, **theirs)) == 1
    assert printed()["error"]["code"] == "token_other_merchant"
    assert main(opening(mine, root=other / "root.pem")) == 1
    assert printed()["error"]["code"] == "token_chain"


def test_wrong_files_are_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path)
    for spoilt in ("merchant_cert", "merchant_key", "root"):
        bad = tmp_path / "bad"
        bad.write_text("not a key")
        assert main(opening(tmp_path, **{spoilt: bad})) == 2
        assert main(opening(tmp_path, **{spoilt: tmp_path / "absent"})) == 2
    (tmp_path / "token.json").write_text("{")
    capsys.readouterr()
    assert main(opening(tmp_path)) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "token_malformed"


@pytest.mark.parametrize(
    "extra",
    [["--amount", "0"], ["--amount", "1.234"], ["--currency", "XXQ"], ["--merchant-id", ""],
     ["--merchant-id", "m" * 256], ["--merchant-id", "a\nb"]],
)  # fmt: skip
def test_what_cannot_be_meant_is_wrong_use(tmp_path: Path, extra: list[str]) -> None:
    assert make(tmp_path / "out", *extra) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("bad", [["--at", "tomorrow"], ["--at", "2026-11-21T10:00:00"]])
def test_a_time_without_a_zone_is_wrong_use(tmp_path: Path, bad: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        make(tmp_path, *bad)
    assert ended.value.code == 2


def test_token_alone_asks_which(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token"]) == 2
    assert "make" in capsys.readouterr().err
