"""The way to receivers: one POST, and every end of it a value; nothing is retried here.

Knows no endpoint and no schedule.
"""

from __future__ import annotations

import httpx

from backend.runtime.scheduler import Scheduler
from backend.webhooks.connections import CONTENT_KEPT, AddressRefused
from backend.webhooks.ports import Request
from backend.webhooks.records import Answer, NoAnswer


class HttpWay:
    """Posts with an httpx transport."""

    def __init__(self, transport: httpx.AsyncBaseTransport, scheduler: Scheduler) -> None:
        self._transport = transport
        self._scheduler = scheduler

    async def post(self, request: Request) -> Answer | NoAnswer:
        """Send it once; the status and the first bytes, or why there was no answer."""
        try:
            async with self._scheduler.deadline(request.limit_s):
                response = await self._transport.handle_async_request(_sent(request))
                return Answer(response.status_code, (await response.aread())[:CONTENT_KEPT])
        except (TimeoutError, httpx.TimeoutException):
            return NoAnswer("timed_out")
        except AddressRefused:
            return NoAnswer("address_refused")
        except httpx.ConnectError:
            return NoAnswer("not_connected")
        except httpx.HTTPError:
            return NoAnswer("connection_lost")

    async def close(self) -> None:
        """Close what is open."""
        await self._transport.aclose()


def _sent(request: Request) -> httpx.Request:
    return httpx.Request(
        "POST",
        request.url,
        content=request.body,
        headers=request.headers,
        extensions={"timeout": {"read": request.limit_s}},
    )
