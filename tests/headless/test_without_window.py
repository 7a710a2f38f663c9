"""Where Qt, pyqtgraph, pyscard and nfcpy are not installed, everything without a window works.

The commands run in processes from which those libraries are hidden, the engine's included, and it
is noted who asks for them: a till on `sim:`, load, faults, clock and decoding ask for none. With
`--full=headless` the same in a real environment that never had them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.headless.machine import ROOT, Machine

WINDOW = ("pyqtgraph", "pyside6", "pyside6-essentials", "shiboken6")
PPSE = "6F1A840E325041592E5359532E4444463031A5088801025F2D02656E"
PLAN = '[[fault]]\nlink = "visa.auth"\neffect = "lost_response"\nwhen = {nth = 1}\n'
SCENARIOS = ROOT / "assets" / "scenarios"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def use_it(machine: Machine) -> None:
    """What a person without a window does: pay, load, break, look."""
    plan = machine.folder / "plan.toml"
    plan.write_text(PLAN)
    with machine.engine():
        paid = machine.told("tap", "--amount", "12.40", "--profile", "instant")
        assert (paid["outcome"], paid["kernel"]) == ("approved", 3)
        assert machine.told("fault", "apply", str(plan))["faults"]
        assert machine.told("fault", "list")["faults"]
        machine.told("fault", "reset")
        machine.told("clock", "show")
        load = machine.told("load", "--rate", "20", "--seconds", "0.5")
        assert load["errors"] == 0
        assert load["approved"] == load["sent"] == 10
    tree = machine.run("decode", "--json", PPSE)
    assert tree.returncode == 0, tree.stderr
    vectors = machine.told("vectors", "tests/data/vectors-sample.json")
    assert vectors["failed"] == 0
    for scenario in sorted(SCENARIOS.glob("*.toml"))[:1]:
        machine.told("scenario", "run", str(scenario))


def test_a_till_pays_and_nobody_asks_for_window_or_driver(machine: Machine) -> None:
    """Over 0.25 s: a dozen processes, engines among them."""
    use_it(machine)
    assert machine.asked_for() == []
    assert machine.processes() >= 9  # the blindfold reached every command and the engine
    verified = machine.told("verify", module="backend")
    assert verified["ok"] is True
    assert machine.asked_for() == []


def test_readers_and_doctor_say_what_is_missing(machine: Machine) -> None:
    """They may look whether it is there; they may not fail without it, nor load a window."""
    listed = machine.told("readers")
    assert "sim:" in {reader["url"] for reader in listed["readers"]}
    looked = machine.run("doctor", "--json")
    assert looked.returncode in {0, 1}, looked.stderr
    assert '"findings"' in looked.stdout or '"checks"' in looked.stdout, looked.stdout
    assert "Traceback" not in looked.stderr
    for reader in ("pcsc:Desk", "pn532:/dev/ttyUSB0", "nfcpy:usb"):
        refused = machine.run("tap", "--amount", "1.00", "--reader", reader)
        assert refused.returncode == 3, refused.stderr
        assert "python3 start.py" in refused.stderr
    window = ("imports PySide6", "imports pyqtgraph", "imports shiboken6")
    assert not [line for line in machine.asked_for() if line.startswith(window)]


def test_the_window_says_how_to_be_installed(machine: Machine) -> None:
    ran = machine.run()
    assert ran.returncode == 3
    assert "start.py" in ran.stderr
    assert any(line.startswith("imports ") for line in machine.asked_for())  # the book is kept


# The real thing --------------------------------------------------------------------------------


@pytest.mark.full("headless")
def test_an_environment_that_never_had_them(tmp_path: Path) -> None:
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)  # noqa: S603 - our own
    python = str(home / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    lock = tmp_path / "headless.txt"
    lock.write_text(without_window((ROOT / "requirements" / "app.txt").read_text()))
    got = subprocess.run(  # noqa: S603 - our own
        [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )
    if got.returncode != 0:
        pytest.skip(f"the locked requirements cannot be installed here: {got.stderr[-300:]}")
    machine = Machine(tmp_path, python=python, blind=False)
    use_it(machine)
    absent = "import importlib.util as u, sys; sys.exit(any(map(u.find_spec, sys.argv[1:])))"
    names = ("PySide6", "pyqtgraph", "smartcard", "nfc")
    assert subprocess.run([python, "-c", absent, *names], check=False).returncode == 0  # noqa: S603 - our own


def without_window(lock: str) -> str:
    """A lock without the window's entries; an entry ends where the next one begins."""
    kept, dropping = [], False
    for line in lock.splitlines():
        if line and not line[0].isspace():
            dropping = line.partition("==")[0].strip().lower() in WINDOW
        if not dropping:
            kept.append(line)
    return "\n".join(kept) + "\n"


def test_the_lock_without_the_window_has_everything_else() -> None:
    lock = (ROOT / "requirements" / "app.txt").read_text()
    left = without_window(lock)
    entries = {line.partition("==")[0] for line in lock.splitlines() if "==" in line}
    assert entries - {line.partition("==")[0] for line in left.splitlines() if "==" in line} == set(
        WINDOW
    ) - {"pyside6"}
