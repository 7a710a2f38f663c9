"""The lab's HTTP client of the engine: `/api` for wallet and till, `/lab` for the console.

An ordinary client, as a phone or a till would have one: time-outs, an Idempotency-Key on whatever
makes something, and retries with the *same* key when a connection breaks or an answer cannot be
read, because neither says whether it was done. The engine's address may change between two tries
(it was restarted), so it is asked for each time. Errors are RFC 9457 problems.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import httpx
import orjson

from backend.api import Clock, Event, Scheduler
from lab.client_answers import (
    RETRY_FIRST_S,
    RETRY_MAX_S,
    accepted,
    demand_readable,
    document,
    leaves_open,
    may_repeat,
    retry_after_s,
)
from lab.client_cards import CardRequests
from lab.client_devices import DeviceRequests
from lab.client_in_app import InAppRequests
from lab.client_money import MoneyRequests
from lab.client_sales import SaleRequests
from lab.client_webhooks import WebhookRequests
from lab.engine_shapes import CardRecord, LabState, NfcOrder, PaymentAnswer, PaymentRecord
from lab.errors import EngineRefused, EngineUnreachable
from lab.faulty_transport import MARK, PHONE_LINK, TILL_LINK, LinkMark
from lab.json_fields import Json, as_object, objects
from lab.loopback import LoopbackTransport
from lab.verification_shapes import NoticeRecord, VerificationRecord

CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 5.0
PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine answers, and the token that opens `/lab`."""

    url: str
    token: str


