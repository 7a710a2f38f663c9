"""`/lab`: what a person in front of the laboratory sees and moves; the front door asks the token.

Everything here is snake_case. Faults, breakers and the clock are moved through their own objects;
this only translates. A moved clock is remembered for the next start, faults are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.websockets import WebSocket

from backend.http import event_stream
from backend.http.answers import json_answer
from backend.http.attachments import Attachments
from backend.http.bodies import (
    BreakerOrder,
    ClockOrder,
    FaultOrder,
    ObservedEvents,
    RulesOrder,
    SnapshotOrder,
)
from backend.http.clock_reset import refuse_unless_history_allows
from backend.http.laboratory import Laboratory
from backend.runtime.errors import BadRequest, MessageError, TransportError
from backend.storage import audit_rows
from backend.storage.audit_rows import BEYOND_EVERY_ID
from backend.storage.checkpoint_rows import SqlCheckpoints
from backend.storage.data_folder import DataFolder
from backend.switch.breaker_rules import PRESETS
from backend.wallet.errors import NetworkUnavailable

PAGE_ROWS_MAX = 500
NETWORKS_WINDOW_S = 60


class LabRoutes:
    """The laboratory's own routes."""

    def __init__(
        self,
        lab: Laboratory,
        folder: DataFolder,
        attachments: Attachments,
        webhooks_of: Callable[[str], list[dict[str, object]]],
    ) -> None:
        self._lab = lab
        self._webhooks_of = webhooks_of
        self._folder = folder
        self._attachments = attachments

    def router(self) -> APIRouter:
        """The routes, without the `/lab` in front."""
        router = APIRouter(default_response_class=Response, tags=["laboratory"])
        add = router.add_api_route
        add("/state", self.state, methods=["GET"])
        add("/faults", self.faults, methods=["GET"])
        add("/faults", self.apply_faults, methods=["PUT"])
        add("/faults/reset", self.reset_faults, methods=["POST"])
        add("/breakers", self.breakers, methods=["GET"])
        add("/breakers/{name}/force", self.force_breaker, methods=["POST"])
        add("/breakers/{name}/rules", self.judge_breaker_by, methods=["PUT"])
        add("/clock", self.clock, methods=["GET"])
        add("/clock", self.move_clock, methods=["POST"])
        add("/networks", self.networks, methods=["GET"])
        add("/metrics", self.metrics, methods=["GET"])
        add("/metrics/latency", self.latency, methods=["GET"])
        add("/payments", self.payments, methods=["GET"])
        add("/payments/{payment_id}", self.payment, methods=["GET"])
        add("/authorities", self.authorities, methods=["GET"])
        add("/authorities", self.make_authorities, methods=["POST"])
        add("/notices", self.notices, methods=["GET"])
        add("/ledger", self.ledger, methods=["GET"])
        add("/audit", self.audit, methods=["GET"])
        add("/events", self.observe, methods=["POST"])
        add("/world/snapshot", self.snapshot, methods=["POST"])
        router.add_api_websocket_route("/events", self.watch)
        router.add_api_websocket_route("/attach", self.attach)
        return router

    async def state(self) -> Response:
        """Everything that the strip, the time bar and the tiles show, in one call."""
        lab = self._lab
        suspended = [
            {"card_id": card.id, "last4": card.last4, "network": card.network}
            for card in lab.cards.suspended()
        ]
        return json_answer(
            {
                "world": lab.world,
                "seed": lab.entropy.seed,
                **self._lab.clock_state(),
                "faults": lab.faults.view()["faults"],
                "breakers": self._breakers(),
                "suspended": suspended,
                "unprotected_keys": lab.keys.is_unprotected,
                "database": "sqlite",
                "cache": lab.cache.name,
                "cache_failing": lab.cache.is_failing,
                "attached": self._attachments.count,
                "engine_started_at_us": lab.started_at_us,
            }
        )

    async def notices(self, after: int = Query(default=0, ge=0, le=BEYOND_EVERY_ID)) -> Response:
        """What banks sent to cardholders, codes included: how a person here reads them."""
        try:
            notices = await self._lab.notices(after)
        except (TransportError, MessageError) as error:
            raise NetworkUnavailable("the networks' mailbox does not answer") from error
        return json_answer({"notices": [asdict(notice) for notice in notices]})

    async def authorities(self) -> Response:
        """Public keys of the certification authorities that have vouched for a card so far."""
        return await self._authorities(make=False)

    async def make_authorities(self) -> Response:
        """Public keys of all certification authorities; they are made if they are not there yet."""
        return await self._authorities(make=True)

    async def _authorities(self, *, make: bool) -> Response:
        try:
            found = await self._lab.authorities(make)
        except (TransportError, MessageError) as error:
            raise NetworkUnavailable("the networks' token services do not answer") from error
        return json_answer({"authorities": found})

    async def faults(self) -> Response:
        """What is broken on purpose, and how often each fault fired."""
        return json_answer(self._lab.faults.view())

    async def apply_faults(self, body: FaultOrder) -> Response:
        """Replace the whole fault plan; refused as a whole if one fault cannot be."""
        self._lab.faults.apply(body.faults, seed=body.seed)
        return json_answer(self._lab.faults.view())

    async def reset_faults(self) -> Response:
        """Nothing is broken any more."""
        self._lab.faults.reset()
        return json_answer(self._lab.faults.view())

    async def breakers(self) -> Response:
        """Every network's circuit breaker."""
        return json_answer({"breakers": self._breakers()})

    async def force_breaker(self, name: str, body: BreakerOrder) -> Response:
        """Hold a breaker open or closed, or let it decide again."""
        self._lab.switch.force(name, body.state)
        return json_answer({"breakers": self._breakers()})

    async def judge_breaker_by(self, name: str, body: RulesOrder) -> Response:
        """Have a breaker judge by failures in a row, or by a share of the last seconds' calls."""
        self._lab.switch.judge_by(name, PRESETS[body.rules])
        return json_answer({"breakers": self._breakers()})

    async def clock(self) -> Response:
        """Lab time and how it runs."""
        return json_answer(self._lab.clock_state())

    async def move_clock(self, body: ClockOrder) -> Response:
        """Jump forward, run faster, slower or not at all, or go back to real time.

        Real time is refused (409) when something is stored that lies after it, and while an
        outcome is open: history would be told in the wrong order, and what is due would wait.
        """
        clock = self._lab.clock
        if [body.jump_s, body.rate, body.reset].count(None) != 2:
            raise BadRequest(
                "clock_order", 'send {"jump_s": …}, {"rate": …} or {"reset": true}, one of them'
            )
        if body.reset and clock.is_moved:
            refuse_unless_history_allows(self._lab.engine_database, clock.unmoved_us())
            clock.reset()
        try:
            if body.jump_s is not None:
                clock.jump(body.jump_s)
            if body.rate is not None:
                clock.set_rate(body.rate)
        except ValueError as error:
            raise BadRequest("clock_range", str(error)) from error
        self._folder.keep_world(self._lab.record())
        state = self._lab.clock_state()
        self._lab.events.emit("clock.changed", actor="person", data=state)
        return json_answer(state)

    async def networks(self) -> Response:
        """A tile for each network: breaker and figures of the last minute."""
        figures = self._lab.latency.view(NETWORKS_WINDOW_S)["networks"]
        by_name = figures if isinstance(figures, dict) else {}
        tiles = []
        for view in self._breakers():
            measured = by_name.get(view["name"], {})
            numbers = {
                key: measured.get(key) for key in ("error_rate", "p50_ms", "p95_ms", "p99_ms", "n")
            }
            tiles.append({**view, **numbers, "probe": view["state"] == "half_open"})
        return json_answer({"networks": tiles})

    async def metrics(self) -> Response:
        """How often the cache had what was asked of it, in all and by the kind of key."""
        cache, near = self._lab.cache, self._lab.near
        near_kinds = near.by_kind()
        return json_answer(
            {
                "cache": {
                    "name": cache.name,
                    "failing": cache.is_failing,
                    "failures": cache.failures,
                    "spoiled": cache.spoiled,
                    **_rate(cache.hits, cache.misses),
                    "kinds": {
                        kind: _rate(hits, misses)
                        for kind, (hits, misses) in cache.by_kind().items()
                    },
                },
                "near": {
                    "deaf": near.is_deaf,
                    "entries": len(near),
                    "bytes": near.bytes_used,
                    "bytes_max": near.bytes_max,
                    "evicted": near.evicted,
                    **_rate(*map(sum, zip((0, 0), *near_kinds.values(), strict=True))),
                    "kinds": {kind: _rate(*counts) for kind, counts in near_kinds.items()},
                },
            }
        )

    async def latency(
        self,
        window_s: int = Query(default=120, ge=1, le=600),
        bucket_s: int = Query(default=2, ge=1, le=60),
    ) -> Response:
        """Latency of every network over time."""
        return json_answer(self._lab.latency.view(window_s, bucket_s))

    async def payments(
        self,
        limit: int = Query(default=50, ge=1, le=PAGE_ROWS_MAX),
        before_us: int | None = Query(default=None, ge=0),
    ) -> Response:
        """Payments, newest first."""
        return json_answer({"payments": self._lab.payments.recent(limit, before_us)})

    async def payment(self, payment_id: str) -> Response:
        """The life of one payment."""
        await self._lab.flush_events()
        detail = self._lab.payments.detail(payment_id)
        return json_answer({**detail, "webhooks": self._webhooks_of(payment_id)})

    async def ledger(self, limit: int = Query(default=50, ge=1, le=PAGE_ROWS_MAX)) -> Response:
        """Balance of every account (debit positive), its sums (zero), the newest payments' entries.

        Page through all of a merchant's entries under /lab/ledger/entries.
        """
        lab = self._lab
        read = lab.engine_database.read
        balances = await lab.offload(lambda: read(SqlCheckpoints().all_balances))
        sums = {currency: 0 for _, currency in sorted(balances)}
        for (_, currency), minor in balances.items():
            sums[currency] += minor
        newest = [str(row["id"]) for row in lab.payments.recent(limit)]
        entries = [
            {"payment_id": each, **entry} for each in newest for entry in self._entries(each)
        ]
        return json_answer(
            {
                "balances": [
                    {"account": account, "currency": currency, "balance_minor": minor}
                    for (account, currency), minor in sorted(balances.items())
                ],
                "sums": [
                    {"currency": currency, "sum_minor": minor} for currency, minor in sums.items()
                ],
                "entries": entries,
            }
        )

    async def audit(
        self,
        limit: int = Query(default=100, ge=1, le=PAGE_ROWS_MAX),
        before_id: int = Query(default=BEYOND_EVERY_ID, ge=1, le=BEYOND_EVERY_ID),
        user_id: str | None = Query(default=None, max_length=64),
        action: str | None = Query(default=None, max_length=64),
        resource_id: str | None = Query(default=None, max_length=64),
    ) -> Response:
        """Who changed what, newest first; of one person, action or object, if named."""
        wanted = audit_rows.Wanted(user_id, action, resource_id)
        page = self._lab.engine_database.read(
            lambda tx: audit_rows.page(tx, before_id, limit, wanted)
        )
        return json_answer({"audit": page})

    async def observe(self, body: ObservedEvents) -> Response:
        """Store and republish what a window or a command saw."""
        return json_answer({"stored": await event_stream.store_observed(self._lab, body.events)})

    async def snapshot(self, body: SnapshotOrder) -> Response:
        """Copy the world's databases, with a manifest, under the data folder."""
        folder, manifest = self._lab.snapshot(body.directory)
        return json_answer({"directory": str(folder), "manifest": manifest}, 201)

    async def watch(self, websocket: WebSocket) -> None:
        """Events as they happen; `since` asks for what was missed."""
        since = websocket.query_params.get("since", "")
        await event_stream.watch(websocket, self._lab, int(since) if since.isdecimal() else None)

    async def attach(self, websocket: WebSocket) -> None:
        """Keep an engine that stops when nobody uses it."""
        await self._attachments.hold(websocket)

    def _entries(self, payment_id: str) -> list[dict[str, object]]:
        found = self._lab.payments.detail(payment_id)["entries"]
        return found if isinstance(found, list) else []

    def _breakers(self) -> list[dict[str, object]]:
        return [
            {
                "name": view.name,
                "state": view.state,
                "failures": view.failures,
                "retry_in_ms": view.retry_in_ms,
                "rejected": view.rejected,
                "forced": view.forced,
                "rules": view.rules,
                "calls": view.calls,
            }
            for view in self._lab.switch.breakers()
        ]


def _rate(hits: int, misses: int) -> dict[str, object]:
    asked = hits + misses
    rate = round(hits / asked, 4) if asked else None
    return {"hits": hits, "misses": misses, "hit_rate": rate}
