"""`/static/card-art/{id}.svg`: a card's face as a drawing of our own, without any network's mark.

Colours come from the network's name and the product; the picture shows no digits, so it may lie in
any cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from xml.sax.saxutils import escape

from starlette.responses import Response

from backend.runtime.errors import NotFound
from backend.wallet.model import Card

HEADERS = {
    "Cache-Control": "public, max-age=86400",
    "CDN-Cache-Control": "max-age=604800",
    "Vary": "Accept-Encoding",
}
_HUES = {"visa": 222, "mastercard": 16, "amex": 190}
_TEMPLATE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 856 540" role="img">
<title>{title}</title>
<defs><linearGradient id="face" x1="0" y1="0" x2="1" y2="1">
<stop offset="0" stop-color="hsl({hue} 62% 34%)"/>
<stop offset="1" stop-color="hsl({turn} 58% 52%)"/>
</linearGradient></defs>
<rect width="856" height="540" rx="36" fill="url(#face)"/>
<circle cx="{x}" cy="{y}" r="320" fill="hsl({turn} 70% 70%)" opacity="0.18"/>
<text x="56" y="104" font-family="Inter, sans-serif" font-size="44" fill="#fff">{title}</text>
</svg>
"""


def draw(find: Callable[[str], Card | None], name: str) -> Response:
    """The picture of the card with that file name.

    Raises:
        NotFound: no such card.
    """
    card_id, _, kind = name.partition(".")
    card = find(card_id) if kind == "svg" else None
    if card is None or card.status == "requested":
        raise NotFound("card_art_unknown", "no such picture")
    digest = hashlib.sha256(f"{card.network}|{card.product}".encode()).digest()
    hue = _HUES.get(card.network, digest[0])
    picture = _TEMPLATE.format(
        title=escape(card.product),
        hue=hue,
        turn=(hue + 24 + digest[1] % 40) % 360,
        x=420 + digest[2] * 2,
        y=80 + digest[3],
    )
    return Response(picture, headers=HEADERS, media_type="image/svg+xml")