def http_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """The client below: one pool, no proxies from the environment, loopback only by use."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        trust_env=False,
        transport=transport or LoopbackTransport(),
    )


class EngineClient(
    DeviceRequests, CardRequests, SaleRequests, InAppRequests, MoneyRequests, WebhookRequests
):
    """Every request the lab makes, typed."""

    def __init__(
        self,
        endpoint: Callable[[], Endpoint | None],
        http: httpx.AsyncClient,
        *,
        clock: Clock,
        scheduler: Scheduler,
        patience_s: float = PATIENCE_S,
        on_board: Callable[[Json], None] | None = None,
        over_links: bool = True,
        wallet_line: str = PHONE_LINK,
    ) -> None:
        """A client of whatever engine `endpoint` names at the moment.

        Args:
            endpoint: the current engine, or None while there is none.
            http: the transport.
            clock: measures patience (its monotonic reading).
            scheduler: waits between tries, in real time.
            patience_s: how long broken connections are retried.
            on_board: told each view of the fault board that comes by.
            over_links: the wallet's requests go over the phone's line and a till's over the
                till's, where faults may be; otherwise beside them.
            wallet_line: the line of the device whose wallet this is.
        """
        self._endpoint = endpoint
        self._http = http
        self._clock = clock
        self._scheduler = scheduler
        self._patience_s = patience_s
        self._on_board = on_board
        self._over_links = over_links
        self._wallet_line = wallet_line
        self._logged_in_at = ""
        self._logging_in = asyncio.Lock()
        self._is_signed_out = False

    def beside_links(self) -> EngineClient:
        """The same client for those who are neither this phone nor this till."""
        return EngineClient(
            self._endpoint,
            self._http,
            clock=self._clock,
            scheduler=self._scheduler,
            patience_s=self._patience_s,
            on_board=self._on_board,
            over_links=False,
        )

    # -- wallet -------------------------------------------------------------------------------

    async def network_key(self, network: str) -> Json:
        """The public key (JWK) that seals a card for `network`."""
        body = await self._api("GET", f"/api/networks/{network}/key")
        key = body.get("key")
        return as_object(key, "key") if key is not None else body

    async def cards(self) -> tuple[CardRecord, ...]:
        """The wallet's cards."""
        body = await self._api("GET", "/api/cards")
        return tuple(CardRecord.from_json(card) for card in objects(body, "cards"))

    async def add_card(self, card: Json, *, key: str) -> Json:
        """Provision a card; the number inside is sealed for its network already."""
        return await self._api("POST", "/api/cards", card, key=key)

    async def verification(self, card_id: str) -> VerificationRecord:
        """How a pending card can be verified, and what was tried so far."""
        body = await self._api("GET", f"/api/cards/{card_id}/verify")
        return VerificationRecord.from_json(body)

    async def send_code(self, card_id: str, method: str, *, key: str) -> VerificationRecord:
        """Have the bank send a code; repeated with its key it sends one."""
        body = await self._api("POST", f"/api/cards/{card_id}/verify", {"method": method}, key=key)
        return VerificationRecord.from_json(body)

    async def check_code(
        self, card_id: str, method: str, code: str, *, key: str
    ) -> VerificationRecord:
        """Have a code checked; repeated with its key it costs one try."""
        typed = {"method": method, "code": code}
        body = await self._api("POST", f"/api/cards/{card_id}/verify", typed, key=key)
        return VerificationRecord.from_json(body)

    async def transactions(self) -> tuple[Json, ...]:
        """The person's last payments, newest first."""
        return objects(await self._api("GET", "/api/transactions"), "transactions")

    def forget_session(self, cookie: str | None = None) -> None:
        """The engine refused our session: sign in again before the next wallet request.

        Args:
            cookie: the session that was refused; one that took its place meanwhile is kept.
        """
        if cookie is None or cookie == self._cookie():
            self._logged_in_at = ""

    async def sign_out(self) -> None:
        """End the session; the wallet asks nothing any more until `sign_in`, heard or not."""
        had_session, self._is_signed_out = bool(self._logged_in_at), True
        self.forget_session()
        try:
            if had_session:
                await self._wallet("POST", "/api/auth/logout", {}, None)
        finally:
            self._http.cookies.clear()

    def sign_in(self) -> None:
        """Let the wallet ask again; its next request begins a session."""
        self._is_signed_out = False

    async def session_cookie(self) -> str:
        """The session as a Cookie header, for the device's push socket."""
        await self._log_in(self._needed())
        return self._cookie()

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())

    # -- till ---------------------------------------------------------------------------------

    async def pay_nfc(
        self, order: NfcOrder, *, key: str, patience_s: float = PATIENCE_S
    ) -> PaymentAnswer:
        """Ask for an authorization.

        Raises:
            EngineUnreachable: no engine answered; says whether the request may have arrived.
            EngineRefused: the engine took it as bad input.
        """
        response = await self._send(
            "POST",
            "/api/payments/nfc",
            order.to_json(),
            key=key,
            patience_s=patience_s,
            link=TILL_LINK,
        )
        body = document(response)
        replayed = response.headers.get("Idempotent-Replayed") == "true"
        return PaymentAnswer.from_json(body, replayed=replayed)

    async def _till(
        self, method: str, path: str, body: Json | None = None, *, key: str | None = None
    ) -> Json:
        return document(await self._send(method, path, body, key=key, link=TILL_LINK))

    # -- laboratory ---------------------------------------------------------------------------

    async def lab_state(self) -> LabState:
        """Everything that strip, time bar and tiles show."""
        return LabState.from_json(await self._lab("GET", "/lab/state"))

    async def latency(self, *, window_s: int, bucket_s: int) -> Json:
        """Latency per network in buckets."""
        path = f"/lab/metrics/latency?window_s={window_s}&bucket_s={bucket_s}"
        return await self._lab("GET", path)

    async def networks(self) -> tuple[Json, ...]:
        """Each network's breaker, error rate and percentiles."""
        return objects(await self._lab("GET", "/lab/networks"), "networks")

    async def payments(self, *, limit: int = 200) -> tuple[PaymentRecord, ...]:
        """The latest payments, newest first."""
        body = await self._lab("GET", f"/lab/payments?limit={limit}")
        return tuple(PaymentRecord.from_json(row) for row in objects(body, "payments"))

    async def payment(self, payment_id: str) -> Json:
        """One payment with events, hops, entries and follow-ups."""
        return await self._lab("GET", f"/lab/payments/{payment_id}")

    async def faults(self) -> tuple[Json, ...]:
        """The faults that are on."""
        return self._board(await self._lab("GET", "/lab/faults"))

    async def put_faults(self, faults: tuple[Json, ...], *, seed: int | None = None) -> None:
        """Replace the faults that are on; `seed` is of their dice, None the laboratory's."""
        chosen = {} if seed is None else {"seed": seed}
        self._board(await self._lab("PUT", "/lab/faults", {"faults": list(faults), **chosen}))

    async def reset_faults(self) -> None:
        """Take all faults off."""
        self._board(await self._lab("POST", "/lab/faults/reset", {}))

    def _board(self, view: Json) -> tuple[Json, ...]:
        if self._on_board is not None:
            self._on_board(view)
        return objects(view, "faults")

    async def force_breaker(self, network: str, state: str) -> None:
        """Force a breaker "open" or "closed", or give it back with "auto"."""
        await self._lab("POST", f"/lab/breakers/{network}/force", {"state": state})

    async def ledger(self, *, limit: int = 1) -> Json:
        """Balance of every account, debit positive, and the entries of the newest payments."""
        return await self._lab("GET", f"/lab/ledger?limit={limit}")

    async def clock(self) -> Json:
        """Lab time, rate and offset."""
        return await self._lab("GET", "/lab/clock")

    async def move_clock(self, change: Json) -> Json:
        """Apply {"jump_s": seconds}, {"rate": lab seconds a second} or {"reset": true}."""
        return await self._lab("POST", "/lab/clock", change)

    async def post_events(self, events: tuple[Event, ...]) -> None:
        """Give the engine what this process saw, to store and to show to others."""
        await self._lab("POST", "/lab/events", {"events": [event.to_json() for event in events]})

    async def authorities(self, *, make: bool = False) -> tuple[Json, ...]:
        """Public keys of the networks' certification authorities; made, where that is wanted."""
        body = await self._lab("POST" if make else "GET", "/lab/authorities")
        return objects(body, "authorities")

    async def notices(self, after_id: int = 0) -> tuple[NoticeRecord, ...]:
        """What banks sent to cardholders after that notice, the oldest first."""
        body = await self._lab("GET", f"/lab/notices?after={after_id}")
        return tuple(NoticeRecord.from_json(notice) for notice in objects(body, "notices"))

    async def snapshot(self, name: str) -> Json:
        """Write a consistent copy of the engine's stores under data-dir/snapshots/`name`."""
        return await self._lab("POST", "/lab/world/snapshot", {"directory": name})

    # -- the wire -----------------------------------------------------------------------------

    async def _lab(self, method: str, path: str, body: Json | None = None) -> Json:
        return document(await self._send(method, path, body))

    async def _api(
        self, method: str, path: str, body: Json | None = None, *, key: str | None = None
    ) -> Json:
        await self._log_in(self._needed())
        try:
            return document(await self._wallet(method, path, body, key))
        except EngineRefused as refusal:
            if refusal.status != HTTPStatus.UNAUTHORIZED:
                raise
        self._logged_in_at = ""  # the session ended meanwhile: once more, with a new one
        await self._log_in(self._needed())
        return document(await self._wallet(method, path, body, key))

    async def _wallet(
        self, method: str, path: str, body: Json | None, key: str | None
    ) -> httpx.Response:
        return await self._send(method, path, body, key=key, bearer=False, link=self._wallet_line)

    async def _log_in(self, endpoint: Endpoint) -> None:
        if self._is_signed_out:
            raise EngineRefused("signed_out", "nobody is signed in on this phone", 401)
        async with self._logging_in:  # two sign-ins would be two sessions, one of them nobody's
            if self._logged_in_at != endpoint.token:
                await self._send("POST", "/api/auth/login", {"demo": True}, link=self._wallet_line)
                self._logged_in_at = endpoint.token

    def _needed(self) -> Endpoint:
        endpoint = self._endpoint()
        if endpoint is None:
            raise EngineUnreachable("no engine runs at the moment")
        return endpoint

    async def _send(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        key: str | None = None,
        bearer: bool = True,
        patience_s: float | None = None,
        link: str | None = None,
    ) -> httpx.Response:
        """One request, repeated while that is safe: see `may_repeat`."""
        marks = {MARK: LinkMark(link)} if link is not None and self._over_links else {}
        patience_us = (self._patience_s if patience_s is None else patience_s) * 1e6
        content = None if body is None else orjson.dumps(body)
        started_us = self._clock.monotonic_us()
        pause_s, may_have_left = RETRY_FIRST_S, False
        while True:
            try:
                endpoint = self._needed()
                response = await self._http.request(
                    method,
                    endpoint.url + path,
                    content=content,
                    headers=_headers(endpoint, key, bearer=bearer),
                    extensions=marks,
                )
                demand_readable(response)
            except (httpx.TransportError, EngineUnreachable) as fault:
                arrived = not isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout)
                may_have_left |= arrived and isinstance(fault, httpx.TransportError)
                waited_us = self._clock.monotonic_us() - started_us
                repeat = may_repeat(method, key, may_have_left=may_have_left)
                if not repeat or waited_us >= patience_us:
                    raise EngineUnreachable(
                        f"the engine did not answer {method} {path}", may_have_left=may_have_left
                    ) from fault
            else:
                if key is None or not leaves_open(response, may_have_left=may_have_left):
                    return accepted(response)
                may_have_left = True
                if self._clock.monotonic_us() - started_us >= patience_us:
                    raise EngineUnreachable(
                        f"the engine has no answer to {method} {path} yet", may_have_left=True
                    )
                pause_s = max(pause_s, retry_after_s(response))
            await self._scheduler.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_MAX_S)


def _headers(endpoint: Endpoint, key: str | None, *, bearer: bool) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {endpoint.token}"
    if key is not None:
        headers["Idempotency-Key"] = key
    return headers
