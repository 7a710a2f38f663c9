"""`/lab/vault`: how the card vault's keys stand, a rotation on demand, merchants' new keys.

For the laboratory, behind the local token like everything under `/lab`. Says versions, counts and
places; there is no route on which a card number could come out. Knows HTTP; decides nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from backend.http.answers import json_answer
from backend.storage.database import Database, Transaction
from backend.storage.vault_rows import SqlVaultRows
from backend.vault.rotation import ROTATION_US, Rotation


@dataclass(frozen=True, slots=True)
class VaultRoutes:
    """The vault's keys, and the merchants' own for payment tokens.

    Attributes:
        renew_key: gives a merchant a new one.
    """

    rotation: Rotation[Transaction]
    database: Database
    rows: SqlVaultRows
    renew_key: Callable[[str], Awaitable[dict[str, str]]]

    def router(self) -> APIRouter:
        """The routes, without the `/lab` in front."""
        router = APIRouter(default_response_class=Response, tags=["vault"])
        router.add_api_route("/vault", self.look, methods=["GET"])
        router.add_api_route("/vault/rotate", self.rotate, methods=["POST"])
        path = "/vault/merchants/{merchant_id}/renew"
        router.add_api_route(path, self.renew, methods=["POST"])
        return router

    async def renew(self, merchant_id: str) -> Response:
        """A merchant's new key for payment tokens of apps; those under way still open."""
        return json_answer(await self.renew_key(merchant_id))

    async def look(self) -> Response:
        """Every data key with the version of the key that wraps it, and how many cards it seals."""
        keys = self.database.read(self.rows.keys)
        sealed = self.database.read(self.rows.cards_by_key)
        newest = keys[-1] if keys else None
        return json_answer(
            {
                "keys": [
                    {
                        "version": key.version,
                        "kek": key.kek,
                        "home": key.home,
                        "cards": sealed.get(key.version, 0),
                        "created_at_us": key.created_at_us,
                        "wrapped_at_us": key.wrapped_at_us,
                    }
                    for key in keys
                ],
                "cards": sum(sealed.values()),
                "next_rotation_us": None if newest is None else newest.created_at_us + ROTATION_US,
            }
        )

    async def rotate(self) -> Response:
        """Wrap every data key under a new key-encryption key now; no record is touched."""
        return json_answer((await self.rotation.rotate()).to_json())
