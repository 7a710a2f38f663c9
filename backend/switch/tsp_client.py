"""The engine's way to the networks' token services: HTTP to other companies' machines.

One client for all networks. Refusals are values; a service that cannot be reached or answers
nonsense is a fault. Knows nothing of wallets or storage.
"""

from __future__ import annotations

from dataclasses import asdict, fields

import httpx
import orjson

from backend.networks.tsp_terms import TokenGrant, TokenRefused, TokenRequest
from backend.runtime.errors import LinkBroken, MessageError, NotConnected, NotFound, TransportError

__all__ = ["TokenGrant", "TokenRefused", "TokenRequest", "TspClient"]
OK, REFUSED, MISSING = 200, 422, 404


class TspClient:
    """Asks networks for keys and tokens."""

    def __init__(self, base_url: str, http: httpx.AsyncClient) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = http

    async def public_key(self, network: str) -> dict[str, str]:
        """The JWK that seals card numbers for a network.

        Raises:
            TransportError: the service cannot be reached.
            MessageError: it answered something else.
            NotFound: it knows no such network.
        """
        status, body = await self._call("GET", f"/{network}/tsp/key")
        _expect(status, body, OK)
        return {key: str(value) for key, value in body.items()}

    async def request_token(self, network: str, request: TokenRequest) -> TokenGrant | TokenRefused:
        """Ask for a token; asking again with the same card and device gets the same one.

        Raises:
            TransportError: the service cannot be reached, or did not answer.
            MessageError: it answered something else.
        """
        status, body = await self._call("POST", f"/{network}/tsp/tokens", asdict(request))
        if status == REFUSED:
            return TokenRefused(_text(body, "code"), _text(body, "detail"))
        _expect(status, body, OK)
        return TokenGrant(**{field.name: _text(body, field.name) for field in fields(TokenGrant)})

    async def suspend_token(self, network: str, token_ref: str) -> str:
        """Suspend a token at its network; its status afterwards. Errors as `public_key`."""
        return await self._operate(network, token_ref, "suspend")

    async def resume_token(self, network: str, token_ref: str) -> str:
        """Let a suspended token pay again; its status afterwards. Errors as `public_key`."""
        return await self._operate(network, token_ref, "resume")

    async def delete_token(self, network: str, token_ref: str) -> str:
        """Deactivate a token for good; its status afterwards. Errors as `public_key`."""
        return await self._operate(network, token_ref, "delete")

    async def _operate(self, network: str, token_ref: str, operation: str) -> str:
        path = f"/{network}/tsp/tokens/{token_ref}/{operation}"
        status, body = await self._call("POST", path)
        _expect(status, body, OK)
        return _text(body, "status")

    async def _call(
        self, method: str, path: str, body: dict[str, object] | None = None
    ) -> tuple[int, dict[str, object]]:
        content = None if body is None else orjson.dumps(body)
        try:
            answer = await self._http.request(method, self._base_url + path, content=content)
        except httpx.ConnectError as error:
            raise NotConnected("the token service cannot be reached") from error
        except httpx.TransportError as error:
            raise LinkBroken("the token service did not answer") from error
        try:
            values = orjson.loads(answer.content)
        except orjson.JSONDecodeError as error:
            raise MessageError("the token service answered no JSON") from error
        if not isinstance(values, dict):
            raise MessageError("the token service answered no object")
        return answer.status_code, values


def _expect(status: int, body: dict[str, object], wanted: int) -> None:
    if status == MISSING:
        raise NotFound(_text(body, "code"), _text(body, "detail"))
    if status != wanted:
        raise TransportError(f"the token service answered with status {status}")


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise MessageError(f"the token service left out {name}")
    return value
