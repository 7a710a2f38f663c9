"""The engine as an operating system process: found by its folder, or started as the lab's child.

Theory of operation. A data folder has one engine. Whoever comes first starts it as a process of
its own and later comers attach: `engine.json` names its address, and a file left behind by a
killed engine is told from a living one by asking `/healthz`. An engine started here ends itself two
seconds after the last socket of its users closed, so nobody has to know who is the last.
`engine_supervision` watches it and asks for it again.

With `--engine URL` nothing is ever started: a lost engine is only looked for again.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx
import orjson
from filelock import FileLock, Timeout

from backend.api import Scheduler
from lab.client import Endpoint
from lab.engine_supervision import LOOK_AGAIN_S, START_LIMIT_S
from lab.errors import SomethingMissing
from lab.json_fields import as_object, text
from lab.settings import Settings

STOP_LIMIT_S = 10.0
EXIT_MISSING = 3  # something is missing or, as a rule, the folder has an engine already
LAST_WORDS_BYTES = 2_000
_PROJECT_DIR = Path(__file__).resolve().parent.parent


class EngineProcess:
    """Finds or starts the engine of a data folder: an `EngineSource`."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, scheduler: Scheduler) -> None:
        """The engine of `settings.data_dir`, or the one at `settings.engine_url`.

        Args:
            settings: which folder or address, seed and profile.
            http: used for health checks.
            scheduler: a real-time one.
        """
        self._settings = settings
        self._http = http
        self._scheduler = scheduler
        self._child: subprocess.Popen[bytes] | None = None
        self._refused_url = ""

    @property
    def pid(self) -> int | None:
        """The process id of the engine, when it was started here."""
        return None if self._child is None else self._child.pid

    @property
    def advice(self) -> str:
        """What to look at when no engine comes up."""
        return f"see {self._settings.engine_log_file}, or run python -m backend serve"

    def refused(self, endpoint: Endpoint) -> None:
        """What answers there is somebody else's engine: do not offer it again."""
        self._refused_url = endpoint.url

    async def end(self) -> None:
        """End the child now and wait for it, if there is one."""
        if self._child is not None:
            self._child.terminate()
            await self._gone(self._child)

    async def find_or_start(self) -> Endpoint:
        """The engine that runs, or a new child.

        Raises:
            SomethingMissing: there is none at the given address, or none starts.
        """
        if self._settings.engine_url is not None:
            return await self._given(self._settings.engine_url.rstrip("/"))
        found = await self._running()
        if found is not None and self._folder_is_taken():  # a copied folder names another's engine
            return found
        self._reap()
        self._child = self._spawn()
        try:
            async with self._scheduler.deadline(START_LIMIT_S):
                return await self._until_ready(self._child)
        except asyncio.CancelledError:
            # Whoever wanted it has left; on its own it would wait half a minute for somebody.
            self._reap()
            raise

    async def _given(self, url: str) -> Endpoint:
        if not await self._healthy(url):
            raise SomethingMissing(f"no engine at {url}", "start it, or leave --engine out")
        return Endpoint(url, self._token())

    async def _running(self) -> Endpoint | None:
        """The engine that `engine.json` names, if it is alive."""
        url = self._announced_url()
        if url is None or url == self._refused_url or not await self._healthy(url):
            return None
        return Endpoint(url, self._token())

    async def _until_ready(self, child: subprocess.Popen[bytes]) -> Endpoint:
        """`engine.json` appears when the engine is ready; a killed one's names an old process."""
        while True:
            ended = child.poll()
            found = await self._running()
            if found is not None:
                return found
            if ended is not None and not (ended == EXIT_MISSING and self._folder_is_taken()):
                raise SomethingMissing(
                    f"the engine ended with {ended}", self._last_words() or "it said nothing"
                )
            await self._scheduler.sleep(LOOK_AGAIN_S)

    def _folder_is_taken(self) -> bool:
        """Whether an engine holds this folder; ours may have ended for another reason."""
        lock = FileLock(self._settings.data_dir / "engine.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def _last_words(self) -> str:
        """The last line that the child left in its log."""
        lines = self._settings.engine_log_file.read_bytes()[-LAST_WORDS_BYTES:].splitlines()
        return lines[-1].decode(errors="replace").strip() if lines else ""

    async def _healthy(self, url: str) -> bool:
        try:
            return (await self._http.get(url + "/healthz")).is_success
        except httpx.HTTPError:
            return False

    def _announced_url(self) -> str | None:
        try:
            body = as_object(orjson.loads(self._settings.engine_file.read_bytes()), "engine.json")
            return text(body, "url").rstrip("/")
        except (FileNotFoundError, ValueError):
            return None  # none yet, or half written: look again

    def _token(self) -> str:
        try:
            return self._settings.token_file.read_text().strip()
        except OSError as fault:
            raise SomethingMissing(
                f"no engine token in {self._settings.data_dir}",
                "use --data-dir with the folder of the engine named by --engine",
            ) from fault

    # -- the child ----------------------------------------------------------------------------

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = self._settings
        command = [sys.executable, "-m", "backend", "serve", "--exit-when-idle"]
        command += ["--data-dir", str(settings.data_dir), "--profile", settings.profile]
        if settings.seed is not None:
            command += ["--seed", str(settings.seed)]
        path = os.pathsep.join(filter(None, [str(_PROJECT_DIR), os.environ.get("PYTHONPATH", "")]))
        with settings.engine_log_file.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 -- our own interpreter and module, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # a Ctrl+C meant for one command must not end the engine
            )

    def _reap(self) -> None:
        """Collect an engine that ended, or end one that hangs, before another is started."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        self._child = None

    async def _gone(self, child: subprocess.Popen[bytes]) -> None:
        try:
            async with self._scheduler.deadline(STOP_LIMIT_S):
                while child.poll() is None:
                    await self._scheduler.sleep(LOOK_AGAIN_S)
        except TimeoutError:
            child.kill()
            child.wait()
