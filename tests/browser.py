"""A headless Chromium driven over its own protocol, for pages that the engine serves.

Speaks just enough of the DevTools protocol: open a page, evaluate an expression, wait for one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

PROGRAM = "chromium"
PATIENCE_S = 20.0
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


@dataclass
class Page:
    """One page in the browser.

    Attributes:
        complaints: what the page wrote to its console as an error, and what it threw.
    """

    socket: ClientConnection
    complaints: list[str] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._numbers)
        sent = {"id": number, "method": method, "params": parameters}
        await self.socket.send(json.dumps(sent))
        while True:
            told = json.loads(await self.socket.recv())
            if told.get("id") == number:
                assert "error" not in told, told
                return dict(told["result"])
            if told.get("method") in {"Runtime.exceptionThrown", "Log.entryAdded"}:
                self.complaints.append(json.dumps(told["params"]))

    async def value(self, expression: str) -> Any:
        """What the expression is in the page."""
        told = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until it is true; the page itself waits, by frames."""
        waiting = (
            f"new Promise((yes) => {{ const look = () => ({expression}) ? yes(true)"
            " : setTimeout(look, 20); look(); })"
        )
        async with asyncio.timeout(PATIENCE_S):
            await self.call(
                "Runtime.evaluate", expression=waiting, awaitPromise=True, returnByValue=True
            )

    async def go_to(self, url: str) -> None:
        """Load a page, its scripts included."""
        await self.call("Page.navigate", url=url)
        loaded = f"document.readyState === 'complete' && location.href === {json.dumps(url)}"
        async with asyncio.timeout(PATIENCE_S):
            while not await self.value(loaded):  # not `until`: its context goes with the old page
                pass

    async def click(self, selector: str) -> None:
        await self.value(f"document.querySelector({json.dumps(selector)}).click()")

    async def text(self, selector: str) -> str:
        return str(await self.value(f"document.querySelector({json.dumps(selector)}).textContent"))


@contextlib.asynccontextmanager
async def browser_page(folder: Path, url: str) -> AsyncIterator[Page]:
    """The page at `url` in a browser of its own, until left."""
    program = shutil.which(PROGRAM)
    if program is None:
        pytest.skip(f"needs {PROGRAM}: apt-get install {PROGRAM}")
    profile = folder / "profile"
    process = await asyncio.create_subprocess_exec(
        program,
        *_OPTIONS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            browser_url = await _address(process)
        async with connect(browser_url, max_size=None) as browser:
            session = Page(browser)
            target = await session.call("Target.createTarget", url="about:blank")
            page_url = browser_url.partition("/devtools/")[0] + (
                f"/devtools/page/{target['targetId']}"
            )
            async with connect(page_url, max_size=None) as socket:
                page = Page(socket)
                await page.call("Runtime.enable")
                await page.call("Log.enable")
                await page.go_to(url)
                yield page
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # its pipe, before the loop ends


async def _address(process: asyncio.subprocess.Process) -> str:
    """Where the browser listens, as it says itself."""
    assert process.stderr is not None
    async for line in process.stderr:
        said = line.decode(errors="replace")
        if "DevTools listening on " in said:
            return said.partition("listening on ")[2].strip()
    raise AssertionError("the browser ended before it listened")
