"""One network's host: takes ISO 8583 frames, answers them, and listens on loopback for the switch.

Theory of operation. `NetworkHost.handle` turns one frame into one answer and knows no sockets, so
the simulated world calls it directly. `HostServer` puts it behind a TCP port: many messages of one
connection are worked on at once and answered in the order in which they are done. Bytes that are no
message end the connection with a line in the log: after them nothing on it can be trusted.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from backend.networks import message
from backend.networks.authorizing import NetworkRules
from backend.networks.host_codec import decode, encode
from backend.networks.issuing import APPROVED, IssuerWay, OpenWay
from backend.networks.message import (
    ANSWER_TO,
    ECHO,
    SIGN_OFF,
    SIGN_ON,
    FrameBuffer,
    Message,
    frame,
    private_text,
)
from backend.networks.ports import AuthorizationRow
from backend.networks.profiles import Profile
from backend.networks.remote_cards import RemoteCard
from backend.runtime.errors import BackendError, MessageError

LOOPBACK = "127.0.0.1"
ECHOED = ("2", "3", "4", "7", "11", "32", "37", "41", "42", "49", "70", "90")
IN_WORK_MAX = 1_024  # messages of one connection worked on at once; then the sender waits
GOING_DOWN_S = 1.0  # for what is being answered when the host stops
SUPPORTED_MANAGEMENT = (SIGN_ON, SIGN_OFF, ECHO)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NetworkHost:
    """One network, ready to answer."""

    rules: NetworkRules
    profile: Profile
    way: IssuerWay = field(default_factory=OpenWay)

    @property
    def network(self) -> str:
        """The name: visa, mastercard or amex."""
        return self.rules.network

    async def handle(self, raw: bytes) -> bytes:
        """The answer to one frame.

        Raises:
            MessageError: these bytes are no request of the dialect.
        """
        request = decode(raw)
        match request.kind:
            case message.AUTHORIZATION:
                return encode(await self._authorize(request))
            case message.ADVICE:
                return encode(await self._advise(request))
            case message.REVERSAL:
                return encode(await self._reverse(request))
            case message.INQUIRY:
                return encode(await self._inquire(request))
            case message.MANAGEMENT:
                known = request.fields["70"] in SUPPORTED_MANAGEMENT
                return encode(_answer(request, APPROVED if known else "30"))
            case _:
                raise MessageError(f"{request.kind} is no request")

    async def _authorize(self, request: Message) -> Message:
        await self.profile.network()
        examined = self.rules.examiner.examine(request)
        issuer_started_us = self.rules.clock.monotonic_us()
        if examined.goes_to_issuer:
            await self.profile.issuer()
            card = partial(self.rules.card_of, examined)
            amount_minor = int(request.fields["4"])
            refusal = await self.way.ask(self.network, card, amount_minor)
            examined = replace(examined, refusal=refusal)
        row = await self.rules.authorize(request, examined, issuer_started_us)
        return _authorization_answer(request, row, examined.remote)

    async def _advise(self, request: Message) -> Message:
        await self.profile.network()
        decision = await self.rules.advise(request)
        return _answer(request, decision.response_code, {"rs": decision.reason})

    async def _reverse(self, request: Message) -> Message:
        await self.profile.network()
        decision = await self.rules.reverse(request)
        return _answer(request, decision.response_code, {"rs": decision.reason})

    async def _inquire(self, request: Message) -> Message:
        await self.profile.network()
        row = self.rules.inquire(request)
        if row is None:
            return _answer(request, APPROVED, {"fd": "N", "rv": "N"})
        return _answer(
            request,
            APPROVED,
            {
                "fd": "N" if row.response_code is None else "Y",
                "oc": row.response_code,
                "oa": row.auth_code,
                "rv": "N" if row.reversed_at_us is None else "Y",
            },
        )


def _authorization_answer(
    request: Message, row: AuthorizationRow, remote: RemoteCard | None
) -> Message:
    verdict = None if row.cryptogram_valid is None else "NY"[row.cryptogram_valid]
    return _answer(
        request,
        row.response_code or "96",
        {
            "tr": row.token_ref,
            "rs": row.reason,
            "st": row.steered,
            "iu": str(row.issuer_us),
            "cv": verdict,
            **({} if remote is None else remote.told(row.response_code)),
        },
        auth_code=row.auth_code,
    )


def _answer(
    request: Message,
    response_code: str,
    private: dict[str, str | None] | None = None,
    *,
    auth_code: str | None = None,
) -> Message:
    fields = {key: request.fields[key] for key in ECHOED if key in request.fields}
    fields["39"] = response_code
    if auth_code is not None:
        fields["38"] = auth_code
    if private:
        fields["48"] = private_text(private)
    return Message(ANSWER_TO[request.kind], fields)


class HostServer:
    """A host behind a TCP port on loopback."""

    def __init__(self, host: NetworkHost) -> None:
        self._host = host
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def start(self, port: int = 0) -> tuple[str, int]:
        """Listen; the address to connect to."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._host, self._connections), LOOPBACK, port
        )
        address: tuple[str, int] = self._server.sockets[0].getsockname()
        return address

    async def stop(self) -> None:
        """Stop listening, end the connections and wait for what is being answered."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            await connection.end()
        await self._server.wait_closed()
        self._server = None


class _Connection(asyncio.Protocol):
    """One connection of a switch."""

    def __init__(self, host: NetworkHost, everyone: set[_Connection]) -> None:
        self._host = host
        self._everyone = everyone
        self._frames = FrameBuffer()
        self._work: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport | None = None
        self._lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop derives from neither
        self._everyone.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._frames.feed(data)
        except MessageError as error:
            self._drop(error)
            return
        for raw in frames:
            task = asyncio.get_running_loop().create_task(self._respond(raw))
            self._work.add(task)
            task.add_done_callback(self._done)
        if len(self._work) >= IN_WORK_MAX and self._transport is not None:
            self._transport.pause_reading()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if len(self._work) == IN_WORK_MAX // 2 and self._transport is not None:
            self._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's contract
        """What was begun is finished: a lost connection does not undo an authorization."""
        self._transport = None
        self._everyone.discard(self)
        if not self._lost.done():
            self._lost.set_result(None)

    async def end(self) -> None:
        """Close, and wait until nothing of this connection is left.

        Who still waits for an issuer is given up, as by a host that goes down.
        """
        if self._transport is not None:
            self._transport.abort()
        await self._lost
        if self._work:
            await asyncio.wait(self._work, timeout=GOING_DOWN_S)
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    async def _respond(self, raw: bytes) -> None:
        try:
            answer = await self._host.handle(raw)
        except BackendError as error:
            self._drop(error)
            return
        if self._transport is not None:
            self._transport.write(frame(answer))

    def _drop(self, error: BackendError) -> None:
        log.warning("%s host drops a connection: %s", self._host.network, error)
        if self._transport is not None:
            self._transport.abort()
