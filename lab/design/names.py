"""How networks are written: by name in plain type, never by mark. Knows nothing of Qt."""

from __future__ import annotations

NETWORKS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "Amex"}


def network_name(name: str) -> str:
    """A network's name as people write it; an unknown one as it is."""
    return NETWORKS.get(name, name)
