"""`/static/card-art/{id}.svg`: the face of a card, or of a design that a card could have.

The answer depends on the picture alone, so it may lie in any cache for a day, at the edge for a
week; addresses that the engine tells carry the picture's version (`?v=`), and who has it already
hears 304. Decides nothing about who may look: a face tells no digit and no person.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from backend.networks.products import DESIGNS
from backend.runtime.errors import NotFound
from backend.wallet.card_faces import face, version
from backend.wallet.model import Card

NOT_MODIFIED = 304
HEADERS = {
    "Cache-Control": "public, max-age=86400",
    "CDN-Cache-Control": "max-age=604800",
    "Vary": "Accept-Encoding",
}


def draw(find: Callable[[str], Card | None], request: Request, name: str) -> Response:
    """The picture of the card or the design with that file name.

    Raises:
        NotFound: no such card or design.
    """
    design, title = _named(find, name)
    tag = f'"{version(design, title)}"'
    headers = {**HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=NOT_MODIFIED, headers=headers)
    return Response(face(design, title), headers=headers, media_type="image/svg+xml")


def _named(find: Callable[[str], Card | None], name: str) -> tuple[str, str]:
    """Design and product's name."""
    identifier, _, kind = name.partition(".")
    if kind == "svg" and identifier in DESIGNS:
        return identifier, DESIGNS[identifier][0].name
    card = find(identifier) if kind == "svg" else None
    if card is None or card.status == "requested":
        raise NotFound("card_art_unknown", "no such picture")
    return card.design, card.product
