"""What one engine forgets, all engines on the same Redis forget (publish and subscribe).

A message names keys, and who says so. It is heard after the change was committed and after the
teller has forgotten it itself; an engine that heard it reads the database again. Redis delivers a
message at most once and keeps none, so a connection that broke may have cost some: whoever is deaf
reads nothing that was kept, and what was kept before the silence counts for nothing after it.
What this engine could not tell it tells when the server is back. Engines are a group when they have
the same vault key, that is: the same data. Source: Redis, Pub/Sub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import orjson
from redis.exceptions import RedisError

from backend.cache.level_one import LevelOne
from backend.cache.remembered import Hearer
from backend.runtime.events import Emit

SILENCE_S = 5.0
"""Without a message for so long, the server is asked whether it is there, and has as long again."""
RETRY_S = 0.5
KEYS_MAX = 10_000
"""More keys than this that could not be told become one message: anything may have changed."""


class Subscription(Protocol):
    """The part of a redis client's `PubSub` that is used here."""

    async def subscribe(self, *channels: str) -> object:
        """SUBSCRIBE."""

    async def ping(self) -> object:
        """PING; answered by a message of type `pong`."""

    async def get_message(
        self,
        ignore_subscribe_messages: bool = False,  # noqa: FBT001, FBT002 - redis-py's
        timeout: float = 0.0,  # noqa: ASYNC109 - redis-py's
    ) -> Mapping[str, object] | None:
        """The next message, or None when none came in time."""

    async def aclose(self) -> None:
        """Give the connection back."""


class Publisher(Protocol):
    """The part of a redis client that is used here."""

    def pubsub(self) -> Subscription:
        """A subscription without channels."""

    async def publish(self, channel: str, message: bytes) -> object:
        """PUBLISH."""

    async def aclose(self) -> None:
        """Close the connections."""


class SharedNews:
    """Tells and hears; implements `remembered.News`."""

    def __init__(
        self, client: Publisher, channel: str, sender: str, near: LevelOne, emit: Emit
    ) -> None:
        """Nothing is heard before `run_forever` runs.

        Args:
            client: a connection to the server, without a limit on how long an answer takes.
            channel: the group's.
            sender: tells this engine from the others.
            near: level 1, which is deaf from now on.
            emit: says when nothing can be heard, and when it can again.
        """
        self._client = client
        self._channel = channel
        self._sender = sender
        self._near = near
        self._emit = emit
        self._hearers: dict[str, Hearer] = {}
        self._untold: dict[str, None] = {}
        self._something = asyncio.Event()
        self.heard = 0
        near.deafen()

    @property
    def is_deaf(self) -> bool:
        """Whether changes of other engines go unheard now."""
        return self._near.is_deaf

    def join(self, hearer: Hearer) -> None:
        """Let somebody hear what becomes of its keys."""
        assert hearer.slot.name not in self._hearers, "a slot has one hearer"
        self._hearers[hearer.slot.name] = hearer

    def tell(self, *keys: str) -> None:
        """What these keys held is true no more; said as soon as the server takes it."""
        self._untold.update(dict.fromkeys(keys))
        self._something.set()

    async def run_forever(self) -> None:
        """Hear, and begin again whenever the connection is lost."""
        while True:
            try:
                await self._hear()
            except (RedisError, OSError, TimeoutError) as error:
                self._deafen(type(error).__name__)
                await asyncio.sleep(RETRY_S)  # input/output time: no jump brings a server back

    async def tell_forever(self) -> None:
        """Say what there is to say."""
        while True:
            await self._something.wait()
            self._something.clear()
            told, self._untold = self._untold, {}
            keys = list(told) if len(told) <= KEYS_MAX else None
            message = orjson.dumps({"from": self._sender, "keys": keys})
            try:
                await self._client.publish(self._channel, message)
            except (RedisError, OSError, TimeoutError):  # `run_forever` says so, to people
                self._untold = told | self._untold
                self._something.set()
                await asyncio.sleep(RETRY_S)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def _hear(self) -> None:
        subscription = self._client.pubsub()
        try:
            await subscription.subscribe(self._channel)
            is_asked = False
            while True:
                message = await subscription.get_message(timeout=SILENCE_S)
                if message is None and is_asked:
                    raise TimeoutError("the server answers no more")
                is_asked = message is None
                if message is None:
                    await subscription.ping()
                else:
                    self._take(message)
        finally:
            await subscription.aclose()

    def _take(self, message: Mapping[str, object]) -> None:
        match message["type"]:
            case "subscribe":
                self._begin_anew()
                self._near.hear_again()
                self._emit("cache.hears", actor="cache", data={"channel": self._channel})
            case "message":
                keys = _keys_of(message["data"], self._sender)
                if keys is None:
                    self._begin_anew()
                for key in keys or ():
                    self._pass_on(key)
            case _:  # an answer to PING
                return

    def _pass_on(self, key: str) -> None:
        self.heard += 1
        name, _, tagged = key.partition(":{")
        hearer = self._hearers.get(name)
        if hearer is not None and tagged.endswith("}"):
            hearer.hear(tagged[:-1])
        else:
            self._near.forget(key)

    def _deafen(self, why: str) -> None:
        if not self._near.is_deaf:
            self._emit("cache.deaf", actor="cache", data={"channel": self._channel, "error": why})
        self._near.deafen()

    def _begin_anew(self) -> None:
        """Anything may have changed."""
        self._near.forget_all()
        for hearer in self._hearers.values():
            hearer.begin_anew()


def _keys_of(data: object, own: str) -> Sequence[str] | None:
    """The keys of a message, none for one of our own; None where anything may be meant."""
    try:
        told = orjson.loads(data)  # type: ignore[arg-type]  # bytes, or it raises
        sender, keys = told["from"], told["keys"]
    except (ValueError, TypeError, KeyError):
        return None  # somebody else speaks on this channel
    if sender == own:
        return ()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return None
    return keys
