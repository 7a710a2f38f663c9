"""`/healthz`, `/readyz` and `/metrics`: for machines that ask how the engine is; no secret here.

Metrics are in the Prometheus text format (version 0.0.4), counters and gauges only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from backend.cache.level_one import LevelOne
from backend.cache.tolerant import TolerantCache
from backend.http.answers import json_answer
from backend.http.laboratory import Laboratory
from backend.http.request_counts import RequestCounts
from backend.runtime.errors import StorageError
from backend.storage import event_rows

STATE_NUMBERS = {"closed": 0, "half_open": 1, "open": 2}
METRICS_TYPE = "text/plain; version=0.0.4"


class Health:
    """How the engine is."""

    def __init__(self, lab: Laboratory, requests: RequestCounts) -> None:
        self._lab = lab
        self.requests = requests

    async def alive(self, _request: Request) -> Response:
        """The process answers."""
        return json_answer({"ok": True})

    async def ready(self, _request: Request) -> Response:
        """Whether payments can be taken; a broken cache or an open breaker does not prevent it."""
        database = self._database_answers()
        body = {
            "ready": database,
            "database": "ok" if database else "failed",
            "cache": "failing" if self._lab.cache.is_failing else "ok",
            "unprotected_keys": self._lab.keys.is_unprotected,
            "breakers": {view.name: view.state for view in self._lab.switch.breakers()},
        }
        return json_answer(body, 200 if database else 503)

    async def metrics(self, _request: Request) -> Response:
        """Counters and gauges."""
        lab = self._lab
        lines = [
            *_family("taplab_http_requests_total", "counter", self.requests.samples()),
            *_family("taplab_engine_commits_total", "counter", [("", lab.engine_database.commits)]),
            *_family("taplab_engine_units_total", "counter", [("", lab.engine_database.units)]),
            *_family("taplab_cache_hits_total", "counter", [("", lab.cache.hits)]),
            *_family("taplab_cache_misses_total", "counter", [("", lab.cache.misses)]),
            *_family("taplab_cache_lookups_total", "counter", _lookups(lab.cache)),
            *_family("taplab_cache_failures_total", "counter", [("", lab.cache.failures)]),
            *_family("taplab_cache_near_lookups_total", "counter", _lookups(lab.near)),
            *_family("taplab_cache_near_bytes", "gauge", [("", lab.near.bytes_used)]),
            *_family("taplab_cache_near_evictions_total", "counter", [("", lab.near.evicted)]),
            *_family(
                "taplab_breaker_state",
                "gauge",
                [
                    (f'{{network="{view.name}"}}', STATE_NUMBERS.get(view.state, -1))
                    for view in lab.switch.breakers()
                ],
            ),
            *_family(
                "taplab_breaker_rejected_total",
                "counter",
                [(f'{{network="{view.name}"}}', view.rejected) for view in lab.switch.breakers()],
            ),
        ]
        return Response("\n".join(lines) + "\n", media_type=METRICS_TYPE)

    def _database_answers(self) -> bool:
        try:
            self._lab.engine_database.read(lambda tx: event_rows.last_seq(tx, "readyz"))
        except (StorageError, sqlite3.Error):
            return False  # that is the news this route is for
        return True


def _family(name: str, kind: str, samples: Iterable[tuple[str, float]]) -> list[str]:
    return [f"# TYPE {name} {kind}", *(f"{name}{labels} {value}" for labels, value in samples)]


def _lookups(cache: TolerantCache | LevelOne) -> list[tuple[str, float]]:
    """Hits and misses by the kind of key."""
    return [
        (f'{{kind="{kind}",result="{result}"}}', count)
        for kind, counts in cache.by_kind().items()
        for result, count in zip(("hit", "miss"), counts, strict=True)
    ]
