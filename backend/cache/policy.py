"""What is kept how long, where, and under which names: the designs disagree, so each is a preset.

A slot is one kind of thing that is kept. Level 1 is this process's memory, level 2 a Redis. Times
are lab time. Any slot of a preset can be changed by a setting, `cards=user_cards:300`. Knows
numbers and words, and touches no cache.

Where the designs disagree, the lab takes: card lists two minutes, as two of the three do (the third
five); merchants ten minutes in level 1 and an hour in level 2 (one design each). A watermark never
expires, because an old one is still true.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

SESSION_TTL_S = 7 * 86_400
MINUTE_S, HOUR_S = 60, 3_600
NEAR_BYTES_MAX = 100_000_000
TTL_S_MAX = 366 * 86_400
_CHANGE = re.compile(r"([a-z_]+)=(?:([a-z_]{1,32}):)?(\d{1,8})(?:/(\d{1,8}))?")


@dataclass(frozen=True, slots=True)
class Slot:
    """One kind of thing that is kept.

    Attributes:
        name: first part of its keys.
        ttl_s: seconds in level 2; None is for ever.
        near_ttl_s: seconds in level 1; 0 is not at all.
    """

    name: str
    ttl_s: int | None
    near_ttl_s: int = 0

    def key(self, owner: str) -> str:
        """The key of one owner's; `{…}` is a Redis Cluster hash tag."""
        return f"{self.name}:{{{owner}}}"


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """One way of keeping things.

    Attributes:
        name: as it is chosen.
        cards: a person's card list.
        history: the newest page of a person's payments.
        session: a session, by the hash of its cookie.
        token_metadata: what never changes of a token, by the keyed hash of its digits.
        atc: the highest transaction counter of a token that came with a valid cryptogram.
        merchant: who is paid.
        features: what fraud rules count, by whom it is about.
        rates: an exchange rate, by its pair of currencies.
        near_bytes_max: how much level 1 holds of all of them.
    """

    name: str
    cards: Slot = Slot("cards", 2 * MINUTE_S)
    history: Slot = Slot("tx_history", 30)
    session: Slot = Slot("session", SESSION_TTL_S)
    token_metadata: Slot = Slot("token_metadata", HOUR_S, HOUR_S)
    atc: Slot = Slot("atc", None)
    merchant: Slot = Slot("merchant", HOUR_S, 10 * MINUTE_S)
    features: Slot = Slot("features", 5 * MINUTE_S)
    rates: Slot = Slot("fx_rate", HOUR_S, HOUR_S)
    near_bytes_max: int = NEAR_BYTES_MAX

    def changed(self, changes: Sequence[str]) -> CachePolicy:
        """This policy with some slots otherwise: `cards=300` or `merchant=shop:3600/600`.

        A change names the slot, then perhaps its keys' first part and a colon, then its seconds in
        level 2 and perhaps, after a slash, those in level 1.

        Raises:
            ValueError: a change that cannot be, in words for people.
        """
        changed = self
        for change in changes:
            told = _CHANGE.fullmatch(change)
            slot = getattr(changed, told[1], None) if told is not None else None
            if told is None or not isinstance(slot, Slot):
                raise ValueError(
                    f"{change!r} is no change of the cache: write SLOT=[NAME:]SECONDS[/SECONDS], "
                    f"SLOT one of {', '.join(SLOTS)}"
                )
            fresh = Slot(told[2] or slot.name, int(told[3]), int(told[4] or slot.near_ttl_s))
            if not 0 < int(told[3]) <= TTL_S_MAX or fresh.near_ttl_s > TTL_S_MAX:
                raise ValueError(f"{change!r}: a cache keeps things for 1 to {TTL_S_MAX} seconds")
            changed = replace(changed, **{told[1]: fresh})  # type: ignore[arg-type]  # a slot's field
        names = [getattr(changed, each).name for each in SLOTS]
        if len(set(names)) < len(names):
            raise ValueError("two slots of the cache cannot share the first part of their keys")
        return changed


SLOTS = tuple(
    each.name for each in fields(CachePolicy) if each.name not in {"name", "near_bytes_max"}
)
DEFAULT = CachePolicy("lab")
PRESETS = {
    each.name: each
    for each in (
        DEFAULT,
        CachePolicy("apple-backend", cards=Slot("cards", 5 * MINUTE_S)),
        CachePolicy(
            "apple-system",
            cards=Slot("user_cards", 2 * MINUTE_S),
            merchant=Slot("merchant", HOUR_S),
        ),
        CachePolicy("apple-frontend"),
        CachePolicy("gateway", merchant=Slot("merchant", 10 * MINUTE_S, 10 * MINUTE_S)),
    )
}
