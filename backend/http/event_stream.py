"""`WS /lab/events` and `POST /lab/events`: what happens, to everybody who watches.

A watcher that names the last number it saw gets what it missed (from the store and from the ring
of recent events) before what comes next, without a gap: subscribing and reading what was happen in
the same turn of the event loop. A watcher that cannot keep up is cut off with 1013 and comes back
with its number; it never slows the engine down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from backend.http.laboratory import Laboratory
from backend.runtime.errors import BadRequest
from backend.runtime.events import Event, event_from_json
from backend.storage import event_rows
from backend.storage.database import Transaction

ENGINE = "engine"
QUEUE_EVENTS = 10_000
BACKLOG_EVENTS = 5_000
TOO_SLOW = 1013
FAULT_FIRED = "fault.fired"
BELIEF_SIDES = {"phone.showed": "phone", "till.showed": "till"}


async def watch(websocket: WebSocket, lab: Laboratory, since: int | None) -> None:
    """Send events until the watcher leaves."""
    await websocket.accept()
    queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE_EVENTS + 1)

    def offer(event: Event) -> None:
        if queue.qsize() < QUEUE_EVENTS:
            queue.put_nowait(event)
        elif queue.qsize() == QUEUE_EVENTS:
            queue.put_nowait(None)  # the watcher is too slow: the last thing it hears

    unsubscribe = lab.events.subscribe(offer)
    missed = _missed(lab, since) if since is not None else []
    sender = asyncio.ensure_future(_send(websocket, lab, missed, queue))
    try:
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass  # a watcher has nothing to say
    finally:
        unsubscribe()
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def store_observed(lab: Laboratory, bodies: Sequence[dict[str, object]]) -> int:
    """Store and republish what a window or a command saw; how many events there were.

    Raises:
        BadRequest: one of them is no envelope of a lab source.
    """
    try:
        observed = [event_from_json(body) for body in bodies]
    except ValueError as error:
        raise BadRequest("event_invalid", str(error), field="events") from error
    if any(not event.source.startswith("lab") for event in observed):
        raise BadRequest("event_source", 'a source here begins with "lab"', field="events")
    now_us = lab.clock.now_us()

    def work(tx: Transaction) -> None:
        event_rows.append_once(tx, observed)
        for event in observed:
            side = BELIEF_SIDES.get(event.kind)
            belief = event.data.get("belief")
            if side is not None and event.tap_id is not None and isinstance(belief, str):
                event_rows.believe(tx, side, event.tap_id, belief, now_us)

    await lab.engine_database.write(work)
    for event in observed:
        if event.kind == FAULT_FIRED:  # the laboratory carries out the faults of its own links
            lab.faults.note_fired(event.id, event.data)
        lab.events.publish(event)
    return len(observed)


def _missed(lab: Laboratory, since: int) -> list[Event]:
    stored = lab.engine_database.read(
        lambda tx: event_rows.after(tx, ENGINE, since, BACKLOG_EVENTS)
    )
    recent = [event for event in lab.events.recent(since) if event.source == ENGINE]
    by_number = {event.seq: event for event in (*stored, *recent)}
    return [by_number[seq] for seq in sorted(by_number)]


async def _send(
    websocket: WebSocket,
    lab: Laboratory,
    missed: list[Event],
    queue: asyncio.Queue[Event | None],
) -> None:
    try:
        await websocket.send_text(_hello(lab, missed))
        for event in missed:
            await websocket.send_text(orjson.dumps(event.to_json()).decode())
        while (new := await queue.get()) is not None:
            await websocket.send_text(orjson.dumps(new.to_json()).decode())
        await websocket.close(TOO_SLOW)
    except (WebSocketDisconnect, RuntimeError):
        return  # the watcher left while we were sending


def _hello(lab: Laboratory, missed: list[Event]) -> str:
    last = lab.engine_database.read(lambda tx: event_rows.last_seq(tx, ENGINE))
    recent = [event.seq for event in lab.events.recent() if event.source == ENGINE]
    greeting = {
        "seq": max([last, *recent[-1:]]),
        "missed": len(missed),
        "world": lab.world,
        "seed": lab.entropy.seed,
        "now_us": lab.clock.now_us(),
        "started_at_us": lab.started_at_us,
    }
    return orjson.dumps({"hello": greeting}).decode()
