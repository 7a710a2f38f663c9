"""Carries out what a route says, once for each idempotency key.

Theory of operation. A `Write` and its key are one unit of work: both are stored or neither. A
`Long` has its key in the first unit, with where to take the work up, and the key's answer in the
last; in between it is in flight here, and whoever comes with the same key hears 409. A process
that dies in between leaves a key without an answer: the next request goes on from there. A refusal
that came out of the work itself (a declined card, a thing that is not there) is the key's answer
too; parameters that could not be read leave the key free. Knows no resource and no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import orjson

from backend.gateway.wire_keys import WireKey, WireKeyRows
from backend.http.stripe_wire import keys
from backend.http.stripe_wire.call import Call, Done, Find, Json, Long, Prepared, Read, Write
from backend.http.stripe_wire.errors import WireError, wire_error_of
from backend.http.stripe_wire.expansion import expanded
from backend.runtime.errors import BadRequest
from backend.runtime.events import EventLog
from backend.runtime.store import Store
from backend.storage.database import Transaction

STATUS_OK = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, bytes and more headers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A unit of work's end: the answer, and what to tell after the commit."""

    answer: Answer
    done: Done | None = None


class Carrier:
    """Carries routes out."""

    def __init__(
        self,
        store: Store[Transaction],
        rows: WireKeyRows[Transaction],
        events: EventLog,
        finders: Mapping[str, Find],
    ) -> None:
        self._store = store
        self._rows = rows
        self._events = events
        self._finders = finders
        self._under_way: set[tuple[str, str]] = set()

    def read(self, call: Call, route: Read, expand: Sequence[str]) -> Answer:
        """Answer from the last committed state.

        Raises:
            WireError, BadRequest: refused.
        """
        return self._store.read(lambda tx: self._shown(call, route.body(call, tx), expand, tx))

    async def carry_out(
        self,
        call: Call,
        route: Write | Prepared | Long,
        expand: Sequence[str],
        key: str | None,
        request_hash: bytes,
    ) -> Answer:
        """Change something, once for each key.

        Raises:
            WireError, BadRequest: refused.
            StorageError: the database refused.
        """
        fresh = None
        if key is not None:
            fresh = WireKey(
                call.merchant.id, key, request_hash, None, None, None, call.request_id, call.now_us
            )
        try:
            if isinstance(route, Prepared):
                route = await route.prepare(call)
            if isinstance(route, Write):
                return await self._write(call, route, expand, fresh)
            return await self._long(call, route, expand, fresh)
        except (WireError, BadRequest) as error:
            refusal = wire_error_of(error)
            if fresh is None or not refusal.keeps:
                raise
            return await self._store.write(partial(self._keep_refusal, fresh, refusal))

    async def _write(
        self, call: Call, route: Write, expand: Sequence[str], fresh: WireKey | None
    ) -> Answer:
        def unit(tx: Transaction) -> _Stored:
            if fresh is not None:
                known = self._known(tx, fresh)
                if known is not None:
                    return _Stored(_replayed(known))
                self._rows.add_key(tx, fresh)
            return self._finish(call, route.body(call, tx), expand, fresh, tx)

        return self._told(await self._store.write(unit))

    async def _long(
        self, call: Call, route: Long, expand: Sequence[str], fresh: WireKey | None
    ) -> Answer:
        mark = None if fresh is None else (fresh.merchant_id, fresh.key)
        if mark in self._under_way:
            known = self._store.read(lambda tx: None if fresh is None else self._known(tx, fresh))
            if known is None or known.status is None:
                raise keys.in_flight()
        if mark is None:
            return await self._go_through(call, route, expand, fresh)
        self._under_way.add(mark)
        try:
            return await self._go_through(call, route, expand, fresh)
        finally:
            self._under_way.discard(mark)

    async def _go_through(
        self, call: Call, route: Long, expand: Sequence[str], fresh: WireKey | None
    ) -> Answer:
        def first(tx: Transaction) -> _Stored | str:
            known = None if fresh is None else self._known(tx, fresh)
            if known is not None and known.status is not None:
                return _Stored(_replayed(known))
            if known is not None:
                assert known.object_id is not None, "a long work's key says where it goes on"
                return known.object_id
            begun = route.begin(call, tx)
            if fresh is not None:
                self._rows.add_key(tx, replace(fresh, object_id=begun.object_id))
            said.append(Done({}, begun.events, begun.after))
            return begun.object_id

        said: list[Done] = []
        opened = await self._store.write(first)
        for done in said:
            self._publish(done)
        if isinstance(opened, _Stored):
            return opened.answer
        last = await route.go_on(call, opened)
        return self._told(
            await self._store.write(lambda tx: self._finish(call, last(tx), expand, fresh, tx))
        )

    def _finish(
        self,
        call: Call,
        done: Done,
        expand: Sequence[str],
        fresh: WireKey | None,
        tx: Transaction,
    ) -> _Stored:
        answer = self._shown(call, done.body, expand, tx)
        if fresh is not None:
            self._rows.answer_key(tx, fresh.merchant_id, fresh.key, answer.status, answer.body)
        return _Stored(answer, done)

    def _keep_refusal(self, fresh: WireKey, refusal: WireError, tx: Transaction) -> Answer:
        """The refusal under its key, unless another request with it was answered first."""
        known = self._known(tx, fresh)
        if known is not None and known.status is not None:
            return _replayed(known)
        if known is None:
            self._rows.add_key(tx, fresh)
        body = orjson.dumps(refusal.to_json())
        self._rows.answer_key(tx, fresh.merchant_id, fresh.key, refusal.status, body)
        return Answer(refusal.status, body, refusal.headers)

    def _known(self, tx: Transaction, fresh: WireKey) -> WireKey | None:
        known = self._rows.find_key(tx, fresh.merchant_id, fresh.key)
        if known is not None and known.request_hash != fresh.request_hash:
            raise keys.mismatch()
        return known

    def _told(self, stored: _Stored) -> Answer:
        if stored.done is not None:
            self._publish(stored.done)
        return stored.answer

    def _publish(self, done: Done) -> None:
        for event in done.events:
            self._events.publish(event)
        for call in done.after:
            call()

    def _shown(self, call: Call, body: Json, expand: Sequence[str], tx: Transaction) -> Answer:
        def look(identifier: str) -> Json | None:
            find = self._finders.get(identifier.partition("_")[0])
            return None if find is None else find(tx, call.merchant.id, identifier)

        return Answer(STATUS_OK, orjson.dumps(expanded(body, expand, look)))


def _replayed(known: WireKey) -> Answer:
    assert known.status is not None, "a key of one unit of work has its answer in it"
    assert known.body is not None, "an answer has bytes"
    headers = {"Idempotent-Replayed": "true", "Original-Request": known.request_id}
    return Answer(known.status, known.body, headers)
