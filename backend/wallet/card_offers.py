"""A network's offer for a card as `/api` shows it: product, terms, designs with their pictures.

Field names are those of `/api` (camelCase). Knows no network and no person.
"""

from __future__ import annotations

from backend.networks.tsp_terms import CardOffer
from backend.wallet.card_faces import address


def offer_json(offer: CardOffer) -> dict[str, object]:
    """The answer of `POST /api/card-offers`."""
    return {
        "product": offer.product,
        "cardType": offer.card_type,
        "terms": {"version": offer.terms_version, "text": offer.terms_text},
        "designs": [
            {
                "id": design.id,
                "name": design.name,
                "artUrl": address(f"/static/card-art/{design.id}.svg", design.id, offer.product),
            }
            for design in offer.designs
        ],
    }
