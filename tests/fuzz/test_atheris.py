"""Coverage-guided fuzzing, two targets of five minutes each side by side: part of `--full=fuzz`.

Atheris comes from the package registry on demand and into a folder of the test's own; where it
cannot be had (no network, no wheel for this Python) the test says so.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.card_cases import good_answers
from tests.fuzz.wire_cases import CHIP, good_messages

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 5
CASE_S = 5  # libFuzzer's own limit a case; instrumented code is slow, the other runs measure


@pytest.fixture(scope="module")
def atheris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds Atheris."""
    place = tmp_path_factory.mktemp("atheris")
    command = ["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target", str(place)]
    got = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *command, "atheris"], capture_output=True, text=True, check=False
    )
    if got.returncode != 0:
        reason = (got.stderr.strip().splitlines() or ["pip failed"])[-1]
        pytest.skip(f"Atheris cannot be installed ({reason}): needs the registry, Linux, 3.11-3.13")
    return place


@pytest.mark.full("fuzz")
def test_coverage_guided_fuzzing_finds_nothing(atheris: Path, tmp_path: Path) -> None:
    running = {}
    for name, seeds in (("card", _card_seeds(tmp_path)), ("line", _line_seeds())):
        corpus = tmp_path / name
        corpus.mkdir()
        for number, seed in enumerate(seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        running[name] = _started(atheris, name, corpus, f"-max_total_time={MINUTES * 60}")
    for name, process in running.items():
        output, _ = process.communicate()
        assert process.returncode == 0, f"{name}: {output[-4000:]}"
        done = re.search(r"Done (\d+) runs", output)
        assert done, output[-2000:]
        assert int(done[1]) > 1_000, output[-2000:]


def _started(atheris: Path, name: str, corpus: Path, *options: str) -> subprocess.Popen[str]:
    limits = ["-rss_limit_mb=1024", f"-timeout={CASE_S}", "-max_len=4096", "-seed=20261"]
    artifacts = f"-artifact_prefix={corpus.parent}/{name}-found-"
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, str(ROOT / "tests/fuzz/atheris_run.py"), name, *limits, artifacts,
         *options, str(corpus)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(atheris)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def _card_seeds(folder: Path) -> list[bytes]:
    place = folder / "cards"
    place.mkdir()
    return [answer for taken in good_answers(place) for answer in taken.values()]


def _line_seeds() -> list[bytes]:
    from backend.networks.message import encode

    return [CHIP, *(encode(each) for each in good_messages())]
