"""The engine's way to the networks' token services: HTTP to other companies' machines.

One client for all networks. Refusals are values; a service that cannot be reached or answers
nonsense is a fault. Knows nothing of wallets or storage.
"""

from __future__ import annotations

from dataclasses import asdict, fields

import httpx
import orjson

from backend.networks.tsp_terms import (
    CardOffer,
    DesignOffer,
    Notice,
    StepUpMethod,
    TokenEvent,
    TokenGrant,
    TokenRefused,
    TokenRequest,
    TokenState,
    Verification,
    Verified,
)
from backend.runtime.errors import (
    BadRequest,
    Conflict,
    LinkBroken,
    MessageError,
    NotConnected,
    NotFound,
    TransportError,
)

__all__ = ["TokenGrant", "TokenRefused", "TokenRequest", "TspClient"]
OK, BAD, REFUSED, MISSING, CONFLICT = 200, 400, 422, 404, 409
_OFFER_TEXTS = tuple(field.name for field in fields(CardOffer) if field.name != "designs")
_GRANT_TEXTS = tuple(field.name for field in fields(TokenGrant) if field.name != "methods")


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
        status, body = await self.call("GET", f"/{network}/tsp/key")
        _expect(status, body, OK)
        return {key: str(value) for key, value in body.items()}

    async def authority(self, network: str, *, make: bool) -> dict[str, str] | None:
        """The public key of a network's certification authority; None where there is none.

        Args:
            network: whose.
            make: have it made if it is not there yet.

        Raises:
            TransportError: the service cannot be reached.
            MessageError: it answered something else.
        """
        method = "POST" if make else "GET"
        status, body = await self.call(method, f"/{network}/tsp/authority")
        if status == MISSING:
            return None
        _expect(status, body, OK)
        return {key: str(value) for key, value in body.items()}

    async def request_token(self, network: str, request: TokenRequest) -> TokenGrant | TokenRefused:
        """Ask for a token; asking again with the same card and device gets the same one.

        Raises:
            TransportError: the service cannot be reached, or did not answer.
            MessageError: it answered something else.
        """
        status, body = await self.call("POST", f"/{network}/tsp/tokens", asdict(request))
        if status == REFUSED:
            return TokenRefused(text_of(body, "code"), text_of(body, "detail"))
        _expect(status, body, OK)
        return _grant(body)

    async def offer(self, network: str, sealed_pan: str) -> CardOffer | TokenRefused:
        """What a sealed card is: product, designs, terms. Errors as `request_token`."""
        body: dict[str, object] = {"sealed_pan": sealed_pan}
        status, answer = await self.call("POST", f"/{network}/tsp/offers", body)
        if status == REFUSED:
            return TokenRefused(text_of(answer, "code"), text_of(answer, "detail"))
        _expect(status, answer, OK)
        texts = {name: text_of(answer, name) for name in _OFFER_TEXTS}
        try:
            designs = tuple(DesignOffer(**each) for each in _objects(answer, "designs"))  # type: ignore[arg-type]  # by name
        except TypeError as error:
            raise MessageError("a design of the token service is none") from error
        return CardOffer(**texts, designs=designs)

    async def verification(self, network: str, token_ref: str) -> Verification:
        """How a token's verification stands. Errors as `public_key`."""
        return await self._verify("GET", network, token_ref, "verification")

    async def send_code(
        self, network: str, token_ref: str, method: str, request_id: str
    ) -> Verification:
        """Have the bank send a code; repeated under one name it sends one. As `public_key`."""
        wanted: dict[str, object] = {"method": method, "request_id": request_id}
        return await self._verify("POST", network, token_ref, "code", wanted)

    async def check_code(
        self, network: str, token_ref: str, method: str, code: str, request_id: str
    ) -> Verification:
        """Have a code checked; repeated under one name it costs one try. As `public_key`."""
        typed: dict[str, object] = {"method": method, "code": code, "request_id": request_id}
        return await self._verify("POST", network, token_ref, "verification", typed)

    async def notices(self, after_id: int) -> list[Notice]:
        """What the banks sent to cardholders after that notice. Errors as `public_key`."""
        status, body = await self.call("GET", f"/notices?after={after_id}")
        _expect(status, body, OK)
        try:
            return [Notice(**each) for each in _objects(body, "notices")]  # type: ignore[arg-type]  # by name
        except TypeError as error:
            raise MessageError("a notice of the token services is none") from error

    async def _verify(
        self,
        method: str,
        network: str,
        token_ref: str,
        what: str,
        body: dict[str, object] | None = None,
    ) -> Verification:
        path = f"/{network}/tsp/tokens/{token_ref}/{what}"
        status, answer = await self.call(method, path, body)
        _expect(status, answer, OK)
        try:
            outcome = Verified(text_of(answer, "outcome"))
        except ValueError as error:
            raise MessageError("the token service named an outcome that is none") from error
        return Verification(
            outcome,
            _methods(answer),
            text_of(answer, "session_id"),
            text_of(answer, "device_payload"),
        )

    async def change_token(
        self, network: str, token_ref: str, operation: str, *, by: str, reason: str
    ) -> TokenState:
        """Suspend, resume, delete, or replace the card behind a token; its state afterwards.

        Args:
            network: whose token.
            token_ref: which one; what came in its place is meant when it was replaced.
            operation: "suspend", "resume", "delete" or "replace-card".
            by: ISSUER, TOKEN_REQUESTOR, CARDHOLDER or MOBILE_PIN_LOCKED.
            reason: LOST, STOLEN, FOUND, OTHER …: what the operation takes.

        Raises:
            TransportError: the service cannot be reached, or did not answer.
            MessageError: it answered something else.
            NotFound: it knows no such token, or the token's state does not allow this.
            BadRequest: it does not take these words.
        """
        path = f"/{network}/tsp/tokens/{token_ref}/{operation}"
        status, body = await self.call("POST", path, {"by": by, "reason": reason})
        expect_done(status, body)
        return _state(body)

    async def token(self, network: str, token_ref: str) -> TokenState:
        """A token as its network sees it. Errors as `public_key`."""
        status, body = await self.call("GET", f"/{network}/tsp/tokens/{token_ref}")
        _expect(status, body, OK)
        return _state(body)

    async def token_events(self, network: str, after_id: int) -> list[TokenEvent]:
        """What happened to a network's tokens after that event. Errors as `public_key`."""
        status, body = await self.call("GET", f"/{network}/tsp/events?after={after_id}")
        _expect(status, body, OK)
        return [_event(each) for each in _objects(body, "events")]

    async def refresh_token(self, network: str, token_ref: str) -> TokenGrant:
        """A new token in the place of this one; asked for again, the same one.

        Raises:
            TransportError: the service cannot be reached, or did not answer.
            MessageError: it answered something else.
            NotFound: it knows no such token, or the token's state does not allow this.
            BadRequest: the token cannot be refreshed (409).
        """
        status, body = await self.call("POST", f"/{network}/tsp/tokens/{token_ref}/refresh")
        expect_done(status, body)
        return _grant(body)

    async def call(
        self, method: str, path: str, body: dict[str, object] | None = None
    ) -> tuple[int, dict[str, object]]:
        """One exchange: status and JSON object, whatever they say.

        Raises:
            TransportError: the service cannot be reached, or did not answer.
            MessageError: it answered no JSON object.
        """
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
        raise NotFound(text_of(body, "code"), text_of(body, "detail"))
    if status != wanted:
        raise TransportError(f"the token service answered with status {status}")


