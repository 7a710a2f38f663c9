"""The wallet's figures: card lists from cache and SQL, payment tokens, the audit trail's share.

The list is asked for over HTTP, as a phone does; a changed default makes the next one come from the
database, and the one after that from wherever this engine keeps its lists (its own memory, or the
Redis that the environment names). The other figures are taken by the engine's own side, in turns.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from backend.api import Clock, audit_share, token_times
from lab.bench_suite.figure import figure
from lab.world import World

AUDIT_TARGET_MS = 0.2
LISTS, TOKENS, PAYMENTS = 40, 40, 150


async def figures(world: World, *, rounds: int) -> list[dict[str, object]]:
    """Measure.

    Args:
        world: with its engine up, and cards in the phone.
        rounds: medians are over so many.
    """
    lists = [await _card_lists(world) for _ in range(rounds)]
    tokens = token_times(world.clock, rounds=rounds, tokens=TOKENS)
    with tempfile.TemporaryDirectory(prefix="tap-lab-audit-") as folder:
        shares = await audit_share(Path(folder), rounds=rounds, payments=PAYMENTS)
    return [
        figure("card_list_from_cache_ms", [cached for cached, _ in lists], None),
        figure("card_list_from_sql_ms", [read for _, read in lists], None),
        figure("ec_v1_seal_ms", [each.sealed for each in tokens], None),
        figure("ec_v1_open_ms", [each.opened for each in tokens], None),
        figure("payment_with_audit_ms", [each.audited for each in shares], None),
        figure("audit_share_ms", [each.added for each in shares], AUDIT_TARGET_MS),
    ]


async def _card_lists(world: World) -> tuple[float, float]:
    """Medians, milliseconds: of an answer that is kept, and of one that has to be read."""
    client = world.client.beside_links()
    cards = [card.id for card in await client.cards()]
    kept: list[float] = []
    read: list[float] = []
    for number in range(LISTS):
        await client.set_default(cards[number % len(cards)])
        for times in (read, kept):
            began_us = world.clock.monotonic_us()
            await client.cards()
            times.append(_since_ms(world.clock, began_us))
    return statistics.median(kept), statistics.median(read)


def _since_ms(clock: Clock, began_us: int) -> float:
    return (clock.monotonic_us() - began_us) / 1_000
