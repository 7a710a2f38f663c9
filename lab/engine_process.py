"""The engine as the lab's child: found or started, watched, started again when it dies.

Theory of operation. A data folder has one engine. Whoever comes first starts it as a process of
its own and later comers attach: `engine.json` names its address, and a file left behind by a
killed engine is told from a living one by asking `/healthz`. While a command or window uses the
engine it holds `WS /lab/attach` open; an engine started here ends itself two seconds after the
last of these closed, so nobody has to know who is the last. The same socket is the watch: when it
breaks, the engine is down, and it is started again after 0.2 s, 0.4 s … 5 s.

With `--engine URL` nothing is ever started: a lost engine is only looked for again. All waiting
here is real time: an engine must come back while a trainer has paused the lab clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
from filelock import FileLock, Timeout
from websockets.exceptions import InvalidStatus, WebSocketException

from backend.api import Scheduler
from lab.client import Endpoint
from lab.engine_stream import open_socket
from lab.errors import SomethingMissing
from lab.json_fields import as_object, text
from lab.settings import Settings

START_LIMIT_S = 30.0
LOOK_AGAIN_S = 0.05
BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
STARTS_FAILED_MAX = 3
STOP_LIMIT_S = 10.0
EXIT_MISSING = 3  # something is missing or, as a rule, the folder has an engine already
LAST_WORDS_BYTES = 2_000
_PROJECT_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """How the engine is: "starting", "up", "down", "restarting" or "stopped", and why."""

    state: str
    detail: str = ""


class EngineProcess:
    """Finds or starts the engine of a data folder and keeps it running."""

    def __init__(
        self,
        settings: Settings,
        http: httpx.AsyncClient,
        scheduler: Scheduler,
        on_status: Callable[[EngineStatus], None],
    ) -> None:
        """Watch over the engine of `settings.data_dir`, or over the one of `settings.engine_url`.

        Args:
            settings: which folder or address, seed and profile.
            http: used for health checks.
            scheduler: a real-time one.
            on_status: told each change, in the event loop's thread.
        """
        self._settings = settings
        self._http = http
        self._scheduler = scheduler
        self._on_status = on_status
        self._child: subprocess.Popen[bytes] | None = None
        self._endpoint: Endpoint | None = None
        self._watch: asyncio.Task[object] | None = None
        self._refused_url = ""
        self._starts_failed = 0
        self.status = EngineStatus("starting")

    @property
    def endpoint(self) -> Endpoint | None:
        """Where the engine answers now; None while it is down."""
        return self._endpoint

    @property
    def child_pid(self) -> int | None:
        """The process id of the engine, when it was started here."""
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Begin to supervise; returns at once. See `ready`."""
        self._starts_failed = 0
        self._tell("starting")
        self._watch = self._scheduler.spawn(self._supervise(), "engine supervision")

    async def ready(self, limit_s: float = START_LIMIT_S) -> Endpoint:
        """Wait until the engine is up.

        Raises:
            SomethingMissing: it did not come up in time.
        """
        try:
            async with self._scheduler.deadline(limit_s):
                while self._endpoint is None and self._starts_failed < STARTS_FAILED_MAX:
                    await self._scheduler.sleep(LOOK_AGAIN_S)
        except TimeoutError as late:
            raise SomethingMissing(
                f"no engine after {limit_s:g} s ({self.status.detail or 'no answer'})",
                f"see {self._settings.engine_log_file}, or run python -m backend serve",
            ) from late
        if self._endpoint is None:
            raise SomethingMissing(
                f"the engine does not start ({self.status.detail})",
                f"see {self._settings.engine_log_file}, or run python -m backend serve",
            )
        return self._endpoint

    async def stop(self, *, wait: bool = False) -> None:
        """Let go of the engine; it ends itself when nobody else uses it.

        Args:
            wait: end the child now and wait for it, when it was started here.
        """
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        self._lost()
        if self._child is not None and wait:
            self._child.terminate()
            await self._gone(self._child)
        self._tell("stopped")

    async def restart(self) -> None:
        """End the engine and bring it up again (after its stores were replaced)."""
        await self.stop(wait=True)
        await self.start()

    # -- supervision --------------------------------------------------------------------------

    async def _supervise(self) -> None:
        pause_s = BACKOFF_FIRST_S
        while True:
            try:
                endpoint = await self._find_or_start()
                async with await open_socket(endpoint, "/lab/attach") as attached:
                    self._endpoint = endpoint
                    self._tell("up", endpoint.url)
                    pause_s, self._starts_failed = BACKOFF_FIRST_S, 0
                    with contextlib.suppress(WebSocketException):
                        async for _ in attached:  # the engine says nothing here: it only stays
                            continue
                reason = "the engine's connection broke"
            except InvalidStatus as refusal:
                # Somebody else's engine got the port that our dead one had written down.
                self._refused_url = endpoint.url
                reason = f"{endpoint.url} refused the token of this folder ({refusal})"
            except (OSError, WebSocketException, SomethingMissing) as fault:
                reason = str(fault) or type(fault).__name__
            self._starts_failed += 1
            self._lost()
            self._tell("down", reason)
            await self._scheduler.sleep(pause_s)
            pause_s = min(pause_s * 2, BACKOFF_MAX_S)
            self._tell("restarting", reason)

    async def _find_or_start(self) -> Endpoint:
        if self._settings.engine_url is not None:
            return await self._given(self._settings.engine_url.rstrip("/"))
        found = await self._running()
        if found is not None and self._folder_is_taken():  # a copied folder names another's engine
            return found
        self._reap()
        self._child = self._spawn()
        async with self._scheduler.deadline(START_LIMIT_S):
            return await self._until_ready(self._child)

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

    def _lost(self) -> None:
        self._endpoint = None

    def _tell(self, state: str, detail: str = "") -> None:
        self.status = EngineStatus(state, detail)
        self._on_status(self.status)
