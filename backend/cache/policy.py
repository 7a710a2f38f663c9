"""What is kept how long and under which names: the designs disagree, so each is a preset.

Times are lab time. The default keeps card lists two minutes, as two of the three designs do; the
third keeps them five. Knows numbers and words, and touches no cache.
"""

from __future__ import annotations

from dataclasses import dataclass

SESSION_TTL_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """One way of keeping things.

    Attributes:
        name: as it is chosen.
        cards: first part of the key of a person's card list.
        cards_ttl_s: seconds that a card list lives.
        history_ttl_s: seconds that the newest page of a history lives.
        session_ttl_s: seconds that a session lives.
    """

    name: str
    cards: str = "cards"
    cards_ttl_s: int = 120
    history: str = "tx_history"
    history_ttl_s: int = 30
    session: str = "session"
    session_ttl_s: int = SESSION_TTL_S

    def cards_key(self, user_id: str) -> str:
        """The key of a person's card list; `{…}` is a Redis Cluster hash tag."""
        return f"{self.cards}:{{{user_id}}}"

    def history_key(self, user_id: str) -> str:
        """The key of the newest page of a person's history."""
        return f"{self.history}:{{{user_id}}}"

    def session_key(self, session_id: str) -> str:
        """The key of a session, whose identifier is the hash of its cookie."""
        return f"{self.session}:{{{session_id}}}"


DEFAULT = CachePolicy("lab")
PRESETS = {
    each.name: each
    for each in (
        DEFAULT,
        CachePolicy("apple-backend", cards_ttl_s=300),
        CachePolicy("apple-system", cards="user_cards"),
        CachePolicy("apple-frontend"),
    )
}