def expect_done(status: int, body: dict[str, object]) -> None:
    """Of an operation, a refusal is told as the network said it.

    Raises:
        BadRequest, Conflict, NotFound: the refusal.
        TransportError: any other status.
    """
    refusals = {BAD: BadRequest, CONFLICT: Conflict}
    if status in refusals:
        raise refusals[status](text_of(body, "code"), text_of(body, "detail"))
    _expect(status, body, OK)


def text_of(body: dict[str, object], name: str) -> str:
    """A text of an answer.

    Raises:
        MessageError: it is not there.
    """
    value = body.get(name)
    if not isinstance(value, str):
        raise MessageError(f"the token service left out {name}")
    return value


def _objects(body: dict[str, object], name: str) -> list[dict[str, object]]:
    values = body.get(name)
    if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
        raise MessageError(f"the token service left out {name}")
    return values


def _grant(body: dict[str, object]) -> TokenGrant:
    texts = {name: text_of(body, name) for name in _GRANT_TEXTS}
    return TokenGrant(**texts, methods=_methods(body))


def _state(body: dict[str, object]) -> TokenState:
    story = tuple(_event(each) for each in _objects(body, "story"))
    try:
        return TokenState(**{**body, "suspended_by": _words(body), "story": story})  # type: ignore[arg-type]  # by name
    except TypeError as error:
        raise MessageError("the token service described no token") from error


def _event(body: dict[str, object]) -> TokenEvent:
    try:
        return TokenEvent(**{**body, "suspended_by": _words(body)})  # type: ignore[arg-type]  # by name
    except TypeError as error:
        raise MessageError("an event of the token service is none") from error


def _words(body: dict[str, object]) -> tuple[str, ...]:
    words = body.get("suspended_by")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise MessageError("the token service left out suspended_by")
    return tuple(words)


def _methods(body: dict[str, object]) -> tuple[StepUpMethod, ...]:
    try:
        return tuple(StepUpMethod(**each) for each in _objects(body, "methods"))  # type: ignore[arg-type]  # by name
    except TypeError as error:
        raise MessageError("a method of the token service is none") from error
