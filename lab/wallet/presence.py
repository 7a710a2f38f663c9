"""A device says to the engine who it is, and proves it with its secure element.

A part of a device's flow, phone or watch. The session then knows which device speaks and whether
a face is enrolled on it, which is what payments in apps need. Where the engine knows another key
under this name (somebody else's folder), the device goes on unproven: it can pay at tills.
"""

from __future__ import annotations

import asyncio

from backend.api import EventLog
from hardware.api import SecureElement
from lab.client import EngineClient
from lab.errors import EngineRefused

OTHER_KEY = "device_key_known"
OTHER_SESSION = frozenset({"device_not_bound", "challenge_expired"})
"""The session was replaced between two steps (its push connection had to sign in anew)."""
TRIES = 3


class Presence:
    """One device in front of the engine."""

    def __init__(
        self,
        device_id: str,
        *,
        kind: str,
        name: str,
        face_enrolled: bool,
        client: EngineClient,
        element: SecureElement,
        log: EventLog,
    ) -> None:
        """A device that has not said anything yet.

        Args:
            device_id: what it is called.
            kind: "phone" or "watch".
            name: shown to its person.
            face_enrolled: whether it can know its person's face.
            client: the way to the engine, in a session of this device.
            element: holds its key.
            log: hears when it is not believed.
        """
        self._device_id = device_id
        self._kind = kind
        self._name = name
        self._face_enrolled = face_enrolled
        self._client = client
        self._element = element
        self._log = log
        self._showing = asyncio.Lock()

    async def show(self) -> None:
        """Make the device known and prove it.

        Raises:
            EngineRefused, EngineUnreachable: the engine said no, or nothing.
        """
        async with self._showing:  # a second challenge would spoil the first one
            await self._show()

    async def _show(self) -> None:
        try:
            await self._register()
        except EngineRefused as refused:
            if refused.code != OTHER_KEY:
                raise
            data = {"device_id": self._device_id, "reason": refused.code}
            self._log.emit("device.unproven", actor=self._kind, data=data)
            await self._client.register_device(self._device_id, kind=self._kind, name=self._name)
            return
        for again in reversed(range(TRIES)):
            try:
                await self._client.prove_device(self._device_id, self._signed)
            except EngineRefused as refused:
                if refused.code not in OTHER_SESSION or not again:
                    raise
                await self._register()
            else:
                return

    async def _register(self) -> None:
        await self._client.register_device(
            self._device_id,
            kind=self._kind,
            name=self._name,
            public_key=self._element.word_key(),
        )

    def _signed(self, challenge: str) -> str:
        return self._element.prove(challenge, self._device_id, face_enrolled=self._face_enrolled)
