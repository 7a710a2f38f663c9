"""Engines that start in a tenth of a second: a process that has imported everything forks them.

Most of an engine's start is Python's imports, and a test that kills engines a thousand times cannot
wait for those. The forking process has one thread and no event loop, so its children begin clean.
Run as a program it takes lines of JSON on stdin, `{"data_dir": …, "kill_at": …}`, answers each with
`{"pid": …}`, and ends its children when stdin closes.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
READY_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class LiveEngine:
    """A process, and how to reach it."""

    pid: int
    url: str
    token: str

    def client(self) -> httpx.AsyncClient:
        """An HTTP client with its token."""
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token}"},
            trust_env=False,
            timeout=20,
        )


class EngineForks:
    """The forking process, from outside."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.simulation.engine_forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def start(self, folder: Path, kill_at: str = "") -> LiveEngine | None:
        """An engine on that folder that answers; None when it died before it did."""
        (folder / "engine.json").unlink(missing_ok=True)
        told = self._ask({"data_dir": str(folder), "kill_at": kill_at})
        if "url" not in told:
            return None
        token = (folder / "engine.token").read_text().strip()
        return LiveEngine(int(str(told["pid"])), str(told["url"]), token)

    def kill(self, engine: LiveEngine) -> None:
        """Kill -9, and wait until it is gone; it may be gone already."""
        self._ask({"kill": engine.pid})

    def is_alive(self, engine: LiveEngine) -> bool:
        """Whether it has not died."""
        return bool(self._ask({"alive": engine.pid})["alive"])

    def close(self) -> None:
        """End everything."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(READY_LIMIT_S)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _ask(self, order: dict[str, object]) -> dict[str, object]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        return dict(json.loads(self._process.stdout.readline()))


def main() -> None:
    """Fork on demand."""
    from backend import process  # noqa: F401 - what an engine needs, before the first fork

    children: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "kill" in order:
            answer: dict[str, object] = {"killed": _end(order["kill"], children)}
        elif "alive" in order:
            answer = {"alive": _is_alive(order["alive"], children)}
        else:
            answer = _fork(order, children)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in tuple(children):
        _end(pid, children)


def _fork(order: dict[str, str], children: set[int]) -> dict[str, object]:
    """The ready line of a new child, or nothing when it died before that."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_an_engine(order, writing)
    os.close(writing)
    children.add(pid)
    said = b""
    while not said.endswith(b"\n"):
        if not select.select([reading], [], [], READY_LIMIT_S)[0]:
            _end(pid, children)
            break
        part = os.read(reading, 4_096)
        if not part:
            break
        said += part
    os.close(reading)
    return dict(json.loads(said)) if said.endswith(b"\n") else {}


def _be_an_engine(order: dict[str, str], writing: int) -> None:
    from backend import api

    os.setsid()
    with (Path(order["data_dir"]) / "engine.log").open("ab") as log:
        os.dup2(log.fileno(), 2)
    os.dup2(writing, 1)
    os.close(writing)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    environment = {"TAPLAB_KEY_HOME": "file", "TAPLAB_KILL_AT": order["kill_at"]}
    settings = api.settings_from(
        environment, data_dir=Path(order["data_dir"]), seed=1, profile="instant"
    )
    try:
        api.serve(settings)
    finally:
        os._exit(0)


def _is_alive(pid: int, children: set[int]) -> bool:
    if pid in children and os.waitpid(pid, os.WNOHANG) != (0, 0):
        children.discard(pid)
    return pid in children


def _end(pid: int, children: set[int]) -> bool:
    if not _is_alive(pid, children):
        return False
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    children.discard(pid)
    return True


if __name__ == "__main__":
    main()
