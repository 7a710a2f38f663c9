"""Set up Tap Lab and start it: the only command a newcomer needs.

    python3 start.py                     open the window
    python3 start.py test [pytest args]  run every check (lint, types, directions, tests)
    python3 start.py test --inventory    which requirements a test shows (--json; letters of groups)
    python3 start.py -- tap --amount 12.40 --currency USD
                                         pass a command on to tap-lab

Makes `.venv` beside this file, installs the locked requirements with their hashes, and on Debian
the system libraries (for `test` also the smart card service) when it may (root, or sudo without a
password); otherwise it prints the exact line. Card-reader drivers are a part of their own: a
missing compiler stops only them. Standard library only, Linux, macOS and Windows; knows nothing of
the program that it starts.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "tap-lab.stamp"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
OLDEST, NEWEST = (3, 11), (3, 13)

# What Qt loads at run time, by the library that must be found → the Debian package that brings it.
WINDOW_LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
DRIVER_PACKAGES = ("gcc", "libpcsclite-dev", "python3-dev")
# What tests run beside the program: a private smart card service and programs that read cards.
TEST_PROGRAMS = {
    "pcscd": "pcscd",
    "opensc-tool": "opensc",
    "nfc-list": "libnfc-bin",
    "tshark": "tshark",
    "ip": "iproute2",
    "unshare": "util-linux",
    "mount": "mount",
    "node": "nodejs",
    "npm": "npm",
    "chromium": "chromium",
    "redis-server": "redis-server",
    "softhsm2-util": "softhsm2",
    "hledger": "hledger",
}
VIRTUAL_READER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")

INVENTORY = "--inventory"

CHECKS = (
    ("lint", ("-m", "ruff", "check", "--quiet", ".")),
    ("format", ("-m", "ruff", "format", "--quiet", "--check", ".")),
    ("types", ("-m", "mypy")),
    ("directions", ("-c", "from importlinter.cli import lint_imports_command as c; c()")),
)


def main(arguments: list[str]) -> int:
    """Set up what is missing, then start what was asked for."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    testing = arguments[:1] == ["test"]
    if arguments[:1] == ["--"]:
        arguments = arguments[1:]
    elif arguments and not testing:
        print(f"start.py does not know {arguments[0]!r}; tap-lab's own commands follow '--'.")
        print(__doc__)
        return 2
    set_up(testing=testing)
    if testing and INVENTORY in arguments:
        asked = [argument for argument in arguments[1:] if argument != INVENTORY]
        command = [str(PYTHON), "-m", "tests.inventory", *asked]
        return subprocess.call(command, cwd=ROOT, env=environment())
    if testing:
        install_test_programs()
        return run_tests(arguments[1:])
    return subprocess.call([str(PYTHON), "-m", "lab", *arguments], env=environment())


def run_tests(arguments: list[str]) -> int:
    """Every check, all of them even after one failed; pytest last."""
    failed = []
    for name, command in CHECKS:
        say(f"checking {name}")
        if subprocess.call([str(PYTHON), *command], cwd=ROOT, env=environment()) != 0:
            failed.append(name)
    status = subprocess.call([str(PYTHON), "-m", "pytest", *arguments], cwd=ROOT, env=environment())
    if failed:
        say(f"FAILED before the tests: {', '.join(failed)}")
    return status or (1 if failed else 0)


def set_up(*, testing: bool) -> None:
    """Bring `.venv` and the system libraries to what the lock files say."""
    wanted = fingerprint(testing=testing)
    if PYTHON.exists() and STAMP.exists() and wanted in STAMP.read_text().split():
        return
    say("setting up (once, a minute or two)")
    make_venv()
    lock = "test" if testing else "app"
    pip("install", "--require-hashes", "-r", f"requirements/{lock}.txt")
    pip("install", "--no-deps", "--no-build-isolation", "-e", ".")
    install_window_libraries()
    install_drivers()
    # The test lock holds everything of the app's: one set-up serves both.
    done = [wanted] if not testing else [wanted, fingerprint(testing=False)]
    STAMP.write_text("\n".join(done) + "\n")


