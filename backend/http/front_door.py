"""The first thing a request meets: size limit, the local token, the short way to the hot route.

Plain ASGI, because it stands before everything. `/lab` in its whole (unknown paths too) opens only
to the engine's local token, compared in constant time; a body beyond 64 KiB is refused before it
is read, and one that grows beyond it while being read is cut off.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.http.answers import problem
from backend.http.request_counts import RequestCounts

BODY_BYTES_MAX = 64 * 1024
MERCHANT_PATHS = frozenset({"v1", "payments", "tokens", "refunds", "payment_links"})
_POLICY_VIOLATION = 1008
_TOO_LARGE = f"a body has at most {BODY_BYTES_MAX} bytes"

HotRoute = Callable[[Scope, Receive, Send], Awaitable[None]]


class LocalToken:
    """The secret in `engine.token`."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()

    def matches(self, offered: str | None) -> bool:
        """Whether that is the token."""
        return offered is not None and hmac.compare_digest(offered.encode(), self._text)

    def opens(self, scope: Scope) -> bool:
        """Whether the request shows it: as Bearer, or (WebSocket only) in the query."""
        if self.matches(bearer(scope)):
            return True
        if scope["type"] != "websocket":
            return False
        offered = parse_qs(scope["query_string"].decode("latin-1")).get("token", [None])[0]
        return self.matches(offered)


class FrontDoor:
    """Routes to the hot payment route, to the merchants' wire or to the app.

    Guards all but the wire, which has limits and keys of its own; counts every answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: LocalToken,
        hot: dict[str, HotRoute],
        wire: ASGIApp,
        counts: RequestCounts,
    ) -> None:
        self._app = app
        self._token = token
        self._hot = hot
        self._wire = wire
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it in."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        if scope["type"] == "http":
            send = self._counts.counting(scope, send)
        path: str = scope["path"]
        if (path == "/lab" or path.startswith("/lab/")) and not self._token.opens(scope):
            await _refuse(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        if path.split("/")[1] in MERCHANT_PATHS:
            await self._wire(scope, receive, send)
            return
        declared = _header(scope, b"content-length")
        if declared is not None and (not declared.isdigit() or int(declared) > BODY_BYTES_MAX):
            await _too_large(scope, receive, send)
            return
        limited = receive if declared is not None else _limited(receive)
        hot = self._hot.get(path) if scope["method"] == "POST" else None
        await (hot or self._app)(scope, limited, send)


class BodyTooLarge(HTTPException):
    """A body without a declared length grew beyond the limit; the routes make it a problem."""

    def __init__(self) -> None:
        super().__init__(413, _TOO_LARGE)


def bearer(scope: Scope) -> str | None:
    """The Bearer credential of a request (RFC 6750), if it has one."""
    value = _header(scope, b"authorization")
    if value is None:
        return None
    scheme, _, credential = value.partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else None


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


def _limited(receive: Receive) -> Receive:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > BODY_BYTES_MAX:
                raise BodyTooLarge
        return message

    return limited


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    answer = problem(
        401,
        "local_token_required",
        "send the text of engine.token as Authorization: Bearer",
        headers={"WWW-Authenticate": "Bearer"},
    )
    await answer(scope, receive, send)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    answer = problem(413, "body_too_large", _TOO_LARGE)
    await answer(scope, receive, send)
