"""How long it takes to add a card, and to stop every card of a device that is lost.

Load cards on a device of their own, asked for over HTTP like everything a phone does. Nobody
listens for the keys: this is about the engine and the networks behind it.
"""

from __future__ import annotations

from backend.api import Clock
from lab.client import EngineClient
from lab.load.generator import percentile
from lab.wallet.add_card import CardDraft, seal
from lab.wallet.card_number import passes_luhn
from lab.world import World

CARDS = 20
DEVICE = "dev_bench_lost"
NETWORK = "visa"
PREFIX = "4000990000"


async def lost_devices(world: World, rounds: int) -> list[dict[str, float]]:
    """Add twenty cards to a device, lose it, and find it again; milliseconds of each round.

    Args:
        world: with its engine up.
        rounds: a device each.
    """
    client = world.client.beside_links()
    key = await client.network_key(NETWORK)
    rows = []
    for number in range(rounds):
        device_id = f"{DEVICE}_{number}"
        await client.register_device(device_id, kind="phone", name="Benchmark")
        added_ms = []
        for card in range(CARDS):
            draft = CardDraft(load_number(card), "1230", "123", terms=True)
            body = {
                "network": NETWORK,
                "encryptedPan": seal(draft, key, world.element.public_key()),
                "expiry": draft.expiry_text,
                "cvv": draft.cvv,
                "last4": draft.last4,
                "deviceId": device_id,
            }
            began_us = world.clock.monotonic_us()
            await client.add_card(body, key=f"{device_id}-{card}")
            added_ms.append(_since_ms(world.clock, began_us))
        lost_ms = await _lose(world, client, device_id)
        rows.append({"p99": percentile(tuple(sorted(added_ms)), 0.99) or 0.0, "lost": lost_ms})
    return rows


async def _lose(world: World, client: EngineClient, device_id: str) -> float:
    began_us = world.clock.monotonic_us()
    await client.device_lost(device_id)
    taken_ms = _since_ms(world.clock, began_us)
    client.forget_session()  # it was that device's
    return taken_ms


def _since_ms(clock: Clock, began_us: int) -> float:
    return (clock.monotonic_us() - began_us) / 1_000


def load_number(card: int) -> str:
    """A load card's number: never out of money, and made without certificates."""
    body = f"{PREFIX}{card:05d}"
    return next(body + digit for digit in "0123456789" if passes_luhn(body + digit))