def fingerprint(*, testing: bool) -> str:
    """What the present set-up would be made from."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {testing} {ROOT}".encode())
    names = ["app", "drivers"] + (["test"] if testing else [])
    for path in [ROOT / "pyproject.toml"] + [ROOT / f"requirements/{n}.txt" for n in names]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make_venv() -> None:
    """Create `.venv`, after looking for the package that Debian splits off."""
    if PYTHON.exists() and subprocess.call([str(PYTHON), "-m", "pip", "--version"], **QUIET) == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    command = [suitable_python(), "-m", "venv", str(VENV)]
    if subprocess.call(command, **QUIET) == 0:
        return
    apt_install(["python3-venv"], why="Python cannot make a virtual environment")
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.call(command) != 0:
        stop("could not make .venv; on Debian: sudo apt-get install -y python3-venv")


def suitable_python() -> str:
    """This interpreter, or another on the path that is neither too old nor too new."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        if found := shutil.which(f"python3.{minor}"):
            return found
    return stop(f"Tap Lab needs Python 3.11, 3.12 or 3.13; this is {sys.version.split()[0]}")


def install_window_libraries() -> None:
    """The shared libraries that Qt loads on Linux."""
    if not sys.platform.startswith("linux"):
        return
    missing = [package for library, package in WINDOW_LIBRARIES.items() if not loads(library)]
    if missing:
        apt_install(missing, why="the window needs system libraries")
        if still := [p for lib, p in WINDOW_LIBRARIES.items() if not loads(lib)]:
            say(f"the window may not open: missing {', '.join(still)}")


def install_drivers() -> None:
    """Install pyscard and nfcpy from a lock of their own: failing here costs only real readers."""
    install = ("install", "--quiet", "--require-hashes", "-r", "requirements/drivers.txt")
    if pip(*install, check=False):
        return
    if sys.platform.startswith("linux"):
        apt_install(list(DRIVER_PACKAGES), why="card-reader drivers are compiled here")
        if pip(*install, check=False):
            return
    say("card-reader drivers were NOT installed: emulated readers work, real ones do not")


def install_test_programs() -> None:
    """Other people's programs that tests talk to; a test whose program is missing says so."""
    if not sys.platform.startswith("linux"):
        return
    where = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = {p for name, p in TEST_PROGRAMS.items() if shutil.which(name, path=where) is None}
    if not VIRTUAL_READER.exists():
        missing.add("vsmartcard-vpcd")
    if missing:
        apt_install(sorted(missing), why="tests run other people's programs")


def apt_install(packages: list[str], *, why: str) -> None:
    """Install Debian packages if this user may, else say the line to type."""
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    prefix = apt_prefix()
    if prefix is None:
        say(f"{why}; please run:  sudo {line}")
        return
    say(f"{why}: installing {' '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.call([*prefix, "apt-get", "-qq", "update"], env=env)
    if subprocess.call([*prefix, *line.split(), "-qq"], env=env, stdout=subprocess.DEVNULL) != 0:
        say(f"that did not work; please run:  sudo {line}")


def apt_prefix() -> list[str] | None:
    """How this user may call apt-get: as root, through a sudo that does not ask, or not."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:  # type: ignore[attr-defined,unused-ignore]
        return []
    if shutil.which("sudo") and subprocess.call(["sudo", "-n", "true"], **QUIET) == 0:
        return ["sudo", "-n"]
    return None


def loads(library: str) -> bool:
    """Whether the system finds a shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def pip(*arguments: str, check: bool = True) -> bool:
    """Run pip of `.venv`; whether it worked."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments]
    if "--quiet" not in arguments:
        command.append("--quiet")
    worked = subprocess.call(command, cwd=ROOT, **({} if check else QUIET)) == 0
    if check and not worked:
        stop("the installation failed; the message above says why")
    return worked


def environment() -> dict[str, str]:
    """The environment of what is started: the checkout is importable from anywhere."""
    paths = [str(ROOT)] + ([p] if (p := os.environ.get("PYTHONPATH")) else [])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(f"tap-lab: {text}", file=sys.stderr, flush=True)


def stop(text: str) -> str:
    """Say why it cannot go on, and end."""
    say(text)
    raise SystemExit(3)


QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
