"""`WS /api/devices/{id}/push`: a device hears what waits for it until it says that it heard.

Messages are rows; this only carries them. `{"ack": id}` takes one off the list; what was not
acknowledged comes again with the next connection. A session that ends closes its connection.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import orjson
from starlette.websockets import WebSocket

from backend.http.sessions import session_of
from backend.runtime.errors import BadRequest, StorageError
from backend.runtime.events import Event, EventLog
from backend.wallet.accounts import Accounts, NotSignedIn
from backend.wallet.devices import Devices

NOT_SIGNED_IN = 4401
NOT_YOURS = 4404
NOT_UNDERSTOOD = 4400
TRY_AGAIN_LATER = 1013
_WAKING = ("card.", "device.")


@dataclass(frozen=True, slots=True)
class DevicePush:
    """Carries device messages."""

    accounts: Accounts
    devices: Devices
    events: EventLog

    async def serve(self, websocket: WebSocket, device_id: str) -> None:
        """Deliver until the device leaves or its session ends."""
        try:
            session = await session_of(websocket, self.accounts)
            self.devices.owned(session.user_id, device_id)
        except NotSignedIn:
            await websocket.close(NOT_SIGNED_IN)
            return
        except BadRequest:
            await websocket.close(NOT_YOURS)
            return
        await websocket.accept()
        wake = asyncio.Event()
        wake.set()

        def notice(event: Event) -> None:
            if event.kind.startswith(_WAKING):
                wake.set()

        unsubscribe = self.events.subscribe(notice)
        sender = asyncio.ensure_future(self._deliver(websocket, device_id, wake))
        try:
            await self._listen(websocket, device_id)
        finally:
            unsubscribe()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _deliver(self, websocket: WebSocket, device_id: str, wake: asyncio.Event) -> None:
        sent_id = 0
        while True:
            await wake.wait()
            wake.clear()
            for message in self.devices.waiting(device_id, sent_id):
                await websocket.send_text(orjson.dumps(message.to_json()).decode())
                sent_id = message.id
            try:
                await session_of(websocket, self.accounts)
            except NotSignedIn:  # the last messages went out: they say why
                await websocket.close(NOT_SIGNED_IN)
                return

    async def _listen(self, websocket: WebSocket, device_id: str) -> None:
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            message_id = _acknowledged(message.get("text"))
            if message_id is None:
                await websocket.close(NOT_UNDERSTOOD)
                return
            try:
                await self.devices.acknowledge(device_id, message_id)
            except StorageError:  # not written down: the device gets it again
                await websocket.close(TRY_AGAIN_LATER)
                return


def _acknowledged(text: str | None) -> int | None:
    try:
        body = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    value = body.get("ack") if isinstance(body, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
