"""kill -9 of a till in the middle of its upload: every tap it took offline is paid exactly once.

Over 0.25 s: two laboratories start, and one is killed.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.lab.core.running import start

ROOT = Path(__file__).resolve().parents[2]
AMOUNTS = (1101, 1102, 1103)
TILL = """
import sys
from pathlib import Path
from lab.pos.offline_rules import OfflineMode
from tests.lab.core.running import start

lab = start(Path(sys.argv[1]))
world = lab.world
lab.run(world.wallet.start_with_demo_cards())
lab.call(lambda: world.pos.offline.choose(OfflineMode.NOW))
for amount in {amounts}:
    sale = lab.run(world.hands.tap(amount, "USD"))
    print(sale.phase.value, flush=True)
lab.call(lambda: world.pos.offline.choose(OfflineMode.NEVER))
lab.until(lambda: len(world.pos.offline.stored) <= {left})
print("now", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("left", [3, 1])
def test_a_till_that_is_killed_uploads_each_tap_exactly_once(left: int, tmp_path: Path) -> None:
    program = TILL.format(amounts=AMOUNTS, left=left)
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "TAPLAB_KEY_HOME": "file"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as till:
        assert till.stdout is not None
        said = [till.stdout.readline().strip() for _ in range(len(AMOUNTS) + 1)]
        till.send_signal(signal.SIGKILL)
    assert said == ["stored"] * len(AMOUNTS) + ["now"]
    again = start(tmp_path)
    try:
        desk = again.world.pos.offline
        again.until(lambda: not desk.stored)
        assert desk.state().uploaded == len(AMOUNTS)
    finally:
        again.stop()
    with closing(sqlite3.connect(tmp_path / "networks.db")) as networks:
        rows = networks.execute(
            "SELECT amount_minor, response_code FROM host_authorizations"
            " WHERE amount_minor BETWEEN 1101 AND 1103 ORDER BY amount_minor"
        ).fetchall()
    assert rows == [(amount, "00") for amount in AMOUNTS]
    with closing(sqlite3.connect(tmp_path / "engine.db")) as engine:
        paid = engine.execute("SELECT count(*) FROM payments WHERE state = 'approved'").fetchone()
    assert paid == (len(AMOUNTS),)
