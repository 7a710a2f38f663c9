"""An engine as an operating system process: folder, socket, signals, ready line, clean stop.

The ready line goes to stdout, words go to the log. SIGTERM and SIGINT stop cleanly; a background
task that fails stops the engine too, with its reason, because a laboratory that goes on without
one of its parts would lie. What kill -9 leaves is taken up by the next start.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from urllib.parse import urlsplit

from backend.assembly.edge import open_networks
from backend.assembly.engine import open_engine
from backend.assembly.files import open_files
from backend.assembly.ground import live_ground
from backend.http.attachments import Attachments
from backend.http.server import Server, listen, url_of
from backend.networks.server import NetworkHosts
from backend.runtime.clock import real_now_us, to_iso
from backend.runtime.errors import BackendError
from backend.settings import Settings
from backend.storage.data_folder import Announcement, DataFolder, HostAddresses
from backend.storage.database import Moment

log = logging.getLogger("taplab.process")


class BackgroundFailed(BackendError):
    """A background task of the engine failed; the log says which and why."""


def run_engine(settings: Settings) -> None:
    """Take the folder and serve until told to stop.

    Raises:
        FolderInUse: another engine has the folder.
        UsageError: a setting that cannot be.
        StorageError: a database that cannot be.
        BackgroundFailed: a part of the engine broke.
    """
    folder = DataFolder(settings.data_dir)
    folder.take()
    try:
        _run(_serve_engine(folder, settings))
    finally:
        folder.give_back()


def run_networks(settings: Settings) -> None:
    """Take the folder and run only the network hosts on it.

    Raises:
        FolderInUse: an engine has the folder.
        UsageError: a setting that cannot be.
        StorageError: a database that cannot be.
    """
    folder = DataFolder(settings.data_dir)
    folder.take()
    try:
        _run(_serve_networks(folder, settings))
    finally:
        folder.give_back()


async def _serve_engine(folder: DataFolder, settings: Settings) -> None:
    stop = _Stop()
    listening = listen(settings.host, settings.port)
    attachments = Attachments(stop.ask if settings.exit_when_idle else None)
    ground = live_ground(folder, settings.seed)
    points = None if settings.kill_at is None else _KillAt(*settings.kill_at)
    engine = await open_engine(folder, settings, ground, attachments, points)
    server = Server(engine.app, listening)
    stop.watch(server.stop)

    def ready() -> None:
        url = url_of(listening)
        folder.announce(Announcement(url, os.getpid(), to_iso(real_now_us())))
        attachments.start()
        _say({"url": url, "pid": os.getpid()})

    try:
        await server.run(ready)
    finally:
        folder.retract()
        await engine.close()
    stop.raise_failure()


async def _serve_networks(folder: DataFolder, settings: Settings) -> None:
    stop = _Stop()
    ground = live_ground(folder, settings.seed)
    files = open_files(folder, settings, ground)
    assert files.networks is not None, "hosts that run apart have their own file"
    hosts = NetworkHosts(await open_networks(files.networks, files.named_keys, settings, ground))
    before = folder.hosts()
    await hosts.start(_ports_of(before) if before else None)
    folder.announce_hosts(HostAddresses(hosts.iso_addresses, hosts.tsp_url))
    stopped = asyncio.Event()
    stop.watch(stopped.set)
    iso = {name: f"{host}:{port}" for name, (host, port) in hosts.iso_addresses.items()}
    _say({"iso": iso, "tsp_url": hosts.tsp_url, "pid": os.getpid()})
    await stopped.wait()
    await hosts.stop()
    await ground.scheduler.cancel_all()
    files.engine.close()
    files.networks.close()
    stop.raise_failure()


def _ports_of(addresses: HostAddresses) -> dict[str, int]:
    """Where the hosts listened last time: engines that know them find them again."""
    ports = {name: port for name, (_, port) in addresses.iso.items()}
    return {**ports, "tsp": urlsplit(addresses.tsp_url).port or 0}


class _KillAt:
    """Ends this process as kill -9 does at one commit: the port that the databases call."""

    def __init__(self, moment: str, number: int) -> None:
        self._moment = moment
        self._left = number
        self._counting = threading.Lock()  # each database commits in a thread of its own

    def reached(self, moment: Moment, store: str) -> None:
        """Count; at the one that was named, die."""
        if moment != self._moment:
            return
        with self._counting:
            self._left -= 1
            if self._left == 0:
                log.warning("killing this process %s a commit of %s, as ordered", moment, store)
                os.kill(os.getpid(), signal.SIGKILL)


class _Stop:
    """Everything that may end the process: signals, idleness, a broken background task."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._stop = _nothing
        self._asked = False
        self._failure: str | None = None
        loop.set_exception_handler(self._background_failed)
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self.ask)
            except NotImplementedError:  # Windows: the interpreter's own handlers have to do
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.ask))

    def watch(self, stop: Callable[[], None]) -> None:
        """Call `stop` when it is time; at once if it is time already."""
        self._stop = stop
        if self._asked:
            stop()

    def ask(self) -> None:
        """It is time."""
        self._asked = True
        self._stop()

    def raise_failure(self) -> None:
        """End with an error if a background task broke."""
        if self._failure is not None:
            raise BackgroundFailed(self._failure)

    def _background_failed(
        self, loop: asyncio.AbstractEventLoop, context: dict[str, object]
    ) -> None:
        error = context.get("exception")
        message = str(context.get("message"))
        log.error("%s", message, exc_info=error if isinstance(error, BaseException) else None)
        if message.startswith("background task"):
            self._failure = f"{message}: {error}"
            loop.call_soon(self.ask)


def _nothing() -> None:
    """There is nothing to stop yet."""


def _run(work: Coroutine[object, object, None]) -> None:
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work)


def _say(body: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(body) + "\n")
    sys.stdout.flush()
