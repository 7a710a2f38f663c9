"""What the phone and the laboratory ask of the engine about cards that exist.

A part of the engine's client: how a request travels is the client's. Every request here may be
repeated: the engine does each of it once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from lab.engine_shapes import TermsRecord
from lab.errors import EngineRefused
from lab.json_fields import Json, objects, section, text, texts
from lab.notice_shapes import LetterRecord
from lab.offer_shapes import OfferRecord

OUTSIDERS = ("ISSUER", "MOBILE_PIN_LOCKED")


class CardRequests(ABC):
    """Requests about cards."""

    @abstractmethod
    async def _api(
        self, method: str, path: str, body: Json | None = None, *, key: str | None = None
    ) -> Json:
        """A request of the wallet, signed in."""

    @abstractmethod
    async def device_found(self, device_id: str, *, reactivate_cards: bool) -> None:
        """The device is back; its cards stay suspended unless they are let go, too."""

    @abstractmethod
    async def _lab(self, method: str, path: str, body: Json | None = None) -> Json:
        """A request of the laboratory, with the local token."""

    async def terms(self) -> TermsRecord:
        """What a person accepts before a card comes into the wallet."""
        return TermsRecord.from_json(await self._api("GET", "/api/terms"))

    async def card_offer(self, network: str, sealed: str) -> OfferRecord:
        """What a sealed card is: product, its own terms, designs to choose from."""
        body = {"network": network, "encryptedPan": sealed}
        return OfferRecord.from_json(await self._api("POST", "/api/card-offers", body))

    async def letters(self) -> tuple[LetterRecord, ...]:
        """What banks and shops wrote to the person, newest first."""
        body = await self._api("GET", "/api/notices")
        return tuple(LetterRecord.from_json(letter) for letter in objects(body, "notices"))

    async def set_default(self, card_id: str) -> None:
        """Make a card the one that pays when nobody chooses."""
        await self._api("PUT", f"/api/cards/{card_id}/default", {})

    async def remove_card(self, card_id: str) -> None:
        """Delete a card and its token."""
        await self._api("DELETE", f"/api/cards/{card_id}")

    async def suspend(self, card_id: str) -> None:
        """Stop a card until it is reactivated."""
        await self._api("POST", f"/api/cards/{card_id}/suspend", {}, key=f"suspend-{card_id}")

    async def reactivate(self, card_id: str) -> bool:
        """Let a suspended card pay again; False while something has to be waited for."""
        path = f"/api/cards/{card_id}/reactivate"
        return _is_done(await self._api("POST", path, {}, key=f"react-{card_id}"))

    async def refresh_card(self, card_id: str) -> bool:
        """Have a new token put in the place of a card's; False while its network is away."""
        path = f"/api/cards/{card_id}/refresh"
        return _is_done(await self._api("POST", path, {}, key=f"refresh-{card_id}"))

    async def change_token(self, token_ref: str, operation: str, by: str = "ISSUER") -> None:
        """What an issuer does at its network: "suspend", "resume", "delete", "replace-card"."""
        await self._lab("POST", f"/lab/tokens/{token_ref}/{operation}", {"by": by})

    async def release_card(self, card_id: str) -> None:
        """Let a card pay again, whoever holds it: its bank, its person, or a lost device.

        Raises:
            EngineRefused, EngineUnreachable: the engine says no, or nothing.
        """
        tokens = objects(await self._lab("GET", "/lab/tokens"), "tokens")
        card = next((each for each in tokens if text(each, "card_id") == card_id), None)
        if card is None:
            return
        held_by = texts(card, "suspended_by")
        for by in OUTSIDERS:
            if by in held_by:
                await self.change_token(text(card, "token_ref"), "resume", by)
        if set(held_by) <= set(OUTSIDERS):
            return
        try:
            await self.reactivate(card_id)
        except EngineRefused as refusal:
            if refusal.code != "device_lost":
                raise
            await self.device_found(text(card, "device_id"), reactivate_cards=True)


def _is_done(answer: Json) -> bool:
    return text(section(answer, "card"), "pendingOperation", "") == ""
