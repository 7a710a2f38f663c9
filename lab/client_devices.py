"""What a person's devices ask of the engine about themselves: known, proven, lost, found.

A part of the engine's client: how a request travels is the client's. Every request here may be
repeated; a challenge is good once, so a proof that was lost begins with another challenge.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from lab.engine_shapes import DeviceRecord
from lab.json_fields import Json, objects, text


class DeviceRequests(ABC):
    """Requests about devices."""

    @abstractmethod
    async def _api(
        self, method: str, path: str, body: Json | None = None, *, key: str | None = None
    ) -> Json:
        """A request of the wallet, signed in."""

    async def register_device(
        self,
        device_id: str,
        *,
        kind: str,
        name: str,
        public_key: Mapping[str, object] | None = None,
    ) -> None:
        """Make a device known; doing it again changes nothing.

        Raises:
            EngineRefused: `device_key_known` when it showed another key before.
        """
        shown = {} if public_key is None else {"publicKey": dict(public_key)}
        await self._api("PUT", f"/api/devices/{device_id}", {"kind": kind, "name": name, **shown})

    async def prove_device(self, device_id: str, signed: Callable[[str], str]) -> None:
        """Have the session know that its device holds its key.

        Args:
            device_id: which one; the session speaks for it.
            signed: signs a challenge.
        """
        given = await self._api("POST", f"/api/devices/{device_id}/challenge", {})
        proof = signed(text(given, "challenge"))
        await self._api("POST", f"/api/devices/{device_id}/proof", {"proof": proof})

    async def devices(self) -> tuple[DeviceRecord, ...]:
        """The person's devices, the oldest first."""
        body = await self._api("GET", "/api/devices")
        return tuple(DeviceRecord.from_json(device) for device in objects(body, "devices"))

    async def device_lost(self, device_id: str) -> None:
        """Suspend every card of a device and end its sessions."""
        await self._api("POST", f"/api/devices/{device_id}/lost", {}, key=f"lost-{device_id}")

    async def device_found(self, device_id: str, *, reactivate_cards: bool) -> None:
        """The device is back; its cards stay suspended unless they are let go, too."""
        body = {"reactivateCards": reactivate_cards}
        await self._api("POST", f"/api/devices/{device_id}/found", body, key=f"found-{device_id}")
