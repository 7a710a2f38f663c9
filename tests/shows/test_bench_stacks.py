"""`tap-lab bench` over real stacks: pcscd with a virtual reader, nfcpy with two virtual boards.

Not a timed test: it shows that every stack is measured. Over 0.25 s: a process, an engine, taps.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hardware.nfc.conftest import REASON
from tests.pcsc_stack import PcscStack
from tests.pn532_bench import Bench
from tests.shows.laboratory import tap_lab


def test_every_stack_gives_its_figures(pcsc_stack: PcscStack, tmp_path: Path) -> None:
    if REASON:
        pytest.skip(REASON)
    boards = Bench(2)
    try:
        host, port = pcsc_stack.vpcd_address()
        done = tap_lab(
            "bench", "--json", "--rounds", "1", "--taps", "2", "--payments", "4",
            "--vpcd", f"{host}:{port}",
            "--boards", f"pn532:{boards.path(0)}", f"pn532:{boards.path(1)}",
            data_dir=tmp_path,
        )  # fmt: skip
    finally:
        boards.close()
    assert done.returncode == 0, done.stderr
    figures = {each["name"]: each for each in json.loads(done.stdout)["figures"]}
    assert [name for name, each in figures.items() if each.get("missing")] == []
    for stack in ("in_process", "pcsc", "pn532"):
        assert figures[f"tap_{stack}_ms"]["median"] > 0
        assert figures[f"tap_{stack}_over_bare"]["median"] > 0
    assert figures["tear_outs_wrong"]["median"] == 0
